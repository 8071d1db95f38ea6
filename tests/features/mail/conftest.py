"""An outbox with workers on it, without the rest of the service."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import select

from gatepost.core.db.database import Database
from gatepost.core.settings.mail import parse_mail_url, read_sender
from gatepost.mail.examples import example
from gatepost.mail.messages import Messages
from gatepost.mail.models import OutboxMail
from gatepost.mail.outbox import MailKind, enqueue
from gatepost.mail.prepared import PreparedMail
from gatepost.mail.rendering import Templates
from gatepost.mail.smtp import SmtpTransport
from gatepost.mail.transports import Transport
from gatepost.mail.worker import OutboxWorker
from tests.support.clock import FakeClock
from tests.support.smtp import SmtpServer

MakeWorker = Callable[..., OutboxWorker]
PutIn = Callable[..., Awaitable[None]]
Rows = Callable[[], Awaitable[Sequence[OutboxMail]]]


class ExamplePreparer:
    """Makes each mail ready with made-up data; nothing is to be sent to `gone@example.com` any more."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock

    async def prepare(self, mail: OutboxMail) -> PreparedMail | None:
        """Return the mail."""
        if mail.address == "gone@example.com":
            return None
        made_up = example(
            MailKind(mail.kind), language=mail.language, public_url="http://localhost:8080", clock=self._clock
        )
        return PreparedMail(mail.address, mail.language, mail.kind, made_up.context)


@pytest.fixture
def make_worker(database: Database, clock: FakeClock) -> MakeWorker:
    """Return a maker of workers: `make_worker(server)` for an SMTP server, or a transport."""

    def make(to: SmtpServer | Transport, *, on: Database = database, attempts: int = 12, **limits: Any) -> OutboxWorker:
        transport = (
            SmtpTransport(parse_mail_url(to.url()), ehlo_name="auth.example.com") if isinstance(to, SmtpServer) else to
        )
        messages = Messages(Templates(product="Gatepost"), clock, sender=read_sender("Gatepost <no-reply@example.com>"))
        return OutboxWorker(on, clock, transport, messages, ExamplePreparer(clock), attempts=attempts, **limits)

    return make


@pytest.fixture
def put_in(database: Database, clock: FakeClock) -> PutIn:
    """Return what puts mails into the outbox, in one transaction."""

    async def put(*addresses: str, kind: MailKind = MailKind.VERIFY_EMAIL, language: str = "en") -> None:
        async with database.begin() as tx:
            for address in addresses:
                enqueue(tx, kind, address=address, language=language, at=clock.now())

    return put


@pytest.fixture
def rows(database: Database) -> Rows:
    """Return what reads the outbox."""

    async def read() -> Sequence[OutboxMail]:
        async with database.read() as tx:
            return (await tx.scalars(select(OutboxMail).order_by(OutboxMail.id))).all()

    return read
