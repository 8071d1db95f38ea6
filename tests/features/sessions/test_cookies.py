"""Tokens in cookies: how they are set, what decides, and requests that other sites forge."""

from typing import Any

import httpx
import pytest
from sqlalchemy import URL

from tests.conftest import MakeServices, http_client, started
from tests.support.api import PASSWORD, Api, assert_problem, bearer
from tests.support.cookies import ACCESS, OUR_PAGE, REFRESH, cookie_header, cookies_of

SIGN_IN = "/api/auth/signin"


@pytest.fixture
def database_url(sqlite_url: URL) -> URL:
    """Return one database: how tokens travel is the same on each."""
    return sqlite_url


async def sign_in(client: httpx.AsyncClient, path: str = SIGN_IN) -> httpx.Response:
    """Sign in as somebody who has just signed up."""
    sign_up = {"username": "Abbey Salami", "email": "abbey.salami@example.com", "password": PASSWORD}
    assert (await client.post("/api/auth/signup", json=sign_up)).status_code == 201
    answer = await client.post(path, json={"username": "Abbey Salami", "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return answer


async def test_cookies_are_out_of_reach_of_scripts_and_bound_to_their_paths(api: Api) -> None:
    answer = await sign_in(api.client)

    cookies = cookies_of(answer)
    assert cookies.keys() == {ACCESS, REFRESH}
    assert cookies[ACCESS].value == answer.json()["accessToken"]
    assert cookies[REFRESH].value == answer.json()["refreshToken"]
    assert (cookies[ACCESS]["path"], cookies[REFRESH]["path"]) == ("/", "/api/auth")
    assert (cookies[ACCESS]["max-age"], cookies[REFRESH]["max-age"]) == ("86400", "2592000")
    for cookie in cookies.values():
        assert (cookie["httponly"], cookie["samesite"], cookie["domain"]) == (True, "lax", "")


async def test_production_cookies_are_secure_and_bound_by_their_names(make_services: MakeServices) -> None:
    async with started(make_services(environment="production")) as app, http_client(app) as client:
        cookies = cookies_of(await sign_in(client))

    assert cookies.keys() == {"__Host-gatepost_access", "__Secure-gatepost_refresh"}
    for cookie in cookies.values():
        assert (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["domain"]) == (True, True, "lax", "")
    # The prefix __Host- is honoured for the path / alone.
    assert cookies["__Host-gatepost_access"]["path"] == "/"


@pytest.mark.parametrize("path", [f"{SIGN_IN}?transport=cookie", "/api/auth/signup?transport=cookie"])
async def test_request_may_ask_for_cookies_alone(api: Api, path: str) -> None:
    await api.sign_up("First")
    body = {"username": "First", "password": PASSWORD}
    if "signup" in path:
        body = {"username": "Second", "email": "second@example.com", "password": PASSWORD}

    answer = await api.post(path, json=body)

    assert cookies_of(answer).keys() == {ACCESS, REFRESH}
    assert (answer.json()["accessToken"], answer.json()["refreshToken"]) == (None, None)
    assert answer.json()["roles"] == ["ROLE_USER"]
    board = await api.get("/api/test/user", headers=cookie_header(answer))
    assert board.text == "User Content."


@pytest.mark.parametrize(
    ("setting", "query", "in_body", "in_cookies"),
    [
        ("body", "", True, False),
        ("cookie", "", False, True),
        ("both", "", True, True),
        ("body", "?transport=cookie", False, True),
        ("cookie", "?transport=body", False, True),
        ("both", "?transport=body", True, True),
    ],
)
async def test_setting_decides_how_tokens_travel(
    make_services: MakeServices, setting: str, query: str, in_body: bool, in_cookies: bool
) -> None:
    services = make_services(token_transport=setting)
    async with started(services) as app, http_client(app) as client:
        answer = await sign_in(client, f"{SIGN_IN}{query}")

    assert (answer.json()["accessToken"] is not None) == in_body
    assert bool(cookies_of(answer)) == in_cookies


@pytest.mark.parametrize("query", ["", "?transport=body", "?transport=both"])
@pytest.mark.parametrize("setting", ["body", "cookie", "both"])
async def test_sign_up_sets_no_cookie_that_nobody_asked_for(
    make_services: MakeServices, setting: str, query: str
) -> None:
    services = make_services(token_transport=setting)
    async with started(services) as app, http_client(app) as client:
        sign_up = {"username": "Abbey", "email": "abbey@example.com", "password": PASSWORD}
        answer = await client.post(f"/api/auth/signup{query}", json=sign_up)

    assert answer.status_code == 201
    assert "set-cookie" not in answer.headers
    assert (answer.json()["accessToken"] is None) == (setting == "cookie")


async def test_unknown_transport_is_refused(api: Api) -> None:
    answer = await api.post(f"{SIGN_IN}?transport=pigeon", json={"username": "x", "password": "x"})

    assert_problem(answer, 422, "validation_failed")


async def test_browser_stays_signed_in_by_cookies_alone(api: Api) -> None:
    signed_in = await sign_in(api.client, f"{SIGN_IN}?transport=cookie")

    refreshed = await api.post("/api/auth/refreshtoken", headers={**cookie_header(signed_in), **OUR_PAGE})

    assert refreshed.status_code == 200
    assert (refreshed.json()["accessToken"], refreshed.json()["refreshToken"]) == (None, None)
    assert cookies_of(refreshed)[REFRESH].value != cookies_of(signed_in)[REFRESH].value
    board = await api.get("/api/test/user", headers=cookie_header(refreshed))
    assert board.text == "User Content."


async def test_token_in_the_body_wins_over_the_cookie(api: Api) -> None:
    signed_in = await sign_in(api.client)
    forged = {"Cookie": f"{REFRESH}=gpr_1.0.forged", **OUR_PAGE}

    answer = await api.post(
        "/api/auth/refreshtoken", json={"refreshToken": signed_in.json()["refreshToken"]}, headers=forged
    )

    assert answer.status_code == 200
    assert answer.json()["refreshToken"] is not None


@pytest.mark.parametrize("sent", [REFRESH, ACCESS, "both"])
async def test_sign_out_by_cookie_takes_both_cookies_back(api: Api, sent: str) -> None:
    signed_in = await sign_in(api.client)
    body, cookies = signed_in.json(), cookies_of(signed_in)
    wanted = (ACCESS, REFRESH) if sent == "both" else (sent,)
    header = {"Cookie": "; ".join(f"{name}={cookies[name].value}" for name in wanted)}

    answer = await api.post("/api/auth/signout", headers={**header, **OUR_PAGE})

    assert answer.status_code == 204
    cleared = cookies_of(answer)
    assert {name: (cookie.value, cookie["max-age"]) for name, cookie in cleared.items()} == {
        ACCESS: ("", "0"),
        REFRESH: ("", "0"),
    }
    assert (cleared[ACCESS]["path"], cleared[REFRESH]["path"]) == ("/", "/api/auth")
    assert_problem(await api.user_board(body["accessToken"]), 401, "token_revoked")
    assert_problem(await api.refresh(body["refreshToken"]), 403, "refresh_token_invalid")


async def test_sign_out_of_all_takes_both_cookies_back(api: Api) -> None:
    signed_in = await sign_in(api.client)

    answer = await api.post("/api/auth/signout-all", headers=bearer(signed_in.json()["accessToken"]))

    assert {cookie["max-age"] for cookie in cookies_of(answer).values()} == {"0"}


FORGERIES: list[Any] = [
    pytest.param({}, id="no header at all"),
    pytest.param({"Origin": "https://evil.example"}, id="another site"),
    pytest.param({"Origin": "null"}, id="sandboxed frame"),
    pytest.param({"Origin": "http://localhost:8081.evil.example"}, id="our origin as a prefix"),
    pytest.param({"Origin": "http://127.0.0.2:8081"}, id="another address of this machine"),
    pytest.param({"Origin": "ftp://localhost:8081"}, id="another scheme"),
    pytest.param({"Origin": ""}, id="empty origin"),
    pytest.param({"Sec-Fetch-Site": "cross-site"}, id="fetched from another site"),
    pytest.param({"Sec-Fetch-Site": "same-site"}, id="fetched from a sibling domain"),
    pytest.param({"Sec-Fetch-Site": "none"}, id="typed by hand"),
    pytest.param({"Referer": "http://localhost:8081/"}, id="referer alone"),
]


@pytest.mark.parametrize("headers", FORGERIES)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/auth/refreshtoken"),
        ("POST", "/api/auth/signout"),
        ("POST", "/api/auth/signout-all"),
        ("POST", "/api/auth/signout-others"),
        ("DELETE", "/api/auth/sessions/1"),
    ],
)
async def test_other_sites_change_nothing(api: Api, method: str, path: str, headers: dict[str, str]) -> None:
    signed_in = await sign_in(api.client)

    answer = await api.client.request(method, path, headers={**cookie_header(signed_in), **headers})

    assert_problem(answer, 403, "cross_site_request")
    assert (await api.user_board(signed_in.json()["accessToken"])).status_code == 200
    assert (await api.refresh(signed_in.json()["refreshToken"])).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [OUR_PAGE, {"Origin": "http://localhost:8080"}, {"Sec-Fetch-Site": "same-origin"}],
    ids=["allowed origin", "the service's own origin", "same origin"],
)
async def test_our_pages_change_what_they_ask_for(api: Api, headers: dict[str, str]) -> None:
    signed_in = await sign_in(api.client)

    answer = await api.post("/api/auth/signout-others", headers={**cookie_header(signed_in), **headers})

    assert answer.status_code == 204


async def test_header_needs_no_origin_where_a_cookie_does(api: Api) -> None:
    signed_in = await sign_in(api.client)
    headers = {**cookie_header(signed_in), "Authorization": f"Bearer {signed_in.json()['accessToken']}"}

    assert (await api.post("/api/auth/signout-others", headers=headers)).status_code == 204


async def test_cookies_of_development_are_not_read_in_production(make_services: MakeServices) -> None:
    async with started(make_services(environment="production")) as app, http_client(app) as client:
        token = (await sign_in(client)).json()["accessToken"]
        under_the_other_name = await client.get("/api/test/user", headers={"Cookie": f"{ACCESS}={token}"})
        under_its_name = await client.get("/api/test/user", headers={"Cookie": f"__Host-{ACCESS}={token}"})

    assert_problem(under_the_other_name, 401, "token_missing")
    assert under_its_name.status_code == 200
