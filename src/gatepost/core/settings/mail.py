"""MAIL_URL and MAIL_FROM, read."""

import ipaddress
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.policy import SMTP
from enum import StrEnum
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

PORTS = {"smtp": 587, "smtps": 465}
MALFORMED = "it is not of the form smtp://user:password@host:port (in a password, @ : / ? # are %40 %3A %2F %3F %23)"
CHOICES = {"yes": True, "no": False}


class MailScheme(StrEnum):
    """The ways in which mail leaves."""

    CONSOLE = "console"
    FILE = "file"
    SMTP = "smtp"
    SMTPS = "smtps"


@dataclass(frozen=True, slots=True)
class MailUrl:
    """Where mail goes.

    `folder` belongs to `file`, all else to `smtp` and `smtps`; `starttls` is whether the connection must be
    encrypted before anything is said on it.
    """

    scheme: MailScheme
    folder: Path = Path()
    host: str = ""
    port: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    starttls: bool = False

    @property
    def is_plain_to_elsewhere(self) -> bool:
        """Whether mails and their links cross a network unencrypted."""
        return self.scheme is MailScheme.SMTP and not self.starttls and not _is_loopback(self.host)


def parse_mail_url(text: str) -> MailUrl:
    """Read a MAIL_URL.

    Raises:
        ValueError: it is none; the message holds no part of it, since it may carry a password.
    """
    scheme = text.partition(":")[0].lower()
    match scheme:
        case "console":
            return MailUrl(MailScheme.CONSOLE)
        case "file":
            return _file(text.partition(":")[2])
        case "smtp" | "smtps":
            return _smtp(MailScheme(scheme), text)
        case _:
            raise ValueError("it starts with none of console:, smtp://, smtps:// and file:")


def read_sender(text: str) -> Address:
    """Read `MAIL_FROM`, a name and an address or an address alone.

    Raises:
        ValueError: it is not one address.
    """
    try:
        header = SMTP.header_factory("From", text)
        (address,) = header.addresses
    except (ValueError, TypeError, IndexError, AttributeError, MessageError):
        raise ValueError("it is not one address such as: Gatepost <no-reply@example.com>") from None
    if header.defects or not address.username or not address.domain:
        raise ValueError("it is not one address such as: Gatepost <no-reply@example.com>")
    return Address(address.display_name, address.username, address.domain)


def _file(rest: str) -> MailUrl:
    # file:///tmp/mail and file:/tmp/mail are the same folder; file:mail is one below the working folder.
    folder = rest.removeprefix("//")
    if not folder:
        raise ValueError("it names no folder")
    return MailUrl(MailScheme.FILE, folder=Path(folder))


def _smtp(scheme: MailScheme, text: str) -> MailUrl:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(MALFORMED) from None
    if not parts.hostname or parts.path not in ("", "/") or parts.fragment:
        raise ValueError(MALFORMED)
    if (parts.username is None) != (parts.password is None):
        raise ValueError("it has a user without a password, or a password without a user")
    return MailUrl(
        scheme,
        host=parts.hostname,
        port=port or PORTS[scheme],
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        starttls=_starttls(scheme, parts.query, parts.hostname),
    )


def _starttls(scheme: MailScheme, query: str, host: str) -> bool:
    options = dict(parse_qsl(query, keep_blank_values=True))
    asked = options.pop("starttls", None)
    if options:
        raise ValueError("the only option that it can have is starttls")
    if asked is not None and asked not in CHOICES:
        raise ValueError("starttls is yes or no")
    if scheme is MailScheme.SMTPS:
        if asked is not None:
            raise ValueError("smtps:// is encrypted from the start and has no starttls")
        return False
    return not _is_loopback(host) if asked is None else CHOICES[asked]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
