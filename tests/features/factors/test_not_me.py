"""What a thief with the password has set up goes when the owner says that it was not them; what is older stays."""

import pytest
from sqlalchemy import select

from gatepost.composition.services import Services
from gatepost.identity.accounts.models import User
from gatepost.identity.throttling.devices import DeviceTokens
from tests.support.api import Api, Person
from tests.support.clock import FakeClock
from tests.support.factors import ME, App, begin_sign_in, go_on, pending_token, refreshed, set_up_app
from tests.support.links import report_and_reset, take_link, take_mails

NEW = "another horse 12"

pytestmark = pytest.mark.both_databases


async def test_app_of_a_thief_goes_by_the_mail_that_tells_of_it(
    api: Api, services: Services, person: Person, clock: FakeClock
) -> None:
    await take_mails(services)
    await set_up_app(api, services, person)
    token = await take_link(services, "second_factor_added")
    clock.advance(minutes=1)

    await report_and_reset(api, services, token, password=NEW)

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

    await report_and_reset(api, services, token, password=NEW)

    assert (await begin_sign_in(api, person, NEW)).status_code == 200


async def test_app_that_is_older_than_the_mail_stays(
    api: Api, services: Services, person: Person, app_of_person: App, clock: FakeClock
) -> None:
    pending = await pending_token(api, person)
    await go_on(api, pending, app_of_person.recovery_codes[0], "recovery_code")
    token = await take_link(services, "recovery_code_used")
    clock.advance(minutes=1)

    await report_and_reset(api, services, token, password=NEW)

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

    await report_and_reset(api, services, token, password=NEW)

    answer = await begin_sign_in(api, person, NEW)
    assert (answer.status_code, answer.json()["methods"]) == (401, ["totp"])
    refused = await go_on(api, answer.json()["pendingToken"], made.json()["recoveryCodes"][0], "recovery_code")
    assert refused.status_code == 401
    assert (await go_on(api, answer.json()["pendingToken"], app_of_person.code(clock.now()))).status_code == 200


async def wrong_codes(api: Api, person: Person, password: str, **device: str) -> None:
    """Try codes until the first wait."""
    pending = await pending_token(api, person, password)
    for _ in range(5):
        assert (await go_on(api, pending, "00000-00000", "recovery_code", **device)).status_code == 401
    answer = await go_on(api, pending, "00000-00000", "recovery_code", **device)
    assert answer.status_code == 429


async def test_waits_of_the_thief_end_and_the_next_ones_are_as_long(
    api: Api, services: Services, person: Person, app_of_person: App, clock: FakeClock
) -> None:
    await wrong_codes(api, person, person.password)
    token = await take_link(services, "codes_guessed")

    await report_and_reset(api, services, token, password=NEW)

    pending = await pending_token(api, person, NEW)
    assert (await go_on(api, pending, "00000-00000", "recovery_code")).status_code == 401
    refused = await go_on(api, pending, app_of_person.code(clock.now()))
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "10")


async def test_device_of_the_owner_is_known_again_and_that_of_the_thief_is_not(
    api: Api, services: Services, person: Person, app_of_person: App, clock: FakeClock
) -> None:
    thief = await go_on(
        api,
        await pending_token(api, person),
        app_of_person.recovery_codes[0],
        "recovery_code",
        **{"X-Device-Token": ""},
    )
    thiefs = {"X-Device-Token": thief.headers["X-Device-Token"]}
    token = await take_link(services, "recovery_code_used")
    clock.advance(minutes=1)
    await report_and_reset(api, services, token, password=NEW)
    own = await go_on(
        api, await pending_token(api, person, NEW), app_of_person.code(clock.now()), **{"X-Device-Token": ""}
    )
    owners = {"X-Device-Token": own.headers["X-Device-Token"]}
    clock.advance(minutes=1)

    await wrong_codes(api, person, NEW, **thiefs)

    pending = await pending_token(api, person, NEW)
    assert (await go_on(api, pending, app_of_person.code(clock.now()), **thiefs)).status_code == 429
    answer = await go_on(api, pending, app_of_person.code(clock.now()), **owners)
    assert answer.status_code == 200
    # A second report takes that from it, too.
    await take_mails(services)
    clock.advance(minutes=1)
    await services.identity.revocations.poll()
    await go_on(api, await pending_token(api, person, NEW), app_of_person.recovery_codes[1], "recovery_code")
    await api.post("/api/auth/not-me", json={"token": await take_link(services, "recovery_code_used")})
    async with services.platform.database.read() as tx:
        user = (await tx.scalars(select(User).where(User.id == person.id))).one()
    for headers in (thiefs, owners, {"X-Device-Token": answer.headers["X-Device-Token"]}):
        device = DeviceTokens(services.settings.keys).read(headers["X-Device-Token"])
        assert (device.belongs_to(user), device.is_known_to(user)) == (True, False)
