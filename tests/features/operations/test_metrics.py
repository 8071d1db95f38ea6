"""The figures that operations watch."""

from datetime import timedelta

from sqlalchemy import delete

from gatepost.mail.models import OutboxMail
from gatepost.mail.outbox import MailKind
from gatepost.services import Services
from tests.support.api import Api
from tests.support.clock import FakeClock
from tests.support.links import take_mails


async def figures(api: Api) -> dict[str, float]:
    answer = await api.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    lines = (line.split(" ") for line in answer.text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in lines}


async def test_mails_that_wait_and_that_were_given_up_are_counted(
    api: Api, services: Services, clock: FakeClock
) -> None:
    await take_mails(services)
    now = clock.now()
    waiting = {"kind": MailKind.VERIFY_EMAIL.value, "address": "a@example.com", "language": "en", "data": {}}
    async with services.database.begin() as tx:
        await tx.execute(delete(OutboxMail))
        tx.add(OutboxMail(**waiting, created_at=now, due_at=now + timedelta(hours=2)))
        tx.add(OutboxMail(**waiting, created_at=now, due_at=None, failed_at=now, attempts=12))
    clock.advance(seconds=90)

    assert await figures(api) == {
        "gatepost_outbox_pending": 1,
        "gatepost_outbox_failed": 1,
        "gatepost_outbox_oldest_seconds": 90,
    }


async def test_empty_outbox_has_no_oldest_mail(api: Api) -> None:
    assert set((await figures(api)).values()) == {0}
