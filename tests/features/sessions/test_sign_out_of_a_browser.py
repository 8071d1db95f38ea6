"""Which sessions a sign-out ends where several tokens ride along, and what becomes of the cookies."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from gatepost.core.db.database import Database, DatabaseUnavailable
from gatepost.identity.sessions.models import Session
from tests.conftest import MakeServices, http_client, started
from tests.support.api import Api, Person, assert_problem, bearer
from tests.support.clock import FakeClock
from tests.support.cookies import ACCESS, OUR_PAGE, REFRESH, takes_back
from tests.support.workers import session_id

SIGN_OUT = "/api/auth/signout"
BOTH = {ACCESS, REFRESH}
ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def has_ended(database: Database, person: Person) -> bool:
    """Whether the session of these tokens has ended."""
    async with database.read() as tx:
        return (await tx.get_one(Session, session_id(person.access_token))).ended_at is not None


@ONE_DATABASE
@pytest.mark.parametrize("place", ["Authorization", "x-access-token", "cookie"])
@pytest.mark.parametrize("state", ["expired", "revoked", "of nobody", "empty"])
async def test_dead_access_token_does_not_save_the_session_of_the_cookie(
    api: Api, database: Database, clock: FakeClock, place: str, state: str
) -> None:
    dead = await api.sign_up("Dead")
    if state == "expired":
        clock.advance(days=1, seconds=1)
    if state == "revoked":
        await api.post(SIGN_OUT, headers=dead.headers)
    person = await api.sign_up()
    token = {"of nobody": "x.y.z", "empty": ""}.get(state, dead.access_token)
    header = {"Authorization": f"Bearer {token}"} if place == "Authorization" else {place: token}
    access_cookie = f"{ACCESS}={token}; " if place == "cookie" else ""
    headers = {} if place == "cookie" else header
    cookies = {"Cookie": f"{access_cookie}{REFRESH}={person.refresh_token}"}

    answer = await api.post(SIGN_OUT, headers={**headers, **cookies, **OUR_PAGE})

    assert (answer.status_code, takes_back(answer)) == (204, BOTH)
    assert await has_ended(database, person)
    assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_invalid")


async def test_every_token_that_is_sent_ends_its_session(api: Api, database: Database) -> None:
    names = ["Authorization", "x-access-token", "body", "access cookie", "refresh cookie", "not sent"]
    people = {name: await api.sign_up(name) for name in names}
    cookies = {
        "Cookie": f"{ACCESS}={people['access cookie'].access_token}; {REFRESH}={people['refresh cookie'].refresh_token}"
    }
    headers = {
        **bearer(people["Authorization"].access_token),
        "x-access-token": people["x-access-token"].access_token,
        **cookies,
        **OUR_PAGE,
    }

    answer = await api.post(SIGN_OUT, headers=headers, json={"refreshToken": people["body"].refresh_token})

    assert (answer.status_code, takes_back(answer)) == (204, BOTH)
    assert {name for name, person in people.items() if await has_ended(database, person)} == set(names) - {"not sent"}


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("name", [ACCESS, REFRESH])
async def test_of_two_cookies_of_one_name_both_sessions_end(
    api: Api, database: Database, name: str, order: int
) -> None:
    people = [await api.sign_up("Victim"), await api.sign_up("Stranger")][::order]
    tokens = [person.access_token if name == ACCESS else person.refresh_token for person in people]

    answer = await api.post(SIGN_OUT, headers={"Cookie": "; ".join(f"{name}={token}" for token in tokens), **OUR_PAGE})

    assert answer.status_code == 204
    assert [await has_ended(database, person) for person in people] == [True, True]


async def test_program_with_a_token_in_a_header_needs_no_origin_for_its_cookies(api: Api, database: Database) -> None:
    header, cookie = await api.sign_up("header"), await api.sign_up("cookie")

    answer = await api.post(
        SIGN_OUT, headers={**bearer(header.access_token), "Cookie": f"{REFRESH}={cookie.refresh_token}"}
    )

    assert (answer.status_code, takes_back(answer)) == (204, BOTH)
    assert await has_ended(database, header)
    assert await has_ended(database, cookie)


@ONE_DATABASE
@pytest.mark.parametrize("sent", [{}, {"json": {}}, {"content": b""}], ids=["nothing", "object", "empty"])
async def test_dead_cookies_of_our_page_are_taken_back(api: Api, sent: dict[str, Any]) -> None:
    cookies = {"Cookie": f"{ACCESS}=x; {REFRESH}=gpr_1.0.{'A' * 43}"}

    answer = await api.post(SIGN_OUT, headers={**cookies, **OUR_PAGE}, **sent)

    assert (answer.status_code, takes_back(answer)) == (204, BOTH)


class Endless:
    """More than is read, in pieces."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 65536


ODD: list[Any] = [
    pytest.param({"content": b"{", "type": "application/json"}, id="no JSON"),
    pytest.param({"content": b'{"refreshToken": 5}', "type": "application/json"}, id="a number"),
    pytest.param({"content": b'{"x": 5}', "type": "application/json"}, id="another member"),
    pytest.param({"content": b'"x"', "type": "application/json"}, id="a text"),
    pytest.param({"content": b"[]", "type": "application/json"}, id="a list"),
    pytest.param({"content": b'{"refreshToken": "\\u0000"}', "type": "application/json"}, id="NUL"),
    pytest.param({"content": b'{"refreshToken": "' + b"x" * 9000 + b'"}', "type": "application/json"}, id="long"),
    pytest.param({"content": b"a=1&a=2", "type": "application/x-www-form-urlencoded"}, id="form"),
    pytest.param({"content": b"bye", "type": "text/plain"}, id="beacon"),
    pytest.param({"content": b" " * 70000, "type": "application/json"}, id="too long"),
    pytest.param({"content": Endless(), "type": "application/json"}, id="too long, in pieces"),
]


@ONE_DATABASE
@pytest.mark.parametrize("body", ODD)
async def test_body_that_cannot_be_read_keeps_nobody_signed_in(
    api: Api, database: Database, body: dict[str, Any]
) -> None:
    by_header, by_cookie = await api.sign_up("Header"), await api.sign_up("Cookie")
    headers = {
        **by_header.headers, **OUR_PAGE, "Content-Type": body["type"], "Cookie": f"{REFRESH}={by_cookie.refresh_token}",
    }  # fmt: skip

    answer = await api.client.post(f"{SIGN_OUT}?x=1&x=2", headers=headers, content=body["content"])

    assert (answer.status_code, takes_back(answer)) == (204, BOTH)
    assert await has_ended(database, by_header)
    assert await has_ended(database, by_cookie)


async def test_of_a_header_that_is_there_twice_both_sessions_end(api: Api, database: Database) -> None:
    people = [await api.sign_up(name) for name in ("a", "b", "c", "d", "e", "f")]
    access, refresh = [person.access_token for person in people], [person.refresh_token for person in people]

    answer = await api.client.post(SIGN_OUT, headers=[
        *OUR_PAGE.items(), ("Authorization", f"Bearer {access[0]}"), ("Authorization", f"bearer {access[1]}"),
        ("x-access-token", access[2]), ("x-access-token", access[3]),
        ("Cookie", f"{REFRESH}={refresh[4]}"), ("Cookie", f"{REFRESH}={refresh[5]}"),
    ])  # fmt: skip

    assert (answer.status_code, takes_back(answer)) == (204, BOTH)
    assert [await has_ended(database, person) for person in people] == [True] * 6


@ONE_DATABASE
@pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded", "text/plain", ""])
async def test_body_that_any_page_can_send_proves_nothing(api: Api, database: Database, media_type: str) -> None:
    person, other = await api.sign_up(), await api.sign_up("Other")

    answer = await api.client.post(
        SIGN_OUT,
        headers={"Content-Type": media_type, "Cookie": f"{REFRESH}={person.refresh_token}"},
        content=f'{{"refreshToken": "{other.refresh_token}"}}',
    )

    assert_problem(answer, 403, "cross_site_request")
    assert not await has_ended(database, person)
    assert not await has_ended(database, other)


@ONE_DATABASE
async def test_sign_out_that_two_pages_seem_to_send_is_refused(api: Api, database: Database) -> None:
    person = await api.sign_up()

    answer = await api.client.post(SIGN_OUT, headers=[
        *OUR_PAGE.items(), ("Origin", "https://evil.example"), ("Cookie", f"{REFRESH}={person.refresh_token}"),
    ])  # fmt: skip

    assert_problem(answer, 400, "repeated_parameter")
    assert not await has_ended(database, person)


FOREIGN = [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]


@ONE_DATABASE
@pytest.mark.parametrize("foreign", FOREIGN, ids=str)
async def test_page_of_another_site_neither_ends_a_session_nor_takes_a_cookie(
    api: Api, database: Database, foreign: dict[str, str]
) -> None:
    victim, stranger = await api.sign_up("Victim"), await api.sign_up("Stranger")
    cookies = {"Cookie": f"{ACCESS}={victim.access_token}; {REFRESH}={victim.refresh_token}"}

    by_cookie = await api.post(SIGN_OUT, headers={**cookies, **foreign})
    # As a form that is followed: `SameSite` keeps the cookies back, and the answer could still take them.
    without = await api.post(
        SIGN_OUT, headers={**foreign, "Content-Type": "application/x-www-form-urlencoded"}, content=b""
    )
    beside = await api.post(SIGN_OUT, headers={**cookies, **foreign, **bearer(stranger.access_token)})

    assert_problem(by_cookie, 403, "cross_site_request")
    assert (without.status_code, beside.status_code) == (204, 204)
    for answer in (by_cookie, without, beside):
        assert takes_back(answer) == set()
    assert not await has_ended(database, victim)
    assert await has_ended(database, stranger)


@ONE_DATABASE
@pytest.mark.parametrize("path", [SIGN_OUT, "/api/auth/refreshtoken"])
async def test_busy_database_leaves_the_cookies_for_another_try(api: Api, database: Database, path: str) -> None:
    person = await api.sign_up()
    cookies = {"Cookie": f"{REFRESH}={person.refresh_token}", **OUR_PAGE}

    def busy(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "sessions" in statement:
            raise DatabaseUnavailable

    event.listen(database.engine.sync_engine, "before_cursor_execute", busy)
    answer = await api.post(path, headers=cookies)
    event.remove(database.engine.sync_engine, "before_cursor_execute", busy)

    assert_problem(answer, 503, "database_unavailable")
    assert takes_back(answer) == set()
    assert (await api.post(path, headers=cookies)).is_success


async def test_own_device_that_is_ended_by_its_id_loses_its_cookies(api: Api) -> None:
    here = await api.sign_up()
    elsewhere = await api.sign_in()

    other = await api.delete(f"/api/auth/sessions/{session_id(elsewhere.access_token)}", headers=here.headers)
    own = await api.delete(f"/api/auth/sessions/{session_id(here.access_token)}", headers=here.headers)

    assert (other.status_code, takes_back(other)) == (204, set())
    assert (own.status_code, takes_back(own)) == (204, BOTH)


@ONE_DATABASE
@pytest.mark.parametrize("act", ["sign out everywhere", "end this session", "delete the account"])
@pytest.mark.parametrize("page", [OUR_PAGE, *FOREIGN], ids=str)
async def test_act_that_takes_cookies_back_ends_their_session_even_if_it_is_another_one(
    api: Api, database: Database, act: str, page: dict[str, str]
) -> None:
    caller, holder = await api.sign_up("Caller"), await api.sign_up("Holder")
    method, path, body = {
        "sign out everywhere": ("POST", "/api/auth/signout-all", None),
        "end this session": ("DELETE", f"/api/auth/sessions/{session_id(caller.access_token)}", None),
        "delete the account": ("DELETE", "/api/users/me", {"password": caller.password}),
    }[act]
    headers = {**caller.headers, "Cookie": f"{REFRESH}={holder.refresh_token}", **page}

    answer = await api.client.request(method, path, headers=headers, json=body)

    assert answer.is_success
    assert await has_ended(database, caller)
    is_ours = page is OUR_PAGE
    assert (takes_back(answer), await has_ended(database, holder)) == (BOTH if is_ours else set(), is_ours)


async def test_cookies_of_production_end_their_session_too(make_services: MakeServices) -> None:
    async with started(make_services(environment="production")) as app, http_client(app) as client:
        person = await Api(client).sign_up(password="a long pass phrase")
        cookies = {"Cookie": f"__Host-{ACCESS}=x.y.z; __Secure-{REFRESH}={person.refresh_token}", **OUR_PAGE}

        answer = await client.post(SIGN_OUT, headers={**cookies, "Sec-Fetch-Site": "same-origin"})

        assert (answer.status_code, takes_back(answer)) == (204, {f"__Host-{ACCESS}", f"__Secure-{REFRESH}"})
        assert_problem(await Api(client).refresh(person.refresh_token), 403, "refresh_token_invalid")


class OldClient:
    """A published cookie client: it refreshes at a 401 and signs out at a 403 of the refresh, each through itself."""

    def __init__(self, api: Api, cookies: dict[str, str]) -> None:
        self._api = api
        self._headers = {**cookies, **OUR_PAGE}
        self.calls: list[str] = []

    async def request(self, method: str, path: str) -> httpx.Response:
        assert len(self.calls) < 10, self.calls
        answer = await self._api.client.request(method, path, headers=self._headers)
        self.calls.append(f"{answer.status_code} {path.rpartition('/')[2]}")
        if answer.status_code != 401:
            return answer
        refreshed = await self.request("POST", "/api/auth/refreshtoken")
        if refreshed.status_code == 403:
            return await self.request("POST", SIGN_OUT)
        return await self.request(method, path)


DEAD: list[Any] = [
    pytest.param(f"{ACCESS}={{access}}; {REFRESH}={{refresh}}", id="both ended"),
    pytest.param(f"{ACCESS}={{access}}", id="access alone"),
    pytest.param(f"{REFRESH}={{refresh}}", id="refresh alone"),
    pytest.param(f"{ACCESS}=x; {REFRESH}=x", id="of nobody"),
    pytest.param("other=x", id="none"),
]


@ONE_DATABASE
@pytest.mark.parametrize("cookies", DEAD)
@pytest.mark.parametrize("start", [("POST", SIGN_OUT), ("GET", "/api/test/user"), ("POST", "/api/auth/refreshtoken")])
async def test_old_client_never_goes_round_in_circles(api: Api, cookies: str, start: tuple[str, str]) -> None:
    person = await api.sign_up()
    await api.post(SIGN_OUT, headers=person.headers)
    filled = cookies.format(access=person.access_token, refresh=person.refresh_token)

    client = OldClient(api, {"Cookie": filled})
    await client.request(*start)

    assert client.calls in (
        ["204 signout"],
        ["403 refreshtoken"],
        ["401 user", "403 refreshtoken", "204 signout"],
    )
