"""Checks of the settings of mails."""

from collections.abc import Iterator

from gatepost.core.settings.account_groups import EmailSignIn, EmailVerification
from gatepost.core.settings.complaints import Complaint
from gatepost.core.settings.mail import MailScheme, MailUrl, parse_mail_url, read_sender
from gatepost.core.settings.model import Settings

# The permissions of the group and of others.
OTHERS = 0o077


def mail_complaints(settings: Settings) -> Iterator[Complaint]:
    """Yield what is wrong with the settings of mails."""
    try:
        url = parse_mail_url(settings.mail_url.get_secret_value())
    except ValueError as error:
        yield Complaint("MAIL_URL", str(error), "Use console:, smtp://user:password@host:587 or smtps://…:465")
    else:
        if settings.in_production:
            yield from _exposed_mail(settings, url)
    if settings.email_sign_in is EmailSignIn.ON and settings.email_verification is EmailVerification.OFF:
        yield Complaint(
            "EMAIL_SIGN_IN", "it needs verified addresses", "Set EMAIL_VERIFICATION=optional, or EMAIL_SIGN_IN=off"
        )
    try:
        read_sender(settings.mail_from)
    except ValueError as error:
        yield Complaint("MAIL_FROM", str(error), "Use an address from which your mail server lets you send")
    try:
        _ = settings.ehlo_name
    except ValueError as error:
        yield Complaint("MAIL_EHLO_NAME", str(error), "Use a full host name such as auth.example.com, or [192.0.2.1]")
    if settings.mail_templates is not None and not settings.mail_templates.is_dir():
        yield Complaint("MAIL_TEMPLATES", "the folder does not exist", "Create it, or remove the setting")


def _exposed_mail(settings: Settings, url: MailUrl) -> Iterator[Complaint]:
    """Complain about mails that others can read in production: their links give access to accounts."""
    if url.scheme is MailScheme.CONSOLE and not settings.console_mail_in_production:
        yield Complaint(
            "MAIL_URL",
            "mails, with links that give access to accounts, would be printed to the log",
            "Use smtp://user:password@host:587 or smtps://…:465, or set CONSOLE_MAIL_IN_PRODUCTION=true",
        )
    if url.is_plain_to_elsewhere and not settings.plain_smtp_in_production:
        yield Complaint(
            "MAIL_URL",
            "with starttls=no, mails with links that give access to accounts are sent unencrypted",
            "Remove starttls=no, or set PLAIN_SMTP_IN_PRODUCTION=true",
        )
    if url.scheme is MailScheme.FILE and url.folder.is_dir() and url.folder.stat().st_mode & OTHERS:
        yield Complaint(
            "MAIL_URL",
            f"other users of this machine can read {url.folder.absolute()}, with links that give access to accounts",
            f"chmod 700 {url.folder.absolute()}",
        )
