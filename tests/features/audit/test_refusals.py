"""What the log says of sign-ins and refreshes that were refused."""

import pytest
from sqlalchemy import delete, select, update

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from tests.conftest import ADDRESS, MakeServices, http_client, started
from tests.features.audit.conftest import Entries
from tests.support.api import PASSWORD, Api, assert_problem
from tests.support.clock import FakeClock

REFUSED = "sign_in.failed"
REFRESH_REFUSED = "refresh_token.rejected"


@pytest.mark.parametrize("name", ["hunter2 typed as a name", "nobody@example.com", "@"])
async def test_unknown_account_leaves_no_word_of_what_was_typed(api: Api, entries: Entries, name: str) -> None:
    answer = await api.post("/api/auth/signin", json={"username": name, "password": "secret-2"})

    assert_problem(answer, 401, "invalid_credentials")
    [entry] = await entries(REFUSED)
    assert (entry.user_id, entry.session_id, entry.details) == (None, None, {"reason": "unknown_account"})
    assert (entry.address, entry.request_id) == (ADDRESS, answer.headers["x-request-id"])
    kept = [entry.event, entry.address, entry.request_id, str(entry.details)]
    assert not [text for text in kept if name in text or "secret-2" in text]


async def test_wrong_password_is_told_with_its_account(api: Api, entries: Entries) -> None:
    person = await api.sign_up()

    await api.post("/api/auth/signin", json={"username": person.username, "password": "wrong horse"})
    await api.post("/api/auth/token", data={"grant_type": "password", "username": person.email, "password": "x"})

    found = await entries(REFUSED)
    assert [(entry.user_id, entry.details) for entry in found] == [(person.id, {"reason": "wrong_password"})] * 2


async def test_right_password_of_a_disabled_account_is_told(
    api: Api, database: Database, clock: FakeClock, entries: Entries
) -> None:
    person = await api.sign_up()
    async with database.begin() as tx:
        await tx.execute(update(User).where(User.id == person.id).values(disabled_at=clock.now()))

    answer = await api.post("/api/auth/signin", json={"username": person.username, "password": PASSWORD})

    assert_problem(answer, 403, "account_disabled")
    [entry] = await entries(REFUSED)
    assert (entry.user_id, entry.details) == (person.id, {"reason": "disabled"})


async def test_right_password_with_an_unproved_address_is_told(make_services: MakeServices, entries: Entries) -> None:
    services = make_services(email_verification="required")
    async with started(services) as app, http_client(app) as client:
        body = {"username": "Abbey Salami", "email": "a@example.com", "password": PASSWORD}
        assert (await client.post("/api/auth/signup", json=body)).status_code == 202
        answer = await client.post("/api/auth/signin", json={"username": "Abbey Salami", "password": PASSWORD})

    assert_problem(answer, 403, "email_unverified")
    [entry] = await entries(REFUSED)
    assert entry.user_id is not None
    assert entry.details == {"reason": "unverified"}


async def test_good_sign_in_is_told_once_and_no_refusal_with_it(api: Api, entries: Entries) -> None:
    person = await api.sign_up()
    await api.sign_in()

    assert [entry.user_id for entry in await entries("session.opened")] == [person.id] * 2
    assert await entries(REFUSED) == []


# On SQLite there is one writer at a time, whatever it writes.
@pytest.mark.parametrize("database_url", [pytest.param("mysql", marks=pytest.mark.mysql)], indirect=True)
async def test_refusal_waits_for_no_lock_on_the_account(api: Api, database: Database, entries: Entries) -> None:
    person = await api.sign_up()
    async with database.begin() as tx:
        await tx.execute(select(User).where(User.id == person.id).with_for_update())
        answer = await api.post("/api/auth/signin", json={"username": person.username, "password": "wrong horse"})

    assert_problem(answer, 401, "invalid_credentials")
    assert len(await entries(REFUSED)) == 1


@pytest.mark.parametrize("token", ["", "gpr_1.0.x", "gpr_1.0." + "A" * 43, "garbage"])
async def test_refresh_token_that_anybody_can_make_up_leaves_no_trace(api: Api, entries: Entries, token: str) -> None:
    await api.sign_up()
    before = len(await entries())

    assert (await api.refresh(token)).status_code in (403, 422)

    assert len(await entries()) == before


async def test_refresh_after_its_time_is_told(api: Api, clock: FakeClock, entries: Entries) -> None:
    person = await api.sign_up()
    clock.advance(days=31)

    assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_expired")

    [entry] = await entries(REFRESH_REFUSED)
    [opened] = await entries("session.opened")
    assert (entry.user_id, entry.session_id) == (person.id, opened.session_id)
    assert (entry.address, entry.details) == (ADDRESS, {"reason": "expired"})


async def test_refresh_of_a_session_that_has_ended_is_told(api: Api, entries: Entries) -> None:
    person = await api.sign_up()
    await api.post("/api/auth/signout", headers=person.headers)

    assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_invalid")

    assert [entry.details for entry in await entries(REFRESH_REFUSED)] == [{"reason": "ended"}]


async def test_refresh_of_an_account_that_is_gone_is_told(api: Api, database: Database, entries: Entries) -> None:
    person = await api.sign_up()
    async with database.begin() as tx:
        await tx.execute(delete(User).where(User.id == person.id))

    assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_invalid")

    [entry] = await entries(REFRESH_REFUSED)
    assert (entry.user_id, entry.details) == (None, {"reason": "unknown_session"})


async def test_refresh_of_a_disabled_account_is_told_and_its_token_is_not_used_up(
    api: Api, database: Database, clock: FakeClock, entries: Entries
) -> None:
    person = await api.sign_up()
    async with database.begin() as tx:
        await tx.execute(update(User).where(User.id == person.id).values(disabled_at=clock.now()))

    assert_problem(await api.refresh(person.refresh_token), 403, "account_disabled")

    [entry] = await entries(REFRESH_REFUSED)
    assert (entry.user_id, entry.details) == (person.id, {"reason": "disabled"})
    clock.advance(hours=1)
    async with database.begin() as tx:
        await tx.execute(update(User).where(User.id == person.id).values(disabled_at=None))
    assert (await api.refresh(person.refresh_token)).status_code == 200


async def test_reused_refresh_token_is_told_with_its_session(api: Api, clock: FakeClock, entries: Entries) -> None:
    person = await api.sign_up()
    await api.refresh(person.refresh_token)
    clock.advance(minutes=1)

    assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_reused")

    [entry] = await entries("refresh_token.reused")
    [opened] = await entries("session.opened")
    assert opened.session_id is not None
    assert (entry.user_id, entry.session_id, entry.address) == (person.id, opened.session_id, ADDRESS)


async def test_new_signing_key_of_a_rotation_is_told(services: Services, entries: Entries) -> None:
    await services.start()
    await services.admin.key_rotation.rotate(force=True)

    kids = {status.kid for status in await services.admin.key_rotation.list()}
    assert {entry.details["kid"] for entry in await entries("key.created")} == kids
    assert len(kids) == 3
