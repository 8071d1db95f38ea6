"""What a reverse proxy asks before it lets a request through."""

import httpx
import pytest
from sqlalchemy import URL

from tests.support.api import Api, assert_problem, bearer

CHECK = "/api/auth/check"


@pytest.fixture
def database_url(sqlite_url: URL) -> URL:
    """Return one database: what is asked here is not of it."""
    return sqlite_url


async def test_good_token_passes_with_who_it_is_in_headers(api: Api) -> None:
    person = await api.sign_up("Zoë Salami")

    answer = await api.get(CHECK, headers=person.headers)

    assert (answer.status_code, answer.content) == (204, b"")
    assert _person(answer) == {"x-user-id": str(person.id), "x-user-name": "Zo%C3%AB%20Salami", "x-user-roles": "user"}
    assert answer.headers["cache-control"] == "no-store"


async def test_role_that_is_needed_is_checked(api: Api) -> None:
    person = await api.sign_up()

    assert (await api.get(CHECK, params={"role": "user"}, headers=person.headers)).status_code == 204
    refused = await api.get(CHECK, params={"role": "admin"}, headers=person.headers)

    assert_problem(refused, 403, "role_required")
    assert _person(refused) == {}


@pytest.mark.parametrize("headers", [{}, bearer("x"), {"x-access-token": "x"}])
async def test_request_without_a_good_token_is_401(api: Api, headers: dict[str, str]) -> None:
    answer = await api.get(CHECK, headers=headers)

    assert_problem(answer, 401, "token_invalid" if headers else "token_missing")
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert _person(answer) == {}


async def test_ended_session_does_not_pass(api: Api) -> None:
    person = await api.sign_up()
    await api.post("/api/auth/signout", headers=person.headers)

    assert_problem(await api.get(CHECK, headers=person.headers), 401, "token_revoked")


ASKED_BY = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
METHOD_OF = ["X-Original-Method", "X-Forwarded-Method"]


@pytest.mark.parametrize("asked_by", ASKED_BY)
async def test_proxy_asks_by_any_method_and_with_any_body(api: Api, asked_by: str) -> None:
    person = await api.sign_up()
    picture = {**person.headers, "Content-Type": "image/png"}

    passed = await api.client.request(asked_by, CHECK, content=b"\x00no JSON", headers=picture)
    refused = await api.client.request(asked_by, CHECK, params={"role": "admin"}, headers=person.headers)
    nobody = await api.client.request(asked_by, CHECK, headers={"Origin": "http://localhost:8081"})

    assert (passed.status_code, passed.content) == (204, b"")
    assert passed.headers["x-user-id"] == str(person.id)
    assert (refused.status_code, nobody.status_code) == (403, 401)


async def test_preflight_that_a_proxy_asks_about_is_not_let_through_by_our_own_answer(api: Api) -> None:
    preflight = {"Origin": "http://localhost:8081", "Access-Control-Request-Method": "POST"}

    assert_problem(await api.client.options(CHECK, headers=preflight), 401, "token_missing")


@pytest.mark.parametrize("asked_by", ASKED_BY)
async def test_cookie_from_anywhere_passes_only_where_the_proxy_says_that_the_request_only_looks(
    api: Api, asked_by: str
) -> None:
    person = await api.sign_up()
    cookie = {"Cookie": f"gatepost_access={person.access_token}"}

    silent = await api.client.request(asked_by, CHECK, headers=cookie)
    from_ours = await api.client.request(asked_by, CHECK, headers={**cookie, "Sec-Fetch-Site": "same-origin"})
    looks = await api.client.request(asked_by, CHECK, headers={**cookie, "X-Forwarded-Method": "GET"})

    assert silent.status_code == 403
    assert from_ours.status_code == 204
    # Asked by a method that changes something, what a header says of another is not enough.
    assert looks.status_code == (204 if asked_by in ("GET", "HEAD", "OPTIONS") else 403)


@pytest.mark.parametrize(
    "headers",
    [
        [("X-Original-Method", "GET"), ("X-Forwarded-Method", "POST")],
        [("X-Original-Method", "POST"), ("X-Forwarded-Method", "GET")],
        [("X-Original-Method", "POST"), ("X-Original-Method", "GET")],
        [("X-Forwarded-Method", "GET"), ("X-Forwarded-Method", "DELETE")],
        [("X-Forwarded-Method", "GET"), ("X-Forwarded-Method", "get")],
        [("X-Forwarded-Method", "GET"), ("X-Original-Uri", "/a"), ("X-Forwarded-Uri", "/b")],
    ],
)
async def test_headers_that_tell_of_two_requests_are_refused(api: Api, headers: list[tuple[str, str]]) -> None:
    person = await api.sign_up()
    ours = [("Origin", "http://localhost:8081")]
    for proof in (("Cookie", f"gatepost_access={person.access_token}"), ("x-access-token", person.access_token)):
        assert_problem(await api.get(CHECK, headers=[proof, *ours, *headers]), 403, "ambiguous_original_request")


@pytest.mark.parametrize("header", METHOD_OF)
async def test_method_of_an_original_request_counts_for_the_check_alone(api: Api, header: str) -> None:
    person = await api.sign_up()
    cookie = {"Cookie": f"gatepost_access={person.access_token}", "Origin": "https://elsewhere.example"}

    forged = await api.post("/api/auth/signout-others", headers={**cookie, header: "GET"})
    looked = await api.get("/api/test/user", headers={**cookie, header: "POST"})

    assert_problem(forged, 403, "cross_site_request")
    assert looked.status_code == 200


@pytest.mark.parametrize("header", METHOD_OF)
@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "anything", "get", "GET, POST", "GET POST", ""])
async def test_cookie_from_another_site_does_not_pass_for_a_request_that_changes_something(
    api: Api, method: str, header: str
) -> None:
    person = await api.sign_up()
    headers = {"Cookie": f"gatepost_access={person.access_token}", header: method}

    assert_problem(await api.get(CHECK, headers=headers), 403, "cross_site_request")
    forged = await api.get(CHECK, headers={**headers, "Origin": "https://elsewhere.example"})
    assert_problem(forged, 403, "cross_site_request")
    ours = await api.get(CHECK, headers={**headers, "Origin": "http://localhost:8081"})
    assert ours.status_code == 204
    by_header = await api.get(CHECK, headers={**person.headers, header: method})
    assert by_header.status_code == 204


@pytest.mark.parametrize("header", METHOD_OF)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_cookie_passes_for_a_request_that_only_looks(api: Api, method: str, header: str) -> None:
    person = await api.sign_up()
    headers = {"Cookie": f"gatepost_access={person.access_token}", header: method}

    assert (await api.get(CHECK, headers=headers)).status_code == 204


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="},
        {"Sec-WebSocket-Version": "13"},
        {"Sec-Fetch-Mode": "websocket"},
        {"Upgrade": "websocket"},
        {"Upgrade": "anything"},
    ],
)
@pytest.mark.parametrize("header", METHOD_OF)
async def test_request_that_opens_a_connection_does_not_only_look(
    api: Api, headers: dict[str, str], header: str
) -> None:
    person = await api.sign_up()
    cookie = {"Cookie": f"gatepost_access={person.access_token}", header: "GET"}

    for origin in ({}, {"Origin": "http://sibling.example", "Sec-Fetch-Site": "same-site"}, {"Origin": "null"}):
        assert_problem(await api.get(CHECK, headers={**cookie, **headers, **origin}), 403, "cross_site_request")
    for origin in ({"Origin": "http://localhost:8081"}, {"Sec-Fetch-Site": "same-origin"}):
        assert (await api.get(CHECK, headers={**cookie, **headers, **origin})).status_code == 204
    assert (await api.get(CHECK, headers={**person.headers, **headers, header: "GET"})).status_code == 204
    assert (await api.get(CHECK, headers={**cookie, "Sec-Fetch-Mode": "navigate"})).status_code == 204


# What Chromium sends where somebody types the address of a page, and where they follow a link of another site.
OPENING: dict[str, str] = {
    "Upgrade-Insecure-Requests": "1", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-User": "?1",
    "Sec-Fetch-Dest": "document",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "Cache-Control": "max-age=0",
    "sec-ch-ua-mobile": "?0", "sec-ch-ua-platform": '"Linux"', "Priority": "u=0, i",
}  # fmt: skip


@pytest.mark.parametrize("site", ["none", "cross-site", "same-site"])
@pytest.mark.parametrize("header", METHOD_OF)
async def test_page_that_a_browser_opens_is_let_through(api: Api, header: str, site: str) -> None:
    person = await api.sign_up()
    cookie = {"Cookie": f"gatepost_access={person.access_token}", header: "GET"}

    assert (await api.get(CHECK, headers={**cookie, **OPENING, "Sec-Fetch-Site": site})).status_code == 204


@pytest.mark.parametrize("name", ["X_User_Id", "x_user-name", "X-User_Roles", "X.User.Id", "x~user~roles", "X-User_ID"])
async def test_header_that_an_app_may_take_for_our_word_is_refused(api: Api, name: str) -> None:
    person = await api.sign_up()

    refused = await api.get(CHECK, headers={**person.headers, name: "98"})

    assert_problem(refused, 403, "ambiguous_original_request")
    assert _person(refused) == {}
    assert (await api.get(CHECK, headers={**person.headers, "X-User-Id": "98", "X_User": "98"})).status_code == 204


@pytest.mark.parametrize(
    ("path", "headers", "code"),
    [
        (CHECK, [("x-access-token", "a"), ("x-access-token", "b")], "repeated_parameter"),
        (CHECK, [("Authorization", "Bearer a"), ("Authorization", "Bearer b")], "repeated_parameter"),
        (CHECK, [("Cookie", "a=b"), ("Cookie", "a=b")], "repeated_parameter"),
        (CHECK, [("Content-Length", "70000")], "body_too_large"),
        (CHECK, [("Content-Length", "x")], "malformed_body"),
        (f"{CHECK}?role=a&role=b", [], "repeated_parameter"),
        (f"{CHECK}?role={'a' * 65}", [], "validation_failed"),
    ],
)
async def test_nothing_that_a_client_sends_is_an_error_of_the_proxy(
    api: Api, path: str, headers: list[tuple[str, str]], code: str
) -> None:
    person = await api.sign_up()
    proof = [] if headers and headers[0][0] == "x-access-token" else [("x-access-token", person.access_token)]

    assert_problem(await api.get(path, headers=[*proof, *headers]), 403, code)


def _person(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("x-user-")}
