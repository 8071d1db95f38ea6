"""Sends mails to an SMTP server, and explains failures (RFC 5321, RFC 3207, RFC 4954, RFC 8314)."""

import re
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from email.message import EmailMessage

import aiosmtplib

from gatepost.core.network_causes import unreached
from gatepost.core.plain_text import one_line
from gatepost.core.settings.mail import MailScheme, MailUrl
from gatepost.mail.errors import MailError, MailNotSent, MailRefused

QUIT_SECONDS = 1.0
LONGEST_WORDS = 200
# RFC 4954, section 6, and RFC 3207, section 4: the server requires a sign-in or encryption; an operator must fix it.
OURS_TO_MEND = frozenset({530, 534, 535, 538})
OUR_METHODS = ", ".join(method.upper() for method in aiosmtplib.SMTP.AUTH_METHODS)
Refusal = type[aiosmtplib.SMTPResponseException]
FOR_GOOD: Mapping[Refusal, str] = {
    aiosmtplib.SMTPRecipientRefused: "the recipient",
    aiosmtplib.SMTPDataError: "the mail",
}
TO_MEND: Mapping[Refusal, str] = {
    aiosmtplib.SMTPAuthenticationError: "the user and password of MAIL_URL",
    aiosmtplib.SMTPSenderRefused: "the sender, MAIL_FROM,",
    aiosmtplib.SMTPHeloError: "the name MAIL_EHLO_NAME",
}
# What a server may quote from a mail or a sign-in: addresses, the rest of a link after its host, long words.
ADDRESS = re.compile(r"[^\s<>()\[\],;:\"']*@[^\s<>()\[\],;:\"']*")
BEHIND_HOST = re.compile(r"(https?://[^\s/?#]+)[/?#]\S*", re.IGNORECASE)
LONG_WORD = re.compile(r"[A-Za-z0-9_\-+/=.$~%]{40,}")
HIDDEN = "…"


class SmtpTransport:
    """Sends each mail to an SMTP server, over its own connection."""

    def __init__(self, url: MailUrl, *, ehlo_name: str, tls: ssl.SSLContext | None = None) -> None:
        self._url = url
        self._ehlo_name = ehlo_name
        self._tls = tls

    async def send(self, message: EmailMessage) -> None:
        """Send a mail.

        Raises:
            MailNotSent: the server cannot be reached, refuses temporarily, or refuses our credentials or sender.
            MailRefused: the server permanently refuses this recipient or this mail.
        """
        async with self._signed_in(str(message["To"])) as client:
            await client.send_message(message)

    async def check(self) -> None:
        """Connect, encrypt and sign in, without sending a mail.

        Raises:
            MailNotSent: one of these steps fails.
        """
        async with self._signed_in():
            pass

    @asynccontextmanager
    async def _signed_in(self, *hidden: str) -> AsyncIterator[aiosmtplib.SMTP]:
        """Open a connection that is ready for a mail; `hidden` are addresses that errors must not contain."""
        url = self._url
        client = aiosmtplib.SMTP(
            hostname=url.host,
            port=url.port,
            use_tls=url.scheme is MailScheme.SMTPS,
            start_tls=False,
            local_hostname=self._ehlo_name,
            tls_context=self._tls,
        )
        try:
            await client.connect()
            if url.starttls:
                await _encrypt(client)
            if url.username:
                await _sign_in(client, url)
            yield client
            # The server has accepted the mail, however it answers QUIT.
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=QUIT_SECONDS)
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _told(error, url, hidden) from error
        finally:
            client.close()


async def _encrypt(client: aiosmtplib.SMTP) -> None:
    await _greet(client)
    if not client.supports_extension("starttls"):
        raise MailNotSent("the server offers no STARTTLS; use smtps:// if it is encrypted from the start")
    await client.starttls()


async def _sign_in(client: aiosmtplib.SMTP, url: MailUrl) -> None:
    await _greet(client)
    if not client.supports_extension("auth"):
        why = "" if url.starttls or url.scheme is MailScheme.SMTPS else " without encryption"
        raise MailNotSent(f"the server offers no sign-in{why} (AUTH), and MAIL_URL has a user and a password")
    if not client.supported_auth_methods:
        offered = ", ".join(method.upper() for method in client.server_auth_methods) or "no method"
        raise MailNotSent(
            f"the server offers sign-in by {_harmless(offered, ())} only, but the client supports {OUR_METHODS}"
        )
    await client.login(url.username, url.password)


async def _greet(client: aiosmtplib.SMTP) -> None:
    """Ask for the server's extensions; one that does not support EHLO has none."""
    if client.is_ehlo_or_helo_needed:
        try:
            await client.ehlo()
        except aiosmtplib.SMTPHeloError:
            await client.helo()


def _told(error: Exception, url: MailUrl, hidden: Sequence[str]) -> MailError:
    """Return an error that explains a failure, with the server's message but without what that quotes of the mail."""
    where = f"[{url.host}]:{url.port}" if ":" in url.host else f"{url.host}:{url.port}"
    match error:
        case aiosmtplib.SMTPResponseException(code=aiosmtplib.SMTPStatus.invalid_response):
            return MailNotSent(f"the server at {where} does not speak SMTP: {_harmless(error.message, ())}")
        case aiosmtplib.SMTPRecipientsRefused(recipients=[first, *_]):
            return _answered(first, (*hidden, url.username, url.password))
        case aiosmtplib.SMTPResponseException():
            return _answered(error, (*hidden, url.username, url.password))
        case aiosmtplib.SMTPNotSupported() if "SMTPUTF8" in str(error):
            return MailRefused("the server does not support addresses with non-ASCII characters")
        case aiosmtplib.SMTPReadTimeoutError():
            return MailNotSent("the server does not answer in time")
        case aiosmtplib.SMTPServerDisconnected():
            return MailNotSent("the server closed the connection")
        case _:
            told = unreached(error, host=url.host, where=where)
            return MailNotSent(told or f"the server at {where} cannot be used: {type(error).__name__}")


def _answered(error: aiosmtplib.SMTPResponseException, hidden: Sequence[str]) -> MailError:
    words = _harmless(error.message, hidden)
    answer = f"{error.code}: {words}" if words else str(error.code)
    is_refusal = 500 <= error.code < 600
    if is_refusal and type(error) in FOR_GOOD and error.code not in OURS_TO_MEND:
        return MailRefused(f"the server refuses {FOR_GOOD[type(error)]} with {answer}")
    if is_refusal and type(error) in TO_MEND:
        return MailNotSent(f"the server refuses {TO_MEND[type(error)]} with {answer}")
    return MailNotSent(f"the server answers {answer}")


def _harmless(message: str, hidden: Sequence[str]) -> str:
    """Return a server's message in one line, without addresses, tokens, and the parts of `hidden`."""
    text = LONG_WORD.sub(HIDDEN, ADDRESS.sub(HIDDEN, BEHIND_HOST.sub(rf"\1/{HIDDEN}", one_line(message))))
    for secret in {part for one in hidden for part in (one, one.partition("@")[0]) if part}:
        text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", HIDDEN, text, flags=re.IGNORECASE)
    return text[:LONGEST_WORDS].strip(" .")
