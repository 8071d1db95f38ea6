"""Ending one's sessions."""

import pytest
from sqlalchemy import select

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.sessions.models import Session
from tests.conftest import MakeServices, http_client, started
from tests.support.api import Api, Person, assert_problem, bearer
from tests.support.clock import FakeClock

SIGN_OUT = "/api/auth/signout"


async def assert_signed_out(api: Api, person: Person) -> None:
    """Check that neither token of a session is good any more."""
    assert_problem(await api.user_board(person.access_token), 401, "token_revoked")
    assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_invalid")


async def assert_signed_in(api: Api, person: Person) -> None:
    """Check that both tokens of a session are good."""
    assert (await api.user_board(person.access_token)).status_code == 200
    assert (await api.refresh(person.refresh_token)).status_code == 200


@pytest.mark.both_databases
@pytest.mark.parametrize("way", ["bearer", "x-access-token", "refresh token", "both"])
async def test_sign_out_ends_this_session_and_no_other(api: Api, database: Database, way: str) -> None:
    person = await api.sign_up()
    elsewhere = await api.sign_in()
    headers = {
        "bearer": person.headers,
        "x-access-token": {"x-access-token": person.access_token},
        "refresh token": {},
        "both": person.headers,
    }[way]
    body = {"refreshToken": person.refresh_token} if way in ("refresh token", "both") else None

    answer = await api.post(SIGN_OUT, headers=headers, json=body)

    assert (answer.status_code, answer.content) == (204, b"")
    await assert_signed_out(api, person)
    await assert_signed_in(api, elsewhere)
    async with database.read() as tx:
        ended = (await tx.scalars(select(AuditEntry).where(AuditEntry.event == "session.ended"))).all()
        session = (await tx.scalars(select(Session).where(Session.ended_at.is_not(None)))).one()
    assert [(entry.user_id, entry.session_id, entry.details) for entry in ended] == [
        (person.id, session.id, {"reason": "signed_out"})
    ]


async def test_refresh_token_signs_out_who_has_no_good_access_token(api: Api, clock: FakeClock) -> None:
    person = await api.sign_up()
    clock.advance(days=2)

    answer = await api.post(SIGN_OUT, headers=person.headers, json={"refreshToken": person.refresh_token})

    assert answer.status_code == 204
    assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_invalid")


async def test_signing_out_twice_is_fine_by_refresh_token(api: Api) -> None:
    person = await api.sign_up()

    for _ in range(2):
        answer = await api.post(SIGN_OUT, json={"refreshToken": person.refresh_token})
        assert answer.status_code == 204


async def test_signing_out_twice_is_fine_by_access_token(api: Api) -> None:
    person = await api.sign_up()

    for _ in range(2):
        assert (await api.post(SIGN_OUT, headers=person.headers)).status_code == 204


async def test_old_refresh_token_still_signs_its_session_out(api: Api) -> None:
    person = await api.sign_up()
    await api.refresh(person.refresh_token)

    assert (await api.post(SIGN_OUT, json={"refreshToken": person.refresh_token})).status_code == 204

    await assert_signed_out(api, person)


async def test_sign_out_of_nobody_is_fine_and_ends_nothing(api: Api) -> None:
    person = await api.sign_up()

    for answer in (
        await api.post(SIGN_OUT),
        await api.post(SIGN_OUT, json={}),
        await api.post(SIGN_OUT, headers=bearer("x.y.z")),
        await api.post(SIGN_OUT, headers={"x-access-token": "x"}),
        await api.post(SIGN_OUT, json={"refreshToken": "gpr_1.0.x"}),
        await api.post(SIGN_OUT, json={"refreshToken": None}),
    ):
        assert (answer.status_code, answer.content) == (204, b"")

    await assert_signed_in(api, person)


async def test_expired_access_token_signs_its_session_out(api: Api, clock: FakeClock) -> None:
    person, elsewhere = await api.sign_up(), await api.sign_in()
    clock.advance(days=1, seconds=1)

    assert (await api.post(SIGN_OUT, headers=person.headers)).status_code == 204

    assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_invalid")
    assert (await api.refresh(elsewhere.refresh_token)).status_code == 200


async def test_stale_access_token_signs_its_session_out(api: Api, services: Services) -> None:
    person = await api.sign_up()
    async with services.platform.database.begin() as tx:
        await services.identity.revocations.revoke_account(tx, person.id)

    assert (await api.post(SIGN_OUT, headers=person.headers)).status_code == 204

    assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_invalid")


async def test_sign_out_of_others_keeps_this_session(api: Api) -> None:
    here = await api.sign_up()
    phone, tablet = await api.sign_in(), await api.sign_in()
    stranger = await api.sign_up("Somebody Else")

    answer = await api.post("/api/auth/signout-others", headers=here.headers)

    assert (answer.status_code, answer.content) == (204, b"")
    for ended in (phone, tablet):
        await assert_signed_out(api, ended)
    for going_on in (here, stranger):
        await assert_signed_in(api, going_on)


async def test_sign_out_of_all_ends_every_session_of_the_account(api: Api) -> None:
    here = await api.sign_up()
    phone = await api.sign_in()
    stranger = await api.sign_up("Somebody Else")

    answer = await api.post("/api/auth/signout-all", headers=here.headers)

    assert (answer.status_code, answer.content) == (204, b"")
    for ended in (here, phone):
        await assert_signed_out(api, ended)
    await assert_signed_in(api, stranger)
    # A new sign-in is not caught by what was revoked before.
    await assert_signed_in(api, await api.sign_in())


@pytest.mark.parametrize("path", ["/api/auth/signout-others", "/api/auth/signout-all"])
async def test_sign_out_of_several_needs_an_access_token(api: Api, path: str) -> None:
    person = await api.sign_up()

    assert_problem(await api.post(path), 401, "token_missing")
    assert_problem(await api.post(path, json={"refreshToken": person.refresh_token}), 401, "token_missing")

    await assert_signed_in(api, person)


async def test_what_was_signed_out_is_signed_out_at_a_worker_that_starts_later(
    api: Api, services: Services, make_services: MakeServices, clock: FakeClock
) -> None:
    person, elsewhere = await api.sign_up(), await api.sign_in()
    await api.post(SIGN_OUT, headers=person.headers)
    clock.advance(hours=23)
    await services.identity.revocations.purge()

    async with started(make_services()) as app, http_client(app) as client:
        assert_problem(await Api(client).user_board(person.access_token), 401, "token_revoked")
        assert (await Api(client).user_board(elsewhere.access_token)).status_code == 200
