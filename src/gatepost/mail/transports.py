"""The ways to send a mail: to the terminal, into a folder, to an SMTP server."""

import asyncio
import os
import secrets
import sys
import time
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Protocol

from gatepost.core.settings import Settings
from gatepost.core.settings.mail import MailScheme, parse_mail_url
from gatepost.mail.errors import MailNotSent
from gatepost.mail.smtp import SmtpTransport

FRAME = "-" * 78


class Transport(Protocol):
    """Sends mails."""

    async def send(self, message: EmailMessage) -> None:
        """Send a mail; when this returns, the transport has accepted it.

        Raises:
            MailNotSent: it was not sent; a later attempt may succeed.
            MailRefused: it can never be delivered to this recipient.
        """
        ...


def transport_of(settings: Settings) -> Transport:
    """Return the transport for MAIL_URL; it does not connect yet."""
    url = parse_mail_url(settings.mail_url.get_secret_value())
    match url.scheme:
        case MailScheme.CONSOLE:
            return ConsoleTransport()
        case MailScheme.FILE:
            return FileTransport(url.folder)
        case _:
            return SmtpTransport(url, ehlo_name=settings.ehlo_name)


class ConsoleTransport:
    """Prints the text of mails, including their links, to standard output."""

    async def send(self, message: EmailMessage) -> None:
        """Print a mail in one piece."""
        body = message.get_body(("plain",))
        text = body.get_content() if body is not None else ""
        lines = [FRAME, f"Mail to {message['To']}", f"Subject: {message['Subject']}", "", text.rstrip(), FRAME, ""]
        # If the terminal's encoding lacks a character, print a question mark instead of failing.
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write("\n".join(lines).encode(encoding, "replace").decode(encoding))
        sys.stdout.flush()


class FileTransport:
    """Writes each mail into a folder as a file `….eml`, which appears only once complete; the names sort by time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, message: EmailMessage) -> None:
        """Write a mail.

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
        # Only for the owner: the links in mails give access to accounts.
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        draft.rename(self._folder / name)


def _as_bytes(message: EmailMessage) -> bytes:
    # RFC 6532: a non-ASCII address is written in UTF-8.
    return message.as_bytes(policy=SMTP.clone(utf8=not str(message["To"]).isascii()))
