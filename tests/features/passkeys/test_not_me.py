"""What a thief has added goes when the owner says that it was not them; the owner's own passkeys stay."""

import pytest

from gatepost.composition.services import Services
from tests.support.api import Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.factors import begin_sign_in, go_on, set_up_app
from tests.support.links import report_and_reset, take_link, take_mails
from tests.support.passkeys import Browser, add_passkey, pass_time, sign_in_with

NEW = "another horse 12"

pytestmark = pytest.mark.both_databases


async def test_passkey_of_a_thief_goes_by_the_mail_that_tells_of_it(
    api: Api, services: Services, person: Person, clock: FakeClock
) -> None:
    thiefs = await add_passkey(api, services, person)
    token = await take_link(services, "passkey_added")
    await pass_time(services, clock, minutes=1)

    await report_and_reset(api, services, token, password=NEW)

    assert (await begin_sign_in(api, person, NEW)).status_code == 200
    assert_problem(await sign_in_with(api, thiefs), 401, "passkey_invalid")


async def test_passkey_of_a_thief_goes_by_an_earlier_mail_and_the_owners_stays(
    api: Api, services: Services, owner: Person, browser: Browser, clock: FakeClock
) -> None:
    browser.sign_count = 5
    await sign_in_with(api, browser)
    app = await set_up_app(api, services, owner)
    token = await take_link(services, "second_factor_added")
    await pass_time(services, clock, minutes=1)
    thiefs = await add_passkey(api, services, owner, Browser.new(b"\x07" * 16))
    await take_mails(services)

    await report_and_reset(api, services, token, password=NEW)

    answer = await begin_sign_in(api, owner, NEW)
    # The app is reported too; the codes came with the owner's passkey, before.
    assert answer.json()["methods"] == ["passkey", "recovery_code"]
    assert app.recovery_codes == []
    assert_problem(await sign_in_with(api, thiefs), 401, "passkey_invalid")
    assert (await sign_in_with(api, browser)).status_code == 200
    code = browser.recovery_codes[0]
    assert (await go_on(api, answer.json()["pendingToken"], code, "recovery_code")).status_code == 200


async def test_passkey_of_which_there_may_be_a_copy_goes_when_it_was_not_its_owner(
    api: Api, services: Services, owner: Person, browser: Browser, clock: FakeClock
) -> None:
    other = await add_passkey(api, services, owner, Browser.new(b"\x07" * 16))
    browser.sign_count = 5
    assert (await sign_in_with(api, browser)).status_code == 200
    await pass_time(services, clock, minutes=1)
    await take_mails(services)
    browser.sign_count = 2
    assert_problem(await sign_in_with(api, browser), 401, "passkey_invalid")

    await report_and_reset(api, services, await take_link(services, "passkey_copied"), password=NEW)

    browser.sign_count = 90
    assert_problem(await sign_in_with(api, browser), 401, "passkey_invalid")
    assert (await sign_in_with(api, other)).status_code == 200
