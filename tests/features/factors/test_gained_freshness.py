"""What does not count as a fresh proof: a password of an account with a factor, and setting one up."""

import pytest

from gatepost.composition.services import Services
from tests.support.api import PASSWORD, Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.factors import ME, App, prove_address, prove_again, refreshed, secret_of
from tests.support.passkeys import pass_time
from tests.support.workers import claims


async def test_password_keeps_no_proof_of_a_factor_fresh(
    api: Api, services: Services, person: Person, app_of_person: App, clock: FakeClock
) -> None:
    proved = await prove_again(api, await refreshed(api, person), app_of_person.code(clock.now()))
    await pass_time(services, clock, minutes=4)

    body = {"method": "password", "password": PASSWORD}
    answer = await api.post("/api/auth/reauthenticate", json=body, headers=proved.headers)

    told = assert_problem(answer, 401, "step_up_required")
    assert told["methods"] == ["totp", "recovery_code"]
    await pass_time(services, clock, minutes=2)
    later = await refreshed(api, proved)
    removed = await api.client.request("DELETE", f"{ME}/totp", headers=later.headers)
    assert_problem(removed, 401, "step_up_required")


@pytest.mark.both_databases
async def test_first_code_of_a_new_app_raises_the_session_and_leaves_the_time_of_its_last_proof(
    api: Api, services: Services, person: Person, clock: FakeClock
) -> None:
    began = claims(person.access_token)["auth_time"]
    await prove_address(services, person)
    started = await api.post(f"{ME}/totp", json={"password": PASSWORD}, headers=person.headers)
    app = App(secret_of(started), [])
    await pass_time(services, clock, minutes=50)

    answer = await api.post(f"{ME}/totp/confirm", json={"code": app.code(clock.now())}, headers=person.headers)

    assert answer.status_code == 200
    said = claims((await refreshed(api, person)).access_token)
    assert (said["acr"], said["auth_time"]) == ("urn:gatepost:acr:2", began)
