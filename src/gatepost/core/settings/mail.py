"""Parses MAIL_URL, MAIL_FROM and MAIL_EHLO_NAME."""

import ipaddress
import re
from contextlib import suppress
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.policy import SMTP
from enum import StrEnum
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import idna

PORTS = {"smtp": 587, "smtps": 465}
MALFORMED = (
    "it does not have the form smtp://user:password@host:port (in a password, write @ : / ? # as %40 %3A %2F %3F %23)"
)
CHOICES = {"yes": True, "no": False}
# RFC 5321, section 4.5.3.1.1.
LONGEST_LOCAL = 64
# RFC 1123, section 2.1.
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
HOST_NAME = re.compile(rf"(?=.{{1,253}}$){LABEL}(\.{LABEL})*", re.IGNORECASE | re.ASCII)


class MailScheme(StrEnum):
    """The ways to send mail."""

    CONSOLE = "console"
    FILE = "file"
    SMTP = "smtp"
    SMTPS = "smtps"


@dataclass(frozen=True, slots=True)
class MailUrl:
    """Where mail goes.

    `folder` is for `file`, everything else for `smtp` and `smtps`. `starttls` is whether the connection must be
    encrypted before anything is sent.
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
        ValueError: it is malformed. The message contains no part of it, since it may hold a password.
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
            raise ValueError("it must start with console:, smtp://, smtps:// or file:")


def read_sender(text: str) -> Address:
    """Parse `MAIL_FROM`: a name and an address, or only an address.

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
    if not address.username.isascii() or len(address.username) > LONGEST_LOCAL:
        raise ValueError(
            f"the part before the @ must have at most {LONGEST_LOCAL} characters, all ASCII: few servers accept others"
        )
    return Address(address.display_name, address.username, host_in_ascii(address.domain))


def host_in_ascii(name: str) -> str:
    """Return a host name in ASCII, international names as A-labels (RFC 5890, section 2.3.2.1).

    Raises:
        ValueError: it is not a host name.
    """
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode()
        except idna.IDNAError:
            raise ValueError("it has no valid host name") from None
    # A name that ends in digits is an IPv4 address.
    if not HOST_NAME.fullmatch(name) or name.rpartition(".")[2].isdecimal():
        raise ValueError("it has no valid host name")
    return name


def ehlo_name(chosen: str | None, *, own: str, public_url: str) -> str:
    """Return the name that mail servers get (RFC 5321, section 4.1.1.1): the chosen one, or a full name of this host.

    `own` is the machine's own name, which in a container has no domain. Without a full name, it is the address literal
    of section 4.1.4. Servers cannot refuse the result for its form.

    Raises:
        ValueError: the chosen name is neither a host name nor an address literal such as [192.0.2.1].
    """
    if chosen is not None:
        return chosen if _is_literal(chosen) else host_in_ascii(chosen)
    for name in (own, urlsplit(public_url).hostname or ""):
        with suppress(ValueError):
            full = host_in_ascii(name)
            if "." in full:
                return full
    return "[127.0.0.1]"


def _is_literal(text: str) -> bool:
    inside = text.removeprefix("[").removesuffix("]")
    if text != f"[{inside}]":
        return False
    try:
        return ipaddress.ip_address(inside.removeprefix("IPv6:")).version == (6 if "IPv6:" in inside else 4)
    except ValueError:
        return False


def _file(rest: str) -> MailUrl:
    # file:///tmp/mail and file:/tmp/mail are the same folder; file:mail is relative to the working folder.
    folder = rest.removeprefix("//")
    if not folder:
        raise ValueError("it has no folder")
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
        raise ValueError("the only supported option is starttls")
    if asked is not None and asked not in CHOICES:
        raise ValueError("starttls must be yes or no")
    if scheme is MailScheme.SMTPS:
        if asked is not None:
            raise ValueError("smtps:// is always encrypted and does not support starttls")
        return False
    return not _is_loopback(host) if asked is None else CHOICES[asked]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
