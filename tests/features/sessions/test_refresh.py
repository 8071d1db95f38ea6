"""Exchanging a refresh token."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, event, func, insert, select, update

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.crypto.base64url import decode
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User, user_roles
from gatepost.identity.sessions.models import Session
from gatepost.identity.tokens.refresh_tokens import RefreshTicket, RefreshTokens
from tests.conftest import MakeServices, http_client, started
from tests.support.api import Api, assert_problem, bearer
from tests.support.clock import FakeClock
from tests.support.workers import claims

REFRESH = "/api/auth/refreshtoken"


async def session_of(database: Database, refresh_token: str) -> Session:
    """Return the session that a refresh token names."""
    session_id = int(refresh_token.removeprefix("gpr_").partition(".")[0])
    async with database.read() as tx:
        return (await tx.scalars(select(Session).where(Session.id == session_id))).one()


async def test_refresh_gives_the_next_pair(api: Api, database: Database, clock: FakeClock) -> None:
    person = await api.sign_up()
    clock.advance(hours=2)

    answer = await api.refresh(person.refresh_token)

    assert answer.status_code == 200
    body = answer.json()
    assert body.keys() == {"tokenType", "accessToken", "expiresIn", "refreshToken", "refreshExpiresIn"}
    assert (body["tokenType"], body["expiresIn"], body["refreshExpiresIn"]) == ("Bearer", 86400, 2592000)
    assert body["refreshToken"] != person.refresh_token
    assert body["accessToken"] != person.access_token
    assert answer.headers["cache-control"] == "no-store"
    session = await session_of(database, person.refresh_token)
    assert (session.generation, session.last_used_at) == (1, clock.now())


async def test_access_token_from_before_a_refresh_goes_on(api: Api) -> None:
    person = await api.sign_up()
    await api.refresh(person.refresh_token)

    assert (await api.user_board(person.access_token)).status_code == 200


async def test_previous_token_gets_the_same_successor_for_a_while(api: Api, clock: FakeClock) -> None:
    person = await api.sign_up()
    first = await api.refresh(person.refresh_token)
    clock.advance(seconds=10)

    again = await api.refresh(person.refresh_token)

    assert again.status_code == 200
    assert again.json()["refreshToken"] == first.json()["refreshToken"]
    assert (await api.user_board(again.json()["accessToken"])).status_code == 200
    assert (await api.refresh(first.json()["refreshToken"])).status_code == 200


@pytest.mark.parametrize("refreshes", [1, 2])
async def test_reused_refresh_token_ends_its_session_and_no_other(
    api: Api, services: Services, database: Database, clock: FakeClock, refreshes: int
) -> None:
    person = await api.sign_up()
    elsewhere = await api.sign_in()
    newest = person.refresh_token
    for _ in range(refreshes):
        newest = (await api.refresh(newest)).json()["refreshToken"]
    # One step back is forgiven for ten seconds; two steps back never are.
    clock.advance(seconds=10.001 if refreshes == 1 else 0)
    await services.identity.revocations.poll()

    answer = await api.refresh(person.refresh_token)

    body = assert_problem(answer, 403, "refresh_token_reused")
    assert body["message"] == "Refresh token is not valid!"
    session = await session_of(database, person.refresh_token)
    assert (session.ended_at, session.end_reason) == (clock.now(), "refresh_reused")
    assert_problem(await api.refresh(newest), 403, "refresh_token_invalid")
    assert_problem(await api.user_board(person.access_token), 401, "token_revoked")
    assert (await api.user_board(elsewhere.access_token)).status_code == 200
    assert (await api.refresh(elsewhere.refresh_token)).status_code == 200
    async with database.read() as tx:
        query = select(AuditEntry.session_id).where(AuditEntry.event == "refresh_token.reused")
        assert (await tx.scalars(query)).all() == [session.id]


async def test_session_ends_when_it_is_not_used(api: Api, clock: FakeClock) -> None:
    person = await api.sign_up()
    clock.advance(days=30, seconds=-1)
    refreshed = await api.refresh(person.refresh_token)
    clock.advance(days=30)

    answer = await api.refresh(refreshed.json()["refreshToken"])

    assert refreshed.status_code == 200
    body = assert_problem(answer, 403, "refresh_token_expired")
    assert body["message"] == "Refresh token was expired. Please make a new signin request"


async def test_session_ends_at_its_greatest_age_however_it_is_used(
    api: Api, services: Services, clock: FakeClock
) -> None:
    person = await api.sign_up()
    token = person.refresh_token
    for _ in range(4):
        clock.advance(days=20)
        token = (await api.refresh(token)).json()["refreshToken"]
    clock.advance(days=9, hours=23)
    await services.identity.revocations.poll()

    last = (await api.refresh(token)).json()
    assert (last["expiresIn"], last["refreshExpiresIn"]) == (3600, 3600)
    assert (await api.user_board(last["accessToken"])).status_code == 200
    clock.advance(hours=1)

    assert_problem(await api.refresh(last["refreshToken"]), 403, "refresh_token_expired")
    assert_problem(await api.user_board(last["accessToken"]), 401, "token_expired")


async def test_clients_that_keep_their_first_token_are_served_without_rotation(
    make_services: MakeServices, clock: FakeClock
) -> None:
    async with started(make_services(refresh_token_rotation=False)) as app, http_client(app) as client:
        api = Api(client)
        person = await api.sign_up()
        for _ in range(3):
            clock.advance(days=29)
            answer = await api.refresh(person.refresh_token)
            assert answer.status_code == 200
            assert answer.json()["refreshToken"] == person.refresh_token
        clock.advance(days=3)
        expired = await api.refresh(person.refresh_token)

    assert_problem(expired, 403, "refresh_token_expired")


async def test_token_that_was_used_under_rotation_is_good_once_rotation_is_off(
    make_services: MakeServices, clock: FakeClock
) -> None:
    async with started(make_services()) as app, http_client(app) as client:
        person = await Api(client).sign_up()
        used = [person.refresh_token]
        for _ in range(2):
            used.append((await Api(client).refresh(used[-1])).json()["refreshToken"])
    clock.advance(hours=1)
    async with started(make_services(refresh_token_rotation=False)) as app, http_client(app) as client:
        for token in (*used, *used):
            clock.advance(days=1)
            answer = await Api(client).refresh(token)

            assert answer.status_code == 200, answer.text
        await Api(client).post("/api/auth/signout", json={"refreshToken": used[0]})
        for token in used:
            assert_problem(await Api(client).refresh(token), 403, "refresh_token_invalid")


async def test_log_says_once_which_setting_serves_clients_that_keep_their_first_token(
    api: Api, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("One", "Two"):
        person = await api.sign_up(name)
        clock.advance(hours=25)
        assert (await api.refresh(person.refresh_token)).status_code == 200
        clock.advance(hours=25)
        assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_reused")

    told = [record.getMessage() for record in caplog.records if "REFRESH_TOKEN_ROTATION" in record.getMessage()]
    assert len(told) == 1
    assert "REFRESH_TOKEN_ROTATION=false" in told[0]


@pytest.mark.parametrize("header", ["Authorization", "x-access-token"])
async def test_access_token_that_rides_along_is_ignored(api: Api, clock: FakeClock, header: str) -> None:
    person = await api.sign_up()
    clock.advance(minutes=1441)

    for token in (person.access_token, "not a token"):
        sent = f"Bearer {token}" if header == "Authorization" else token
        answer = await api.post(REFRESH, json={"refreshToken": person.refresh_token}, headers={header: sent})
        assert answer.status_code == 200


@pytest.mark.parametrize("body", [b"", b"{}", b'{"refreshToken": null}', b'{"refreshToken": ""}', b"null"])
async def test_missing_token_is_asked_for(api: Api, body: bytes) -> None:
    answer = await api.post(REFRESH, content=body, headers={"Content-Type": "application/json"})

    problem = assert_problem(answer, 403, "refresh_token_required")
    assert problem["message"] == "Refresh Token is required!"


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "8a1dc3a4-0a1c-4b52-a4e5-6c6f7d9a1b2c",
        "gpr_",
        "gpr_1.0.",
        f"gpr_1.0.{'A' * 43}",
        f"gpr_01.0.{'A' * 43}",
        f"gpr_-1.0.{'A' * 43}",
        f"gpr_٣.0.{'A' * 43}",
        f"gpr_{'9' * 19}.{'9' * 10}.{'A' * 43}",
        f"gpr_1.0.{'A' * 43}\n",
        "漢字",
    ],
)
async def test_text_that_is_no_token_is_not_valid(api: Api, token: str) -> None:
    await api.sign_up()

    problem = assert_problem(await api.refresh(token), 403, "refresh_token_invalid")

    assert problem["message"] == "Refresh token is not valid!"


@pytest.mark.parametrize("token", [{"$ne": None}, ["x"], 7, True, "x" * 8193])
async def test_value_that_cannot_be_a_token_is_refused(api: Api, token: object) -> None:
    answer = await api.post(REFRESH, json={"refreshToken": token})

    assert_problem(answer, 422, "validation_failed")


async def test_token_with_another_session_or_generation_is_forged(api: Api) -> None:
    mine, other = await api.sign_up("Abbey"), await api.sign_up("Heba")
    session, generation, mac = mine.refresh_token.removeprefix("gpr_").split(".")
    others_session = other.refresh_token.removeprefix("gpr_").partition(".")[0]
    assert len(decode(mac)) == 32

    for forged in (
        f"gpr_{others_session}.{generation}.{mac}",
        f"gpr_{session}.{int(generation) + 1}.{mac}",
        f"gpr_{session}.{generation}.{mac[:-1]}{'A' if mac[-1] != 'A' else 'B'}",
        f"gpr_{session}.{generation}.{mac.swapcase()}",
    ):
        assert_problem(await api.refresh(forged), 403, "refresh_token_invalid")
    assert (await api.refresh(mine.refresh_token)).status_code == 200


async def test_token_that_was_never_given_out_ends_nothing(api: Api, services: Services, database: Database) -> None:
    person = await api.sign_up()
    session = await session_of(database, person.refresh_token)
    ahead = RefreshTokens(services.settings.keys).write(RefreshTicket(session.id, 5))

    assert_problem(await api.refresh(ahead), 403, "refresh_token_invalid")

    assert (await api.refresh(person.refresh_token)).status_code == 200


async def test_disabled_account_is_refused(api: Api, database: Database, clock: FakeClock) -> None:
    person = await api.sign_up()
    async with database.begin() as tx:
        await tx.execute(update(User).where(User.id == person.id).values(disabled_at=clock.now()))

    assert_problem(await api.refresh(person.refresh_token), 403, "account_disabled")

    assert (await session_of(database, person.refresh_token)).generation == 0


async def test_refresh_shows_the_roles_of_now(api: Api, database: Database) -> None:
    person = await api.sign_up()
    async with database.begin() as tx:
        await tx.execute(insert(user_roles).values(user_id=person.id, role_id=3))
    assert_problem(await api.get("/api/test/admin", headers=person.headers), 403, "role_required")

    refreshed = await api.refresh(person.refresh_token)

    assert refreshed.status_code == 200, refreshed.text
    answer = await api.get("/api/test/admin", headers={"x-access-token": refreshed.json()["accessToken"]})
    assert (answer.status_code, answer.text) == (200, "Admin Content.")


@pytest.mark.both_databases
@pytest.mark.parametrize("role_ids", [(), (1,), (2, 1), (3, 1)], ids=["none", "one", "two", "administrator"])
async def test_refresh_says_of_an_account_what_a_sign_in_says(
    api: Api, database: Database, clock: FakeClock, role_ids: tuple[int, ...]
) -> None:
    person = await api.sign_up()
    async with database.begin() as tx:
        await tx.execute(delete(user_roles).where(user_roles.c.user_id == person.id))
        for role_id in role_ids:
            await tx.execute(insert(user_roles).values(user_id=person.id, role_id=role_id))
    clock.advance(minutes=1)

    refreshed = claims((await api.refresh(person.refresh_token)).json()["accessToken"])
    signed_in = claims((await api.sign_in(person.username)).access_token)

    assert len(refreshed["roles"]) == len(role_ids)
    of_the_session = {"sid", "jti", "auth_time"}
    assert refreshed.keys() == signed_in.keys() >= of_the_session
    assert {name: refreshed[name] for name in refreshed.keys() - of_the_session} == {
        name: signed_in[name] for name in signed_in.keys() - of_the_session
    }
    assert signed_in["auth_time"] - refreshed["auth_time"] == 60


@pytest.mark.both_databases
async def test_session_that_the_version_before_opened_goes_on(api: Api, database: Database, clock: FakeClock) -> None:
    began_at = int(clock.now().timestamp())
    person = await api.sign_up()
    async with database.begin() as tx:
        # Its processes write none of these while an upgrade goes on.
        await tx.execute(update(Session).values(authenticated_at=None))
    clock.advance(minutes=1)

    refreshed = claims((await api.refresh(person.refresh_token)).json()["accessToken"])

    assert (refreshed["auth_time"], refreshed["acr"], refreshed["client_id"]) == (
        began_at, "urn:gatepost:acr:1", "gatepost",
    )  # fmt: skip
    assert "scope" not in refreshed


@pytest.mark.both_databases
async def test_tokens_say_what_their_session_says(api: Api, database: Database, clock: FakeClock) -> None:
    person = await api.sign_up()
    proved_at = clock.now() + timedelta(minutes=5)
    async with database.begin() as tx:
        values = {"authenticated_at": proved_at, "acr": "urn:example:2", "client_id": "shop", "scope": "openid email"}
        await tx.execute(update(Session).values(values))

    answer = await api.refresh(person.refresh_token)
    token = answer.json()["accessToken"]

    said = claims(token)
    assert (said["auth_time"], said["acr"]) == (int(proved_at.timestamp()), "urn:example:2")
    assert (said["client_id"], said["scope"]) == ("shop", "openid email")
    # Routes of ours are for people who sign in here, and not for apps that act for them.
    assert_problem(await api.get("/api/users/me", headers=bearer(token)), 401, "token_invalid")


@pytest.mark.both_databases
async def test_refreshes_add_no_rows(api: Api, database: Database) -> None:
    token = (await api.sign_up()).refresh_token
    for _ in range(20):
        token = (await api.refresh(token)).json()["refreshToken"]

    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(Session)) == 1
        assert await tx.scalar(select(func.count()).select_from(AuditEntry).where(AuditEntry.user_id.is_not(None))) == 2


async def test_update_that_a_node_ran_before_it_was_up_to_date_ends_no_session(api: Api, database: Database) -> None:
    """A node of a cluster may run an update on what it has, and answer the next read with more."""
    person = await api.sign_up()
    behind = [True]

    def miss(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> tuple[str, Any]:
        if behind and statement.startswith("UPDATE sessions"):
            behind.clear()
            return statement.replace(" WHERE ", " WHERE 1 = 0 AND "), parameters
        return statement, parameters

    event.listen(database.engine.sync_engine, "before_cursor_execute", miss, retval=True)
    first = await api.refresh(person.refresh_token)
    event.remove(database.engine.sync_engine, "before_cursor_execute", miss)

    assert_problem(first, 503, "database_unavailable")
    assert (await api.refresh(person.refresh_token)).status_code == 200
