"""A real SMTP server on a real socket, inside the test: it keeps what it gets, refuses, stalls, dies and comes back."""

import asyncio
import datetime as dt
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"


@dataclass
class SmtpServer:
    """The server; a test sets what it answers.

    `recipient_answer` and `data_answer` refuse with a line such as `451 later`; `stalls` keeps it silent after a mail's
    text until the event is set; `hangs_up` drops the connection there.
    """

    port: int
    tls: ssl.SSLContext | None = None
    from_the_start: bool = False
    knows_utf8: bool = True
    users: dict[str, str] = field(default_factory=dict)
    recipient_answer: str = ""
    data_answer: str = ""
    stalls: asyncio.Event | None = None
    hangs_up: bool = False
    received: list[EmailMessage] = field(default_factory=list)
    senders: list[str | None] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    tries: int = 0
    is_encrypted: list[bool] = field(default_factory=list)
    _listener: asyncio.Server | None = None
    _connections: set[SMTP] = field(default_factory=set)

    async def start(self) -> None:
        """Listen, on the same port each time."""
        self._listener = await asyncio.get_running_loop().create_server(
            self._connection, HOST, self.port, ssl=self.tls if self.from_the_start else None
        )

    async def kill(self) -> None:
        """Stop listening and cut every connection, as a crash does."""
        assert self._listener is not None
        self._listener.close()
        for connection in self._connections:
            _cut(connection)
        self._connections.clear()
        await self._listener.wait_closed()

    def url(self, options: str = "", *, user: str = "", host: str = HOST) -> str:
        """Return the MAIL_URL that leads here; `user` is `name:password`."""
        scheme = "smtps" if self.from_the_start else "smtp"
        return f"{scheme}://{user + '@' if user else ''}{host}:{self.port}{options}"

    async def handle_RCPT(  # noqa: N802  aiosmtpd finds it by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:  # fmt: skip
        """Take a recipient or refuse it."""
        self.tries += 1
        if self.recipient_answer:
            return self.recipient_answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a mail or refuse it."""
        if self.stalls is not None:
            await self.stalls.wait()
        if self.hangs_up:
            _cut(server)
        if self.data_answer:
            return self.data_answer
        content = envelope.content
        assert isinstance(content, bytes)
        self.received.append(message_from_bytes(content, EmailMessage, policy=default))
        self.senders.append(envelope.mail_from)
        self.recipients += envelope.rcpt_tos
        self.is_encrypted.append(session.ssl is not None or self.from_the_start)
        return "250 OK"

    def _connection(self) -> SMTP:
        connection = SMTP(
            self,
            hostname="mail.example",
            enable_SMTPUTF8=self.knows_utf8,
            tls_context=None if self.from_the_start else self.tls,
            authenticator=self._authenticated if self.users else None,
            auth_required=bool(self.users),
            auth_require_tls=not self.from_the_start,
            loop=asyncio.get_running_loop(),
        )
        self._connections.add(connection)
        return connection

    def _authenticated(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: object
    ) -> AuthResult:  # fmt: skip
        assert isinstance(given, LoginPassword)
        is_right = self.users.get(given.login.decode()) == given.password.decode()
        return AuthResult(success=is_right, handled=False)


@asynccontextmanager
async def smtp_server(
    *,
    tls: ssl.SSLContext | None = None,
    from_the_start: bool = False,
    knows_utf8: bool = True,
    users: dict[str, str] | None = None,
) -> AsyncIterator[SmtpServer]:
    """Give a server on a free port that answers, until the block ends."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    server = SmtpServer(port, tls, from_the_start, knows_utf8, users or {})
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


def _cut(connection: SMTP) -> None:
    if isinstance(connection.transport, asyncio.WriteTransport):
        connection.transport.abort()


def part(message: EmailMessage, kind: str) -> str:
    """Return the text of a mail, or of its HTML: `plain` or `html`."""
    body = message.get_body((kind,))
    assert body is not None, f"the mail has no {kind} part"
    return str(body.get_content())


def self_signed(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the TLS of a server with a certificate of its own for 127.0.0.1, and that of a client which trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    path = folder / "smtp.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cadata=certificate.public_bytes(Encoding.PEM).decode())
