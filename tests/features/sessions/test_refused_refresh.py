"""What a refused refresh does to the cookies that it came with."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from gatepost.composition.services import Services
from gatepost.identity.accounts.models import User
from gatepost.identity.sessions.models import Session
from tests.conftest import MakeServices, http_client, started
from tests.support.api import PASSWORD, Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.cookies import ACCESS, OUR_PAGE, REFRESH, cookies_of, takes_back
from tests.support.workers import session_id

REFRESH_PATH = "/api/auth/refreshtoken"
BOTH = {ACCESS, REFRESH}


def cookies(person: Person) -> dict[str, str]:
    """Return what a page of ours sends with the cookies of a session."""
    return {"Cookie": f"{ACCESS}={person.access_token}; {REFRESH}={person.refresh_token}", **OUR_PAGE}


async def _end(api: Api, services: Services, clock: FakeClock, person: Person) -> None:
    await api.post("/api/auth/signout-all", headers=person.headers)


async def _run_out(api: Api, services: Services, clock: FakeClock, person: Person) -> None:
    clock.advance(days=30)


async def _use_twice(api: Api, services: Services, clock: FakeClock, person: Person) -> None:
    await api.refresh(person.refresh_token)
    clock.advance(seconds=11)


async def _disable(api: Api, services: Services, clock: FakeClock, person: Person) -> None:
    async with services.platform.database.begin() as tx:
        await tx.execute(update(User).where(User.id == person.id).values(disabled_at=clock.now()))


async def _change_password(api: Api, services: Services, clock: FakeClock, person: Person) -> None:
    elsewhere = await api.sign_in()
    body = {"currentPassword": PASSWORD, "newPassword": "another horse"}
    answer = await api.post("/api/auth/password/change", headers=elsewhere.headers, json=body)
    assert answer.status_code == 204, answer.text


async def _delete(api: Api, services: Services, clock: FakeClock, person: Person) -> None:
    elsewhere = await api.sign_in()
    answer = await api.client.request("DELETE", "/api/users/me", headers=elsewhere.headers, json={"password": PASSWORD})
    assert answer.status_code == 202, answer.text


Harm = Callable[[Api, Services, FakeClock, Person], Awaitable[None]]
REFUSED: list[Any] = [
    pytest.param(_end, "refresh_token_invalid", id="ended"),
    pytest.param(_run_out, "refresh_token_expired", id="expired"),
    pytest.param(_use_twice, "refresh_token_reused", id="used twice"),
    pytest.param(_disable, "account_disabled", id="disabled"),
    pytest.param(_change_password, "refresh_token_invalid", id="password changed"),
    pytest.param(_delete, "refresh_token_invalid", id="deletion planned"),
]


@pytest.mark.parametrize(("harm", "code"), REFUSED)
async def test_refused_cookie_is_taken_back_and_its_session_ended(
    api: Api, services: Services, clock: FakeClock, harm: Harm, code: str
) -> None:
    person = await api.sign_up()
    await harm(api, services, clock, person)

    answer = await api.post(REFRESH_PATH, headers=cookies(person))

    assert_problem(answer, 403, code)
    assert takes_back(answer) == BOTH
    async with services.platform.database.read() as tx:
        assert (await tx.get_one(Session, session_id(person.access_token))).ended_at is not None


@pytest.mark.parametrize("token", ["x", "gpr_1.0.forged", f"gpr_1.0.{'A' * 43}"])
async def test_forged_cookie_is_taken_back(api: Api, token: str) -> None:
    answer = await api.post(REFRESH_PATH, headers={"Cookie": f"{REFRESH}={token}", **OUR_PAGE})

    assert_problem(answer, 403, "refresh_token_invalid")
    assert takes_back(answer) == BOTH


async def test_refused_token_of_a_body_ends_what_the_cookies_hold(api: Api) -> None:
    person = await api.sign_up()

    answer = await api.post(REFRESH_PATH, headers=cookies(person), json={"refreshToken": "gpr_1.0.forged"})

    assert_problem(answer, 403, "refresh_token_invalid")
    assert takes_back(answer) == BOTH
    assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_invalid")


@pytest.mark.parametrize("sent", ["cookie", "body"])
async def test_page_of_another_site_takes_no_cookie_by_a_refused_refresh(api: Api, sent: str) -> None:
    person = await api.sign_up()
    body = {"refreshToken": "gpr_1.0.forged"} if sent == "body" else None

    answer = await api.post(REFRESH_PATH, headers={**cookies(person), "Origin": "https://evil.example"}, json=body)

    assert answer.status_code == 403
    assert takes_back(answer) == set()
    assert (await api.refresh(person.refresh_token)).status_code == 200


async def test_second_tab_within_the_grace_gets_the_same_cookies_and_loses_none(api: Api) -> None:
    person = await api.sign_up()

    tabs: list[httpx.Response] = [await api.post(REFRESH_PATH, headers=cookies(person)) for _ in range(2)]

    assert [answer.status_code for answer in tabs] == [200, 200]
    first, second = [cookies_of(answer)[REFRESH].value for answer in tabs]
    assert first == second != person.refresh_token


async def test_tab_that_is_late_takes_no_cookie_of_a_new_sign_in(api: Api) -> None:
    old = await api.sign_up()
    body = {"username": old.username, "password": PASSWORD}
    new = await api.post("/api/auth/signin", json=body, headers=cookies(old))
    assert cookies_of(new).keys() == BOTH

    late = await api.post(REFRESH_PATH, headers=cookies(old))

    assert_problem(late, 403, "refresh_token_invalid")
    assert takes_back(late) == set()
    by_body = await api.post(
        REFRESH_PATH,
        headers={"Cookie": f"{REFRESH}={new.json()['refreshToken']}", **OUR_PAGE},
        json={"refreshToken": old.refresh_token},
    )
    assert_problem(by_body, 403, "refresh_token_invalid")
    assert takes_back(by_body) == set()
    assert (await api.refresh(new.json()["refreshToken"])).status_code == 200


async def test_request_without_a_refresh_token_takes_no_cookie(api: Api) -> None:
    person = await api.sign_up()

    answer = await api.post(REFRESH_PATH, headers={"Cookie": f"{ACCESS}={person.access_token}", **OUR_PAGE})

    assert_problem(answer, 403, "refresh_token_required")
    assert takes_back(answer) == set()
    assert (await api.user_board(person.access_token)).status_code == 200


async def test_refresh_that_comes_too_often_takes_no_cookie(make_services: MakeServices) -> None:
    async with started(make_services(refresh_rate="1/hour")) as app, http_client(app) as client:
        person = await Api(client).sign_up()
        await client.post(REFRESH_PATH)

        answer = await client.post(REFRESH_PATH, headers=cookies(person))

        assert_problem(answer, 429, "too_many_requests")
        assert takes_back(answer) == set()
