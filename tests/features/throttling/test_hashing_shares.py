"""Passwords that wait to be hashed: nobody takes all the room, with wrong passwords or with right ones."""

import asyncio
import os
import threading
from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import URL

from gatepost.composition.services import Services
from tests.conftest import MakeServices, http_client, started
from tests.features.throttling.conftest import MakeApi
from tests.support.api import PASSWORD, Api, assert_problem, bearer
from tests.support.clock import FakeClock

STRANGER = "198.51.100.1"
CORES = len(os.sched_getaffinity(0))


@pytest.fixture
def database_url(sqlite_url: URL) -> URL:
    """Return one database: it does not hash."""
    return sqlite_url


@pytest.fixture
def services(make_services: MakeServices) -> Services:
    return make_services(password_queue_size=6, signin_rate="3/minute")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


def credentials(name: str, password: str = PASSWORD) -> dict[str, str]:
    return {"username": name, "password": password}


@pytest.mark.parametrize("address", [STRANGER, "203.0.113.7"], ids=["elsewhere", "behind the same address"])
async def test_right_passwords_of_one_person_at_once_leave_room_for_another(
    api: Api, api_from: MakeApi, services: Services, address: str
) -> None:
    await api.sign_up("greedy")
    await api.sign_up("other")
    line, held = services.platform.passwords.line, threading.Event()
    busy = [asyncio.create_task(line.run(partial(held.wait))) for _ in range(CORES)]

    crowd = [asyncio.create_task(api.post("/api/auth/signin", json=credentials("greedy"))) for _ in range(60)]
    await until(lambda: line.waiting == 6 and sum(task.done() for task in crowd) == 54)
    other = asyncio.create_task(api_from(address).post("/api/auth/signin", json=credentials("other")))
    # The crowd has given a place.
    await until(lambda: sum(task.done() for task in crowd) == 55)
    held.set()

    assert (await other).status_code == 200
    answers = await asyncio.gather(*crowd)
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [503] * 55
    assert {answer.json()["code"] for answer in answers if answer.is_error} == {"hashing_busy"}
    await asyncio.gather(*busy)


async def test_unknown_names_wait_in_turns_of_their_own_as_known_ones_do(api: Api, services: Services) -> None:
    await api.sign_up("known")
    line, held = services.platform.passwords.line, threading.Event()
    busy = [asyncio.create_task(line.run(partial(held.wait))) for _ in range(CORES)]
    ahead = []

    for name in ("known", "unknown"):
        crowd = [asyncio.create_task(api.post("/api/auth/signin", json=credentials(name))) for _ in range(3)]
        await until(lambda: line.waiting == 3)
        ahead.append(len(line._turns._rows["203.0.113.7"]))
        for task in crowd:
            task.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)
        await until(lambda: line.waiting == 0)

    held.set()
    await asyncio.gather(*busy)
    assert ahead == [1, 1]


async def test_right_passwords_of_one_account_are_limited_wherever_they_come_from(api: Api, api_from: MakeApi) -> None:
    await api.sign_up("greedy")
    await api.sign_up("other")
    for number in range(3):
        answer = await api_from(f"198.51.100.{number}").post("/api/auth/signin", json=credentials("greedy"))
        assert answer.status_code == 200

    for body in (credentials("greedy"), {"email": "GREEDY@example.com", "password": PASSWORD}):
        refused = await api_from("198.51.100.9").post("/api/auth/signin", json=body)
        assert_problem(refused, 429, "too_many_requests")
        assert 0 < int(refused.headers["retry-after"]) <= 60
    form = {"grant_type": "password", **credentials("greedy")}
    assert (await api.post("/api/auth/token", data=form)).status_code == 429
    assert (await api.post("/api/auth/signin", json=credentials("other"))).status_code == 200


async def test_wrong_passwords_leave_the_right_ones_of_the_account(api: Api, clock: FakeClock) -> None:
    await api.sign_up("somebody")
    for _ in range(4):
        assert_problem(
            await api.post("/api/auth/signin", json=credentials("somebody", "wrong horse")), 401, "invalid_credentials"
        )

    assert (await api.post("/api/auth/signin", json=credentials("somebody"))).status_code == 200


async def test_proving_oneself_again_and_again_is_limited_as_signing_in_is(api: Api) -> None:
    person = await api.sign_up("greedy")
    body = {"currentPassword": PASSWORD, "newPassword": PASSWORD}
    headers = bearer(person.access_token)
    for _ in range(3):
        assert (await api.post("/api/auth/password/change", json=body, headers=headers)).is_success

    assert_problem(await api.post("/api/auth/password/change", json=body, headers=headers), 429, "too_many_requests")
    assert_problem(await api.post("/api/auth/signin", json=credentials("greedy")), 429, "too_many_requests")


async def test_stolen_session_does_not_keep_its_owner_from_another_password(make_services: MakeServices) -> None:
    async with started(make_services(change_rate="2/hour")) as app, http_client(app) as client:
        api = Api(client)
        stolen = await api.sign_up("owner")
        for _ in range(3):
            await api.patch("/api/users/me", headers=stolen.headers, json={"language": "de"})
            body = {"currentPassword": "wrong horse", "newPassword": "another horse"}
            guessed = await api.post("/api/auth/password/change", headers=stolen.headers, json=body)
        owner = await api.sign_in("owner")
        body = {"currentPassword": PASSWORD, "newPassword": "another horse"}

        changed = await api.post("/api/auth/password/change", headers=owner.headers, json=body)

    assert_problem(guessed, 429, "too_many_requests")
    assert changed.status_code == 204
