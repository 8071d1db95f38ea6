"""The revocation feed: what a reader must never miss, whatever the order of commits, and what it does without it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select, text

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.identity.sessions.models import Revocation, Session
from gatepost.identity.sessions.repository import Sessions
from gatepost.identity.tokens.errors import TokenRevoked
from tests.conftest import MakeServices, http_client, started
from tests.support.api import Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.workers import session_id

pytestmark = pytest.mark.both_databases

MAX_STALENESS = 30


@asynccontextmanager
async def out_of_reach(database: Database) -> AsyncIterator[None]:
    """Take the feed's table away for the time of the block."""
    async with database.begin() as tx:
        await tx.execute(text("ALTER TABLE revocations RENAME TO revocations_away"))
    try:
        yield
    finally:
        async with database.begin() as tx:
            await tx.execute(text("ALTER TABLE revocations_away RENAME TO revocations"))


async def is_revoked(reader: Services, person: Person) -> bool:
    """Whether the reader refuses the person's access token because its session has ended."""
    try:
        await reader.identity.gate.authenticate(person.access_token)
    except TokenRevoked:
        return True
    return False


def known(reader: Services) -> set[int | None]:
    """Return the sessions of which the reader knows that they have ended."""
    return {line.session_id for line in reader.identity.revocations.lines_after(0) if line.session_id is not None}


@pytest.mark.parametrize("database_url", [pytest.param("mysql", marks=pytest.mark.mysql)], indirect=True)
@pytest.mark.parametrize(
    ("seconds", "wrong_by", "correction"),
    [(0, 0, 0), (2, 0, 0), (59, 0, 0), (2, -30, 0), (59, -300, 0), (59, 300, 0), (2, 0, 300), (2, -300, -300)],
)
async def test_line_that_commits_after_a_later_one_was_read_is_read_too(
    api: Api,
    services: Services,
    make_services: MakeServices,
    clock: FakeClock,
    seconds: int,
    wrong_by: int,
    correction: int,
) -> None:
    """Only where two transactions write at once can ids commit out of order; on SQLite one waits for the other.

    The reader's clock is wrong by so many seconds, against the writer's, and set right in the middle.
    """
    slow, quick = await api.sign_up("Slow Coach"), await api.sign_up("Quick Silver")
    readers_clock = FakeClock(wrong_by=timedelta(seconds=-wrong_by))
    reader = make_services(own_clock=readers_clock)
    await reader.start()

    async with services.platform.database.begin() as first:
        await services.identity.sessions.end(first, session_id=session_id(slow.access_token), reason="signed_out")
        async with services.platform.database.begin() as second:
            await services.identity.sessions.end(second, session_id=session_id(quick.access_token), reason="signed_out")
        clock.advance(seconds=seconds)
        readers_clock.advance(seconds=seconds)
        await reader.identity.revocations.poll()
        assert known(reader) == {session_id(quick.access_token)}
        readers_clock.correct(timedelta(seconds=correction))
        await reader.identity.revocations.poll()
    clock.advance(seconds=1)
    readers_clock.advance(seconds=1)
    await reader.identity.revocations.poll()

    assert known(reader) == {session_id(slow.access_token), session_id(quick.access_token)}
    async with services.platform.database.read() as tx:
        ended = select(Revocation.session_id).where(Revocation.session_id.is_not(None))
        lines = (await tx.scalars(ended.order_by(Revocation.id))).all()
    assert list(lines) == [session_id(slow.access_token), session_id(quick.access_token)]


async def test_line_after_an_emptied_feed_is_read(
    api: Api, services: Services, make_services: MakeServices, clock: FakeClock
) -> None:
    first = await api.sign_up("First Person")
    reader = make_services()
    await reader.start()
    await api.post("/api/auth/signout", headers=first.headers)
    clock.advance(minutes=2)
    await reader.identity.revocations.poll()
    await reader.identity.revocations.poll()
    assert await is_revoked(reader, first)
    clock.advance(days=2)
    assert await services.identity.revocations.purge() == 2, "its account was new as well"
    await services.identity.revocations.poll()
    await reader.identity.revocations.poll()

    second = await api.sign_up("Second Person")
    await api.post("/api/auth/signout", headers=second.headers)
    await reader.identity.revocations.poll()

    assert await is_revoked(reader, second)


async def test_tokens_of_a_deleted_account_are_nobody_elses(api: Api, services: Services) -> None:
    gone = await api.sign_up("Gone Person")
    async with services.platform.database.begin() as tx:
        await tx.execute(delete(User).where(User.id == gone.id))
    async with services.platform.database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(Session)) == 0

    newcomer = await api.sign_up("New Person")

    assert newcomer.id != gone.id
    assert session_id(newcomer.access_token) != session_id(gone.access_token)
    assert_problem(await api.refresh(gone.refresh_token), 403, "refresh_token_invalid")


async def test_feed_that_cannot_be_read_for_too_long_closes_protected_routes_until_it_can(
    make_services: MakeServices, clock: FakeClock
) -> None:
    services = make_services(revocation_max_staleness_seconds=MAX_STALENESS)
    async with started(services) as app, http_client(app) as client:
        api = Api(client)
        person = await api.sign_up()
        async with out_of_reach(services.platform.database):
            clock.advance(seconds=MAX_STALENESS)
            assert (await api.user_board(person.access_token)).status_code == 200
            clock.advance(seconds=1)

            assert_problem(await api.user_board(person.access_token), 503, "revocation_unknown")
            assert (await api.get("/api/test/all")).status_code == 200

        await services.identity.revocations.poll()
        assert (await api.user_board(person.access_token)).status_code == 200


async def test_sign_out_while_a_reader_is_cut_off_holds_there_when_it_reads_again(
    make_services: MakeServices, clock: FakeClock
) -> None:
    services, reader = make_services(), make_services()
    async with started(services) as app, http_client(app) as client:
        api = Api(client)
        person = await api.sign_up()
        await reader.start()
        await api.post("/api/auth/signout", headers=person.headers)
        assert not await is_revoked(reader, person)
        clock.advance(minutes=30)

        await reader.identity.revocations.poll()

        assert await is_revoked(reader, person)
        async with services.platform.database.read() as tx:
            session = await Sessions(tx).get(session_id(person.access_token))
        assert session is not None
        assert session.end_reason == "signed_out"
