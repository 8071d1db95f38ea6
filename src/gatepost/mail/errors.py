"""Why a mail did not leave. The texts are kept and shown: they hold no address and no secret."""


class MailNotSent(Exception):
    """Not now; trying again later may work."""


class MailRefused(Exception):
    """Not to this recipient, however often it is tried."""
