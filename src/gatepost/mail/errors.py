"""Why a mail did not leave. The texts are kept and shown: they hold no address and no secret."""


class MailError(Exception):
    """A mail did not leave."""


class MailNotSent(MailError):
    """Not now; trying again later may work."""


class TemplateBroken(MailNotSent):
    """A template is missing, or cannot be rendered; an operator mends it."""


class MailRefused(MailError):
    """Not to this recipient, however often it is tried."""
