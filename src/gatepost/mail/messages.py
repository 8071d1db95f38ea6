"""Builds messages (RFC 5322): text and HTML alternatives, and headers into which nobody can inject anything."""

from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from email_validator import EmailNotValidError, validate_email

from gatepost.core.clock import Clock
from gatepost.core.settings.mail import HOST_NAME
from gatepost.mail.errors import MailRefused
from gatepost.mail.prepared import PreparedMail
from gatepost.mail.rendering import Templates


class Messages:
    """Builds messages from prepared mails."""

    def __init__(self, templates: Templates, clock: Clock, *, sender: Address) -> None:
        self._templates = templates
        self._clock = clock
        self._sender = sender

    def compose(self, mail: PreparedMail) -> EmailMessage:
        """Return the message in the person's language.

        Raises:
            MailRefused: nothing can be sent to this address.
            TemplateBroken: the template is missing or broken.
        """
        rendered = self._templates.render(mail.template, language=mail.language, context=mail.context)
        message = EmailMessage(policy=SMTP)
        message["From"] = self._sender
        message["To"] = _recipient(mail.address)
        _set_subject(message, rendered.subject)
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = make_msgid(domain=self._sender.domain)
        # RFC 3834: no automatic replies. Exchange only respects the second header.
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        message.set_content(rendered.text, cte="quoted-printable")
        if rendered.html is not None:
            message.add_alternative(rendered.html, subtype="html", cte="quoted-printable")
        # Last, because setting the content removes Content-* headers.
        message["Content-Language"] = rendered.language
        return message


def _set_subject(message: EmailMessage, subject: str) -> None:
    """Set the subject literally.

    Assigning it would decode encoded words such as `=?utf-8?q?…?=` (RFC 2047), whose hidden line breaks add headers,
    and older Python versions lose spaces when they fold a long subject.
    """
    if subject.isascii() and "=?" not in subject:
        message["Subject"] = subject
    else:
        message.set_raw("Subject", Header(subject, "utf-8", header_name="Subject").encode())


def _recipient(address: str) -> Address:
    """Return an address as it is sent: the domain in ASCII (RFC 5890), the local part unchanged.

    Raises:
        MailRefused: it is not a valid address.
    """
    local, _, domain = address.rpartition("@")
    try:
        if HOST_NAME.fullmatch(domain):
            # Names in private networks such as mail.local are allowed too, although a sign-up refuses them.
            checked = validate_email(f"{local}@example.com", check_deliverability=False)
            return Address(username=checked.local_part, domain=domain)
        checked = validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        raise MailRefused("the address cannot be written to") from None
    return Address(username=checked.local_part, domain=checked.ascii_domain or checked.domain)
