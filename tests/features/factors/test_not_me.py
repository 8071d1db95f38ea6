"""What a thief with the password has set up goes when the owner says that it was not them; what is older stays."""

import pytest

from gatepost.composition.services import Services
from tests.support.api import Api, Person
from tests.support.clock import FakeClock
from tests.support.factors import ME, App, begin_sign_in, go_on, pending_token, refreshed, set_up_app
from tests.support.links import take_link, take_mails

NEW = "another horse 12"

pytestmark = pytest.mark.both_databases


async def report_and_reset(api: Api, services: Services, token: str) -> None:
    """Say that it was not oneself, and set a new password by the mail that comes."""
    reported = await api.post("/api/auth/not-me", json={"token": token})
    assert reported.status_code == 200, reported.text
    link = await take_link(services, "reset_password")
    answer = await api.post("/api/auth/password/reset", json={"token": link, "password": NEW})
    assert answer.status_code == 200, answer.text


async def test_app_of_a_thief_goes_by_the_mail_that_tells_of_it(
    api: Api, services: Services, person: Person, clock: FakeClock
) -> None:
    await take_mails(services)
    await set_up_app(api, services, person)
    token = await take_link(services, "second_factor_added")
    clock.advance(minutes=1)

    await report_and_reset(api, services, token)

    assert (await begin_sign_in(api, person, NEW)).status_code == 200


async def test_app_of_a_thief_goes_by_an_earlier_mail(
    api: Api, services: Services, person: Person, clock: FakeClock
) -> None:
    await take_mails(services)
    body = {"currentPassword": person.password, "newPassword": person.password + "9"}
    await api.post("/api/auth/password/change", json=body, headers=person.headers)
    token = await take_link(services, "password_changed")
    clock.advance(minutes=1)
    await services.identity.revocations.poll()
    await set_up_app(api, services, await api.sign_in(person.username, password=person.password + "9"))
    await take_mails(services)

    await report_and_reset(api, services, token)

    assert (await begin_sign_in(api, person, NEW)).status_code == 200


async def test_app_that_is_older_than_the_mail_stays(
    api: Api, services: Services, person: Person, app_of_person: App, clock: FakeClock
) -> None:
    pending = await pending_token(api, person)
    await go_on(api, pending, app_of_person.recovery_codes[0], "recovery_code")
    token = await take_link(services, "recovery_code_used")
    clock.advance(minutes=1)

    await report_and_reset(api, services, token)

    answer = await begin_sign_in(api, person, NEW)
    assert (answer.status_code, answer.json()["methods"]) == (401, ["totp", "recovery_code"])
    assert (await go_on(api, answer.json()["pendingToken"], app_of_person.code(clock.now()))).status_code == 200


async def test_recovery_codes_of_a_thief_go_and_the_app_stays(
    api: Api, services: Services, person: Person, app_of_person: App, clock: FakeClock
) -> None:
    person = await refreshed(api, person)
    made = await api.post(f"{ME}/recovery-codes", headers=person.headers)
    assert made.status_code == 200, made.text
    token = await take_link(services, "recovery_codes_replaced")
    clock.advance(minutes=1)

    await report_and_reset(api, services, token)

    answer = await begin_sign_in(api, person, NEW)
    assert (answer.status_code, answer.json()["methods"]) == (401, ["totp"])
    refused = await go_on(api, answer.json()["pendingToken"], made.json()["recoveryCodes"][0], "recovery_code")
    assert refused.status_code == 401
    assert (await go_on(api, answer.json()["pendingToken"], app_of_person.code(clock.now()))).status_code == 200
