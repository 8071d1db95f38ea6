"""RFC 7009: whoever holds a token takes it back, and with it its session."""

import pytest

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.sessions.models import Session
from tests.support.api import Api, assert_problem
from tests.support.clock import FakeClock
from tests.support.workers import session_id


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_revoked_means_that_the_session_ended(api: Api, database: Database, kind: str) -> None:
    person = await api.sign_up()
    other = await api.sign_in()

    answer = await api.post("/oauth/revoke", data={"token": getattr(person, kind), "token_type_hint": kind})

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["cache-control"] == "no-store"
    assert_problem(await api.user_board(person.access_token), 401, "token_revoked")
    assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_invalid")
    assert (await api.user_board(other.access_token)).status_code == 200
    async with database.read() as tx:
        session = await tx.get_one(Session, session_id(person.access_token))
        assert session.end_reason == "signed_out"


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "something_else"])
async def test_wrong_hint_does_not_matter(api: Api, hint: str) -> None:
    person = await api.sign_up()

    await api.post("/oauth/revoke", data={"token": person.refresh_token, "token_type_hint": hint})

    assert_problem(await api.user_board(person.access_token), 401, "token_revoked")


@pytest.mark.parametrize("text", ["x", "a.b.c", "gpr_1.0.x", f"gpr_1.0.{'A' * 43}", "é", "x" * 8192])
async def test_unknown_token_is_fine_and_changes_nothing(api: Api, text: str) -> None:
    person = await api.sign_up()

    assert (await api.post("/oauth/revoke", data={"token": text})).status_code == 200
    assert (await api.user_board(person.access_token)).status_code == 200


async def test_token_is_taken_back_twice(api: Api) -> None:
    person = await api.sign_up()

    for _ in range(2):
        assert (await api.post("/oauth/revoke", data={"token": person.access_token})).status_code == 200


async def test_stale_token_still_takes_its_session_back(api: Api, services: Services, database: Database) -> None:
    person = await api.sign_up()
    async with database.begin() as tx:
        await services.identity.revocations.revoke_account(tx, person.id)

    assert (await api.post("/oauth/revoke", data={"token": person.access_token})).status_code == 200

    assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_invalid")


async def test_expired_access_token_takes_nothing_back(api: Api, clock: FakeClock) -> None:
    person = await api.sign_up()
    clock.advance(minutes=1440)

    assert (await api.post("/oauth/revoke", data={"token": person.access_token})).status_code == 200

    assert (await api.refresh(person.refresh_token)).status_code == 200


async def test_request_without_a_token_is_an_invalid_request(api: Api) -> None:
    answer = await api.post("/oauth/revoke", data={"token_type_hint": "access_token"})

    assert answer.status_code == 400
    body = answer.json()
    assert (body["error"], body["code"]) == ("invalid_request", "validation_failed")
    assert body["error_description"] == body["message"]
