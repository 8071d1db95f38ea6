"""A sign-in on a browser that is signed in: the cookies are replaced, and the session that they were of ends."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from gatepost.core.db.database import Database
from gatepost.identity.sessions.models import Session
from gatepost.identity.sessions.revocation import MOST_SESSION_LINES
from tests.conftest import MakeServices, http_client, started
from tests.support.api import PASSWORD, Api, Person, assert_problem
from tests.support.cookies import ACCESS, OUR_PAGE, REFRESH, cookies_of
from tests.support.workers import session_id

SIGN_IN, SIGN_UP, TOKEN = "/api/auth/signin", "/api/auth/signup", "/api/auth/token"


def cookies(person: Person, *names: str) -> dict[str, str]:
    """Return the header with the cookies of a session, both or those that are named."""
    values = {ACCESS: person.access_token, REFRESH: person.refresh_token}
    return {"Cookie": "; ".join(f"{name}={values[name]}" for name in names or values)}


async def end_reason(database: Database, person: Person) -> str | None:
    """Return why the session of these tokens has ended, or None while it goes on."""
    async with database.read() as tx:
        return (await tx.get_one(Session, session_id(person.access_token))).end_reason


async def sign_in(api: Api, username: str, headers: dict[str, str], query: str = "") -> httpx.Response:
    """Sign in with cookies."""
    body = {"username": username, "password": PASSWORD}
    answer = await api.post(f"{SIGN_IN}{query}", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize("names", [(), (ACCESS,), (REFRESH,)], ids=["both", "access alone", "refresh alone"])
@pytest.mark.parametrize("username", ["Abbey Salami", "Somebody Else"])
async def test_sign_in_ends_the_session_of_the_cookies_that_it_replaces(
    api: Api, database: Database, username: str, names: tuple[str, ...]
) -> None:
    older, elsewhere = await api.sign_up(), await api.sign_in()
    await api.sign_up("Somebody Else")

    answer = await sign_in(api, username, {**cookies(older, *names), **OUR_PAGE})

    assert await end_reason(database, older) == "replaced"
    assert_problem(await api.user_board(older.access_token), 401, "token_revoked")
    assert await end_reason(database, elsewhere) is None
    assert (await api.user_board(answer.json()["accessToken"])).status_code == 200


async def test_program_that_keeps_cookies_leaves_no_session_behind(api: Api, database: Database) -> None:
    older = await api.sign_up()

    await sign_in(api, older.username, cookies(older))

    assert await end_reason(database, older) == "replaced"


async def test_token_of_a_sign_in_is_good_however_many_sessions_of_the_account_have_ended(api: Api) -> None:
    person = await api.sign_up()
    for number in range(MOST_SESSION_LINES + 3):
        answer = await sign_in(api, person.username, {**cookies(person), **OUR_PAGE})
        body = answer.json()
        person = replace(person, access_token=body["accessToken"], refresh_token=body["refreshToken"])

        assert (await api.user_board(person.access_token)).status_code == 200, number


async def test_wrong_password_ends_nothing(api: Api, database: Database) -> None:
    older = await api.sign_up()
    body = {"username": older.username, "password": "wrong horse"}

    answer = await api.post(SIGN_IN, json=body, headers={**cookies(older), **OUR_PAGE})

    assert_problem(answer, 401, "invalid_credentials")
    assert await end_reason(database, older) is None


@pytest.mark.parametrize(
    "foreign",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "same-site"}],
    ids=str,
)
async def test_page_of_another_site_ends_nothing(api: Api, database: Database, foreign: dict[str, str]) -> None:
    victim = await api.sign_up("Victim")
    await api.sign_up("Stranger")

    await sign_in(api, "Stranger", {**cookies(victim), **foreign})
    form = {"grant_type": "password", "username": "Stranger", "password": PASSWORD}
    await api.post(TOKEN, data=form, headers={**cookies(victim), **foreign})

    assert await end_reason(database, victim) is None


@pytest.mark.parametrize(
    ("setting", "query", "ends"), [("body", "", False), ("body", "?transport=cookie", True), ("cookie", "", True)]
)
async def test_sign_in_that_sets_no_cookies_replaces_none(
    make_services: MakeServices, setting: str, query: str, ends: bool
) -> None:
    services = make_services(token_transport="both")
    async with started(services) as app, http_client(app) as client:
        older = await Api(client).sign_up()
    async with started(make_services(token_transport=setting)) as app, http_client(app) as client:
        answer = await sign_in(Api(client), older.username, {**cookies(older), **OUR_PAGE}, query)

    assert bool(cookies_of(answer)) == ends
    assert (await end_reason(services.platform.database, older) == "replaced") == ends


@pytest.mark.parametrize(("query", "ends"), [("", False), ("?transport=cookie", True)])
async def test_sign_up_replaces_cookies_only_where_it_sets_them(
    api: Api, database: Database, query: str, ends: bool
) -> None:
    older = await api.sign_up()
    body = {"username": "Second", "email": "second@example.com", "password": PASSWORD}

    answer = await api.post(f"{SIGN_UP}{query}", json=body, headers={**cookies(older), **OUR_PAGE})

    assert answer.status_code == 201
    assert (await end_reason(database, older) == "replaced") == ends


async def test_sign_up_that_fails_ends_nothing(api: Api, database: Database) -> None:
    older = await api.sign_up()
    body = {"username": older.username, "email": "second@example.com", "password": PASSWORD}

    answer = await api.post(f"{SIGN_UP}?transport=cookie", json=body, headers={**cookies(older), **OUR_PAGE})

    assert_problem(answer, 400, "username_taken")
    assert await end_reason(database, older) is None


async def test_form_that_sets_no_cookies_of_a_session_ends_none(api: Api, database: Database) -> None:
    older = await api.sign_up()
    form = {"grant_type": "password", "username": older.username, "password": PASSWORD}

    answer = await api.post(TOKEN, data=form, headers={**cookies(older), **OUR_PAGE})

    assert answer.status_code == 200
    assert await end_reason(database, older) is None


FOREIGN_FORMS: list[Any] = [
    pytest.param({"Origin": "https://evil.example"}, False, id="another site"),
    pytest.param({"Origin": "null"}, False, id="sandboxed frame"),
    pytest.param({"Sec-Fetch-Site": "cross-site"}, False, id="cross-site"),
    pytest.param({"Sec-Fetch-Site": "same-site", "Origin": "https://evil.example"}, False, id="sibling"),
    pytest.param({"Sec-Fetch-Site": "none"}, False, id="no page"),
    pytest.param(OUR_PAGE, True, id="allowed origin"),
    pytest.param({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:8080"}, True, id="own page"),
    pytest.param({}, True, id="program"),
]


@pytest.mark.parametrize(("headers", "is_given"), FOREIGN_FORMS)
async def test_form_of_another_site_gets_no_device_cookie(api: Api, headers: dict[str, str], is_given: bool) -> None:
    person = await api.sign_up()
    form = {"grant_type": "password", "username": person.username, "password": PASSWORD}

    answer = await api.post(TOKEN, data=form, headers=headers)

    assert answer.status_code == 200
    names = [cookie.partition("=")[0] for cookie in answer.headers.get_list("set-cookie")]
    assert names == (["gatepost_device"] if is_given else [])


async def test_form_of_a_sibling_site_does_not_use_up_the_guesses_of_the_device(api: Api) -> None:
    person = await api.sign_up()
    signed_in = await api.post(SIGN_IN, json={"username": person.username, "password": PASSWORD})
    (device,) = [text for text in signed_in.headers.get_list("set-cookie") if "device" in text]
    known = {"Cookie": device.partition(";")[0]}
    form = {"grant_type": "password", "username": person.username, "password": "wrong horse"}
    for _ in range(6):
        await api.post(TOKEN, data=form, headers={**known, "Origin": "https://evil.example"})

    await sign_in(api, person.username, known)


SIMPLE: list[Any] = [
    pytest.param("text/plain", id="text"),
    pytest.param("text/plain; application/json", id="text that names JSON"),
    pytest.param("application/x-www-form-urlencoded", id="form"),
    pytest.param("application/x-www-form-urlencoded; charset=application/json", id="form that names JSON"),
    pytest.param("multipart/form-data; boundary=x", id="multipart"),
    pytest.param("", id="nothing"),
]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("content_type", SIMPLE)
@pytest.mark.parametrize("path", [SIGN_IN, f"{SIGN_UP}?transport=cookie", "/api/auth/refreshtoken"])
async def test_json_that_needs_no_preflight_sets_no_cookie(api: Api, path: str, content_type: str) -> None:
    person = await api.sign_up("Stranger")
    body: dict[str, str] = {"username": "Stranger", "password": PASSWORD}
    if "signup" in path:
        body = {"username": "Other", "email": "other@example.com", "password": PASSWORD}
    if "refresh" in path:
        body = {"refreshToken": person.refresh_token}
    headers = {"Content-Type": content_type, "Origin": "https://evil.example"}

    answer = await api.post(path, content=json.dumps(body), headers=headers)

    assert answer.status_code in (415, 422), answer.text
    assert "set-cookie" not in answer.headers
