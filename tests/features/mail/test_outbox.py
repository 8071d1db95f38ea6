"""The outbox: a mail leaves if, and only if, what causes it is committed; once, whoever looks; and never lost."""

import asyncio
from email.message import EmailMessage

import pytest

from gatepost.core.db.database import Database
from gatepost.mail.models import OutboxMail
from gatepost.mail.outbox import MailKind, enqueue
from gatepost.mail.worker import CLAIM
from tests.conftest import MakeServices
from tests.features.mail.conftest import MakeWorker, PutIn, Rows
from tests.support.clock import FakeClock
from tests.support.smtp import smtp_server

pytestmark = pytest.mark.both_databases

ABBEY = "abbey.salami@example.com"


class HeldTransport:
    """Holds every mail back until it is let go, as a slow server does."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.let_go = asyncio.Event()
        self.sent: list[EmailMessage] = []

    async def send(self, message: EmailMessage) -> None:
        """Send it, when it is let go."""
        self.reached.set()
        await self.let_go.wait()
        self.sent.append(message)


async def test_mail_of_a_transaction_that_is_undone_is_never_sent(
    make_worker: MakeWorker, database: Database, clock: FakeClock, rows: Rows
) -> None:
    async with smtp_server() as server:
        worker = make_worker(server)

        async def undone() -> None:
            async with database.begin() as tx:
                enqueue(tx, MailKind.VERIFY_EMAIL, address=ABBEY, language="en", at=clock.now())
                await tx.flush()
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await undone()

        assert await worker.run_once() == 0
        assert not worker.woken.is_set()
        assert (server.received, await rows()) == ([], [])


async def test_commit_wakes_the_worker(make_worker: MakeWorker, put_in: PutIn) -> None:
    worker = make_worker(HeldTransport())

    await put_in(ABBEY)

    assert worker.woken.is_set()


async def test_two_workers_on_one_outbox_send_each_mail_once(
    make_worker: MakeWorker, make_services: MakeServices, put_in: PutIn, rows: Rows
) -> None:
    addresses = [f"person{number}@example.com" for number in range(40)]
    async with smtp_server() as server:
        workers = [make_worker(server, on=make_services().platform.database) for _ in range(2)]
        await put_in(*addresses)

        sent = await asyncio.gather(*(worker.run_once() for worker in workers))

        assert sum(sent) == 40
        assert sorted(str(mail["To"]) for mail in server.received) == sorted(addresses)
        assert await rows() == []


async def test_mail_of_a_worker_that_dies_is_sent_by_another_when_its_claim_runs_out(
    make_worker: MakeWorker, make_services: MakeServices, put_in: PutIn, rows: Rows, clock: FakeClock
) -> None:
    async with smtp_server() as server:
        held = HeldTransport()
        await put_in(ABBEY)
        dying = asyncio.create_task(make_worker(held, stop_seconds=0).run_once())
        await held.reached.wait()
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        other = make_worker(server, on=make_services().platform.database)

        assert await other.run_once() == 0
        (kept,) = await rows()
        clock.advance(seconds=CLAIM.total_seconds())
        assert await other.run_once() == 1

        assert dying.cancelled()
        assert (kept.attempts, held.sent) == (0, [])
        assert [mail["To"] for mail in server.received] == [ABBEY]
        assert await rows() == []


async def test_stop_lets_a_mail_that_is_on_its_way_arrive(make_worker: MakeWorker, put_in: PutIn, rows: Rows) -> None:
    held = HeldTransport()
    await put_in(ABBEY)
    stopping = asyncio.create_task(make_worker(held).run_once())
    await held.reached.wait()

    stopping.cancel()
    await asyncio.sleep(0)
    held.let_go.set()
    await asyncio.gather(stopping, return_exceptions=True)

    assert stopping.cancelled()
    assert len(held.sent) == 1
    assert await rows() == []


async def test_late_failure_leaves_the_claim_of_another_worker_alone(
    make_worker: MakeWorker, put_in: PutIn, rows: Rows, clock: FakeClock
) -> None:
    slow, quick = HeldTransport(), HeldTransport()
    await put_in(ABBEY)
    late = asyncio.create_task(make_worker(slow, send_seconds=0.5).run_once())
    await slow.reached.wait()
    clock.advance(seconds=CLAIM.total_seconds())
    second = asyncio.create_task(make_worker(quick).run_once())
    await quick.reached.wait()

    assert await late == 0
    (claimed,) = await rows()
    quick.let_go.set()

    assert await second == 1
    assert (claimed.attempts, claimed.due_at) == (0, clock.now() + CLAIM)
    assert await rows() == []


async def test_mail_that_cannot_be_made_is_given_up_in_the_end_and_the_others_leave(
    make_worker: MakeWorker, put_in: PutIn, database: Database, rows: Rows, clock: FakeClock
) -> None:
    async with smtp_server() as server:
        await put_in(ABBEY)
        async with database.begin() as tx:
            tx.add(
                OutboxMail(
                    kind="of_a_newer_version", address=ABBEY, language="en", data={}, created_at=clock.now(),
                    due_at=clock.now(), attempts=0, last_error="",
                )
            )  # fmt: skip

        assert await make_worker(server, attempts=1).run_once() == 1

        (given_up,) = await rows()
        assert (given_up.failed_at, given_up.last_error) == (clock.now(), "the mail cannot be rendered: ValueError")
