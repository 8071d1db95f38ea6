"""Whoever has the password of an account with a second factor uses up no sign-in of its owner."""

import pytest
from sqlalchemy import func, select

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.assurance.models import PendingSignIn
from tests.conftest import MakeServices
from tests.features.throttling.conftest import MakeApi
from tests.support.api import Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.factors import App, begin_sign_in, go_on, pending_token

ELSEWHERE = "198.51.100.200"


@pytest.fixture
def services(make_services: MakeServices) -> Services:
    return make_services(signin_rate="3/minute")


async def use_up(api_from: MakeApi, person: Person) -> None:
    """Sign in by the password from many addresses until no more of it is looked at."""
    for number in range(3):
        await pending_token(api_from(f"198.51.100.{number}"), person)
    assert_problem(await begin_sign_in(api_from("198.51.100.9"), person), 429, "too_many_requests")


async def test_thief_gets_no_more_pending_sign_ins_than_the_rate_allows(
    api_from: MakeApi, database: Database, person: Person, app_of_person: App
) -> None:
    await use_up(api_from, person)

    by_address = await api_from(ELSEWHERE).post(
        "/api/auth/signin", json={"email": person.email, "password": person.password}
    )
    form = {"grant_type": "password", "username": person.username, "password": person.password}

    assert_problem(by_address, 429, "too_many_requests")
    assert (await api_from(ELSEWHERE).post("/api/auth/token", data=form)).status_code == 429
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(PendingSignIn)) == 3


async def test_owner_signs_in_at_home_and_on_a_device_of_theirs(
    api: Api, api_from: MakeApi, person: Person, app_of_person: App, clock: FakeClock
) -> None:
    device = {"X-Device-Token": ""}
    first = await go_on(api, await pending_token(api, person), app_of_person.code(clock.now()), **device)
    device = {"X-Device-Token": first.headers["X-Device-Token"]}
    clock.advance(minutes=1)

    await use_up(api_from, person)

    at_home = await go_on(api, await pending_token(api, person), app_of_person.recovery_codes[0], "recovery_code")
    assert at_home.status_code == 200
    away = api_from(ELSEWHERE)
    begun = await begin_sign_in(away, person, **device)
    assert begun.json()["code"] == "second_factor_required"
    assert (
        await go_on(away, begun.json()["pendingToken"], app_of_person.code(clock.now()), **device)
    ).status_code == 200


async def test_device_has_a_rate_of_its_own(api: Api, person: Person, app_of_person: App, clock: FakeClock) -> None:
    device = {"X-Device-Token": ""}
    first = await go_on(api, await pending_token(api, person), app_of_person.code(clock.now()), **device)
    device = {"X-Device-Token": first.headers["X-Device-Token"]}
    for _ in range(3):
        assert_problem(await begin_sign_in(api, person, **device), 401, "second_factor_required")

    assert_problem(await begin_sign_in(api, person, **device), 429, "too_many_requests")
    assert_problem(await begin_sign_in(api, person), 401, "second_factor_required")
