"""What makes the messages of mails, for the service and for the commands that try them."""

from gatepost.core.clock import Clock
from gatepost.core.settings import Settings
from gatepost.core.settings.mail import read_sender
from gatepost.mail.messages import Messages
from gatepost.mail.rendering import Templates


def build_messages(settings: Settings, clock: Clock) -> Messages:
    """Build what makes messages."""
    return Messages(build_templates(settings), clock, sender=read_sender(settings.mail_from))


def build_templates(settings: Settings) -> Templates:
    """Build the words of mails; the name in MAIL_FROM is what they call the service."""
    return Templates(
        settings.mail_templates,
        default_language=settings.default_language,
        product=read_sender(settings.mail_from).display_name or "Gatepost",
        palette=settings.palette,
    )
