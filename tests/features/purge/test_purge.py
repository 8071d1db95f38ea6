"""What has expired goes: by `gatepost purge`, and by the service itself, one replica at a time."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

import gatepost.lifespan
from gatepost.composition.services import Services
from gatepost.core.db import purging
from gatepost.core.db.database import Database
from gatepost.core.db.purging import Purger, PurgeTask
from gatepost.identity.accounts.models import User
from gatepost.identity.links.models import OneTimeToken
from gatepost.identity.links.tokens import OneTimeTokens, Purpose
from gatepost.identity.sessions.models import Revocation, Session
from tests.conftest import MakeServices, MakeSettings, started
from tests.support.api import Api
from tests.support.clock import FakeClock
from tests.support.commands import run_command

pytestmark = pytest.mark.both_databases


async def count(database: Database, model: type[Any]) -> int:
    """Count the rows of a table."""
    async with database.read() as tx:
        return await tx.scalar(select(func.count()).select_from(model)) or 0


async def links(database: Database) -> int:
    """Count the links of the tests' own kind; a sign-up sends one of another."""
    async with database.read() as tx:
        query = select(func.count()).select_from(OneTimeToken).where(OneTimeToken.purpose == Purpose.COMPROMISE_REPORT)
        return await tx.scalar(query) or 0


async def issue_link(database: Database, *, now: datetime, user_id: int | None = None) -> None:
    """Make the token of a link that is good for an hour."""
    async with database.begin() as tx:
        tokens = OneTimeTokens(tx)
        token_id = await tokens.ask(
            Purpose.COMPROMISE_REPORT, user_id=user_id, email_canonical="x@example.com", now=now
        )
        await tokens.renew(token_id, now=now, life=timedelta(hours=1))


async def test_ended_session_goes_after_a_month_and_a_live_one_stays(
    api: Api, services: Services, database: Database, clock: FakeClock
) -> None:
    ended, kept = await api.sign_up("one"), await api.sign_up("two")
    await api.post("/api/auth/signout", headers=ended.headers)
    clock.advance(days=29, hours=23)
    refreshed = (await api.refresh(kept.refresh_token)).json()
    await services.operations.purger.run_in_turn()
    assert await count(database, Session) == 2

    clock.advance(hours=2)
    await services.operations.purger.run_in_turn()

    assert await count(database, Session) == 1
    assert await count(database, Revocation) == 0
    assert (await api.refresh(refreshed["refreshToken"])).status_code == 200


async def test_session_that_nobody_ended_goes_a_month_after_its_time(
    api: Api, services: Services, database: Database, clock: FakeClock
) -> None:
    await api.sign_up()
    clock.advance(days=59)
    await services.operations.purger.run_in_turn()
    assert await count(database, Session) == 1

    clock.advance(days=2)
    await services.operations.purger.run_in_turn()

    assert await count(database, Session) == 0


async def test_session_stays_while_one_of_its_access_tokens_is_good(
    api: Api, services: Services, database: Database, clock: FakeClock
) -> None:
    person = await api.sign_up()
    await api.post("/api/auth/signout", headers=person.headers)
    async with database.begin() as tx:
        await tx.execute(update(Session).values(access_expires_at=clock.now() + timedelta(days=40)))
    clock.advance(days=39)

    await services.operations.purger.run_in_turn()

    assert await count(database, Session) == 1


async def test_link_goes_a_week_after_its_time(
    api: Api, services: Services, database: Database, clock: FakeClock
) -> None:
    person = await api.sign_up()
    await issue_link(database, now=clock.now(), user_id=person.id)
    clock.advance(days=7)
    await services.operations.purger.run_in_turn()
    before = await links(database)

    clock.advance(days=3)
    await services.operations.purger.run_in_turn()

    assert (before, await links(database)) == (1, 0)


async def test_account_goes_when_its_time_has_come(
    api: Api, services: Services, database: Database, clock: FakeClock
) -> None:
    await api.sign_up("one")
    kept = await api.sign_up("two")
    async with database.begin() as tx:
        await tx.execute(update(User).where(User.username == "one").values(erase_at=clock.now()))

    await services.operations.purger.run_in_turn()

    async with database.read() as tx:
        assert list(await tx.scalars(select(User.id))) == [kept.id]


async def test_everything_goes_in_small_batches(
    api: Api, services: Services, database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await api.sign_up()
    for _ in range(4):
        await issue_link(database, now=clock.now(), user_id=person.id)
    clock.advance(days=8)
    monkeypatch.setattr(purging, "BATCH", 2)
    links = next(task for task in services.operations.purger.tasks if task.name == "links")

    assert [await links.run(), await links.run(), await links.run()] == [2, 2, 0]


async def test_one_replica_purges_and_another_takes_over_when_it_is_gone(
    make_services: MakeServices, clock: FakeClock
) -> None:
    worked: list[str] = []

    def purger(name: str) -> Purger:
        async def work() -> int:
            worked.append(name)
            return 0

        return Purger(make_services().platform.leases, [PurgeTask("anything", work)])

    first, second = purger("first"), purger("second")
    await first.run_in_turn()
    await second.run_in_turn()
    clock.advance(minutes=5)
    await first.run_in_turn()
    clock.advance(minutes=9)
    await second.run_in_turn()
    clock.advance(minutes=2)
    await second.run_in_turn()

    assert worked == ["first", "first", "second"]


async def test_task_that_fails_keeps_no_other_one_from_its_work(make_services: MakeServices) -> None:
    worked: list[str] = []

    async def fails() -> int:
        raise RuntimeError("broken")

    async def works() -> int:
        worked.append("works")
        return 0

    purger = Purger(make_services().platform.leases, [PurgeTask("one", fails), PurgeTask("two", works)])

    with pytest.raises(RuntimeError, match="broken"):
        await purger.run_in_turn()

    assert worked == ["works"]


async def test_command_tells_what_went(
    api: Api, database: Database, clock: FakeClock, make_settings: MakeSettings
) -> None:
    person = await api.sign_up()
    await issue_link(database, now=clock.now() - timedelta(days=8), user_id=person.id)

    result = await run_command(make_settings(), "purge")

    assert result.exit_code == 0, result.output
    assert "1 links\n" in result.output
    assert "0 sessions\n" in result.output
    assert await links(database) == 0


async def test_service_purges_by_itself(
    make_services: MakeServices, database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gatepost.lifespan, "PURGE_SECONDS", 0.02)
    await issue_link(database, now=clock.now() - timedelta(days=8))

    async with started(make_services()), asyncio.timeout(60):
        while await links(database):
            await asyncio.sleep(0.05)

    assert await links(database) == 0
