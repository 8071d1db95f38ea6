"""How a token that was revoked is noticed, in memory and in strict mode."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, func, insert, select, update

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.identity.sessions.models import Revocation, Session
from gatepost.identity.sessions.revocation import PAGE_LINES
from tests.conftest import MakeServices, http_client, started
from tests.support.api import Api, assert_problem
from tests.support.clock import FakeClock


@pytest.mark.both_databases
async def test_strict_mode_notices_what_no_feed_tells(
    make_services: MakeServices, database: Database, clock: FakeClock
) -> None:
    async with started(make_services(revocation_mode="strict")) as app, http_client(app) as client:
        api = Api(client)
        ended, disabled, changed, deleted = [await api.sign_up(name) for name in ("ended", "off", "new", "gone")]
        everyone = (ended, disabled, changed, deleted)
        assert {(await api.user_board(person.access_token)).status_code for person in everyone} == {200}

        async with database.begin() as tx:
            await tx.execute(update(Session).where(Session.user_id == ended.id).values(ended_at=clock.now()))
            await tx.execute(update(User).where(User.id == disabled.id).values(disabled_at=clock.now()))
            await tx.execute(update(User).where(User.id == changed.id).values(token_version=1))
            await tx.execute(delete(User).where(User.id == deleted.id))

        assert_problem(await api.user_board(ended.access_token), 401, "token_revoked")
        assert_problem(await api.user_board(disabled.access_token), 401, "token_stale")
        assert_problem(await api.user_board(changed.access_token), 401, "token_stale")
        assert_problem(await api.user_board(deleted.access_token), 401, "token_revoked")
        refreshed = await api.refresh(changed.refresh_token)
        assert (await api.user_board(refreshed.json()["accessToken"])).status_code == 200


async def test_strict_mode_needs_no_feed(make_services: MakeServices, clock: FakeClock) -> None:
    async with started(make_services(revocation_mode="strict")) as app, http_client(app) as client:
        api = Api(client)
        person = await api.sign_up()
        clock.advance(minutes=10)
        assert (await api.user_board(person.access_token)).status_code == 200


async def test_account_whose_tokens_went_stale_refreshes(api: Api, services: Services, database: Database) -> None:
    person, other = await api.sign_up("Abbey"), await api.sign_up("Heba")
    async with database.begin() as tx:
        await services.identity.revocations.revoke_account(tx, person.id)

    assert_problem(await api.user_board(person.access_token), 401, "token_stale")
    assert (await api.user_board(other.access_token)).status_code == 200
    refreshed = await api.refresh(person.refresh_token)
    assert (await api.user_board(refreshed.json()["accessToken"])).status_code == 200


async def test_undone_revocation_revokes_nothing(api: Api, services: Services, database: Database) -> None:
    person = await api.sign_up()

    async def change_ones_mind() -> None:
        async with database.begin() as tx:
            await services.identity.revocations.revoke_account(tx, person.id)
            raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        await change_ones_mind()

    assert (await api.user_board(person.access_token)).status_code == 200
    await services.identity.revocations.poll()
    assert (await api.user_board(person.access_token)).status_code == 200


async def test_feed_that_was_not_read_for_too_long_admits_nobody(
    api: Api, services: Services, clock: FakeClock
) -> None:
    person = await api.sign_up()
    await services.identity.revocations.poll()
    clock.advance(seconds=30)
    assert (await api.user_board(person.access_token)).status_code == 200
    clock.advance(seconds=1)

    answer = await api.user_board(person.access_token)

    assert_problem(answer, 503, "revocation_unknown")
    assert answer.headers["retry-after"] == "1"
    await services.identity.revocations.poll()
    assert (await api.user_board(person.access_token)).status_code == 200


async def test_other_worker_learns_of_a_sign_out_at_its_next_reading(api: Api, make_services: MakeServices) -> None:
    person = await api.sign_up()
    other_services = make_services()
    async with started(other_services) as app, http_client(app) as client:
        other = Api(client)
        assert (await other.user_board(person.access_token)).status_code == 200
        await api.post("/api/auth/signout", headers=person.headers)

        await other_services.identity.revocations.poll()

        assert_problem(await other.user_board(person.access_token), 401, "token_revoked")


async def test_process_that_starts_reads_every_live_line_page_by_page(
    make_services: MakeServices, database: Database, clock: FakeClock
) -> None:
    line = {
        "user_id": 1,
        "created_at": clock.now() - timedelta(hours=1),
        "expires_at": clock.now() + timedelta(hours=1),
    }
    async with database.begin() as tx:
        await tx.execute(insert(Revocation), [{**line, "session_id": id_} for id_ in range(1, 2 * PAGE_LINES + 2)])
    starting = make_services()

    await starting.identity.revocations.poll()

    lines = starting.identity.revocations.lines_after(0)
    assert {line.session_id for line in lines} == set(range(1, 2 * PAGE_LINES + 2))
    assert starting.identity.revocations.anchor == lines[-1]


@pytest.mark.both_databases
async def test_feed_forgets_what_can_no_longer_be_presented(
    api: Api, services: Services, database: Database, clock: FakeClock
) -> None:
    def known() -> list[int]:
        return [line.id for line in services.identity.revocations.lines_after(0) if line.session_id is not None]

    person = await api.sign_up()
    await api.post("/api/auth/signout", headers=person.headers)
    clock.advance(minutes=1439)
    assert await services.identity.revocations.purge() == 0
    await services.identity.revocations.poll()
    later = await api.sign_in()
    await api.post("/api/auth/signout", headers=later.headers)
    await services.identity.revocations.poll()
    assert len(known()) == 2

    clock.advance(minutes=1)

    assert await services.identity.revocations.purge() == 0, "another replica's clock may be late"
    await services.identity.revocations.poll()
    [line_id] = known()
    assert_problem(await api.user_board(later.access_token), 401, "token_revoked")
    assert services.identity.revocations.lines_after(line_id) == []
    clock.advance(minutes=10)
    assert await services.identity.revocations.purge() == 1
    async with database.read() as tx:
        ended = select(func.count()).select_from(Revocation).where(Revocation.session_id.is_not(None))
        assert await tx.scalar(ended) == 1
