"""What a reverse proxy asks before it lets a request through."""

import httpx
import pytest

from tests.support.api import Api, assert_problem, bearer

CHECK = "/api/auth/check"


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


async def test_token_in_a_cookie_passes(api: Api) -> None:
    person = await api.sign_up()

    answer = await api.get(CHECK, headers={"Cookie": f"gatepost_access={person.access_token}"})

    assert answer.status_code == 204


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "anything"])
async def test_cookie_from_another_site_does_not_pass_for_a_request_that_changes_something(
    api: Api, method: str
) -> None:
    person = await api.sign_up()
    headers = {"Cookie": f"gatepost_access={person.access_token}", "X-Original-Method": method}

    assert_problem(await api.get(CHECK, headers=headers), 403, "cross_site_request")
    forged = await api.get(CHECK, headers={**headers, "Origin": "https://elsewhere.example"})
    assert_problem(forged, 403, "cross_site_request")
    ours = await api.get(CHECK, headers={**headers, "Origin": "http://localhost:8081"})
    assert ours.status_code == 204
    by_header = await api.get(CHECK, headers={**person.headers, "X-Original-Method": method})
    assert by_header.status_code == 204


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_cookie_passes_for_a_request_that_only_looks(api: Api, method: str) -> None:
    person = await api.sign_up()
    headers = {"Cookie": f"gatepost_access={person.access_token}", "X-Original-Method": method}

    assert (await api.get(CHECK, headers=headers)).status_code == 204


def _person(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("x-user-")}
