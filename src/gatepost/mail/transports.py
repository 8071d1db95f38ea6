"""The ways in which a mail leaves: to the terminal, into a folder, to an SMTP server."""

import asyncio
import os
import secrets
import socket
import ssl
import sys
import time
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Protocol

import aiosmtplib

from gatepost.core.settings.mail import MailScheme, MailUrl
from gatepost.mail.errors import MailNotSent, MailRefused

QUIT_SECONDS = 1.0
FRAME = "-" * 78
# RFC 4954, section 6, and RFC 3207, section 4: the server wants a sign-in or encryption, which an operator mends.
OURS_TO_MEND = frozenset({530, 534, 535, 538})


class Transport(Protocol):
    """Takes one mail out of the service."""

    async def send(self, message: EmailMessage) -> None:
        """Send it; once this returns, it is no longer ours.

        Raises:
            MailNotSent: not now; trying again later may work.
            MailRefused: never, to this recipient.
        """
        ...


def make_transport(url: MailUrl) -> Transport:
    """Return the transport that MAIL_URL asks for; nothing is connected yet."""
    match url.scheme:
        case MailScheme.CONSOLE:
            return ConsoleTransport()
        case MailScheme.FILE:
            return FileTransport(url.folder)
        case _:
            return SmtpTransport(url)


class ConsoleTransport:
    """Prints a mail's text, its link included, to standard output."""

    async def send(self, message: EmailMessage) -> None:
        """Print it in one piece."""
        body = message.get_body(("plain",))
        text = body.get_content() if body is not None else ""
        lines = [FRAME, f"Mail to {message['To']}", f"Subject: {message['Subject']}", "", text.rstrip(), FRAME, ""]
        # A terminal that lacks a letter shows a question mark instead of losing the mail.
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write("\n".join(lines).encode(encoding, "replace").decode(encoding))
        sys.stdout.flush()


class FileTransport:
    """Writes each mail into a folder: a file `….eml` that is whole from its first moment; the names sort by time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, message: EmailMessage) -> None:
        """Write it.

        Raises:
            MailNotSent: the folder cannot be written.
        """
        try:
            await asyncio.to_thread(self._write, _as_bytes(message))
        except OSError as error:
            raise MailNotSent(f"the folder of MAIL_URL cannot be written: {error.strerror}") from error

    def _write(self, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{time.time_ns()}-{secrets.token_hex(4)}.eml"
        draft = self._folder / f".{name}"
        # The links in it are keys to accounts.
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        draft.rename(self._folder / name)


class SmtpTransport:
    """Hands each mail to an SMTP server, over a connection of its own (RFC 5321, RFC 3207, RFC 8314)."""

    def __init__(self, url: MailUrl, *, tls: ssl.SSLContext | None = None) -> None:
        self._url = url
        self._tls = tls

    async def send(self, message: EmailMessage) -> None:
        """Hand it over.

        Raises:
            MailNotSent: the server cannot be reached, or refuses for now, or refuses us.
            MailRefused: the server refuses this recipient or this mail for good.
        """
        url = self._url
        client = aiosmtplib.SMTP(
            hostname=url.host,
            port=url.port,
            username=url.username or None,
            password=url.password or None,
            use_tls=url.scheme is MailScheme.SMTPS,
            start_tls=url.starttls,
            local_hostname=_own_name(),
            tls_context=self._tls,
        )
        try:
            await client.connect()
            await client.send_message(message)
            # The mail is theirs by now, whatever they say to a goodbye.
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=QUIT_SECONDS)
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _told(error) from error
        finally:
            client.close()


def _told(error: Exception) -> MailNotSent | MailRefused:
    """Say what a failure means, in words without the server's own, which may hold addresses."""
    match error:
        case aiosmtplib.SMTPRecipientsRefused(recipients=[first, *_]):
            return _told(first)
        case aiosmtplib.SMTPRecipientRefused(code=code) if _for_good(code):
            return MailRefused(f"the server refuses the recipient with {code}")
        case aiosmtplib.SMTPDataError(code=code) if _for_good(code):
            return MailRefused(f"the server refuses the mail with {code}")
        case aiosmtplib.SMTPAuthenticationError(code=code):
            return MailNotSent(f"the server refuses the user and password of MAIL_URL with {code}")
        case aiosmtplib.SMTPSenderRefused(code=code):
            return MailNotSent(f"the server refuses the sender, MAIL_FROM, with {code}")
        case aiosmtplib.SMTPResponseException(code=code):
            return MailNotSent(f"the server answers {code}")
        case aiosmtplib.SMTPNotSupported() if "SMTPUTF8" in str(error):
            return MailRefused("the server cannot write to an address with letters beyond ASCII")
        case TimeoutError():
            return MailNotSent("the server does not answer in time")
        case aiosmtplib.SMTPConnectError() | aiosmtplib.SMTPServerDisconnected() | OSError():
            return MailNotSent(f"the server cannot be reached, or hung up: {_root(error)}")
        case _:
            return MailNotSent(f"the server cannot be used: {type(error).__name__}")


def _own_name() -> str:
    # What asks the network for the full name can take seconds; RFC 5321, section 4.1.4, takes an address literal too.
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


def _for_good(code: int) -> bool:
    return 500 <= code < 600 and code not in OURS_TO_MEND


def _root(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return type(error).__name__


def _as_bytes(message: EmailMessage) -> bytes:
    # RFC 6532: an address beyond ASCII is written as it is.
    return message.as_bytes(policy=SMTP.clone(utf8=not str(message["To"]).isascii()))
