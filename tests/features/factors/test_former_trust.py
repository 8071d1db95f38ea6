"""What is left of a device's former trust once it is trusted again or no longer trusted."""

import httpx
import pytest
from sqlalchemy import func, select

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.assurance.models import TrustedDevice
from tests.features.factors.test_trusted_devices import HEADER, trust, trusted  # noqa: F401  a fixture
from tests.support.api import Api, Person, assert_problem, bearer
from tests.support.clock import FakeClock
from tests.support.factors import ME, App, begin_sign_in, go_on, pending_token


@pytest.mark.both_databases
async def test_session_of_a_trusted_device_ends_with_the_trust_of_all(
    api: Api,
    services: Services,
    person: Person,
    app_of_person: App,
    trusted: str,  # noqa: F811
    clock: FakeClock,
) -> None:
    clock.advance(minutes=2)
    await services.identity.revocations.poll()
    there = (await begin_sign_in(api, person, **{HEADER: trusted})).json()
    shown = (await go_on(api, await pending_token(api, person), app_of_person.code(clock.now()))).json()

    answer = await api.post(f"{ME}/recovery-codes", headers=bearer(shown["accessToken"]))

    assert answer.status_code == 200
    assert_problem(await api.refresh(there["refreshToken"]), 403, "refresh_token_invalid")
    assert (await api.refresh(shown["refreshToken"])).status_code == 200


async def test_new_name_leaves_the_accounts_of_the_old_one_behind(
    api: Api, services: Services, person: Person, app_of_person: App, clock: FakeClock
) -> None:
    other = await api.sign_up("Other")
    shared = (await begin_sign_in(api, other, **{HEADER: ""})).headers[HEADER]
    assert_problem((await guess(api, other, 6, shared)), 429, "too_many_attempts")

    new = (await trust(api, person, app_of_person.code(clock.now()), **{HEADER: shared})).headers[HEADER]

    # Otherwise the owner of a shared device could guess again with each new name, and no address would count it.
    assert_problem(await guess(api, other, 6, new), 429, "too_many_attempts")
    clock.advance(minutes=1)
    again = (await trust(api, person, app_of_person.code(clock.now()), **{HEADER: new})).headers[HEADER]
    assert_problem(await guess(api, other, 2, again), 429, "too_many_attempts")


async def guess(api: Api, person: Person, times: int, device: str) -> httpx.Response:
    """Try wrong passwords on a device, and return the last answer."""
    answers = [await begin_sign_in(api, person, "wrong horse", **{HEADER: device}) for _ in range(times)]
    return answers[-1]


@pytest.mark.both_databases
async def test_device_that_is_trusted_anew_is_trusted_no_more_by_its_former_token(
    api: Api,
    person: Person,
    trusted: str,  # noqa: F811
    app_of_person: App,
    clock: FakeClock,
) -> None:
    clock.advance(minutes=1)

    new = (await trust(api, person, app_of_person.code(clock.now()), **{HEADER: trusted})).headers[HEADER]

    assert_problem(await begin_sign_in(api, person, **{HEADER: trusted}), 401, "second_factor_required")
    assert (await begin_sign_in(api, person, **{HEADER: new})).status_code == 200


async def test_there_are_at_most_twenty_and_the_first_goes(
    api: Api, person: Person, app_of_person: App, clock: FakeClock, database: Database
) -> None:
    tokens = []
    for _ in range(21):
        clock.advance(minutes=1)
        tokens.append((await trust(api, person, app_of_person.code(clock.now()))).headers[HEADER])

    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(TrustedDevice)) == 20
    assert_problem(await begin_sign_in(api, person, **{HEADER: tokens[0]}), 401, "second_factor_required")
    assert (await begin_sign_in(api, person, **{HEADER: tokens[1]})).status_code == 200
