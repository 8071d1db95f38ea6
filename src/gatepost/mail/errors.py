"""Errors of sending mail. Their texts are stored and shown, so they contain no address and no secret."""


class MailError(Exception):
    """A mail was not sent."""


class MailNotSent(MailError):
    """The mail was not sent this time; a later attempt may succeed."""


class TemplateBroken(MailNotSent):
    """A template is missing or cannot be rendered; an operator must fix it."""


class MailRefused(MailError):
    """The mail cannot be delivered to this recipient; trying again will not help."""
