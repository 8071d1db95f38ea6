"""The ways in which a mail leaves: to the terminal, into a folder, to an SMTP server."""

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
    """Takes one mail out of the service."""

    async def send(self, message: EmailMessage) -> None:
        """Send it; once this returns, it is no longer ours.

        Raises:
            MailNotSent: not now; trying again later may work.
            MailRefused: never, to this recipient.
        """
        ...


def transport_of(settings: Settings) -> Transport:
    """Return the transport that MAIL_URL asks for; nothing is connected yet."""
    url = parse_mail_url(settings.mail_url.get_secret_value())
    match url.scheme:
        case MailScheme.CONSOLE:
            return ConsoleTransport()
        case MailScheme.FILE:
            return FileTransport(url.folder)
        case _:
            return SmtpTransport(url, ehlo_name=settings.ehlo_name)


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


def _as_bytes(message: EmailMessage) -> bytes:
    # RFC 6532: an address beyond ASCII is written as it is.
    return message.as_bytes(policy=SMTP.clone(utf8=not str(message["To"]).isascii()))
