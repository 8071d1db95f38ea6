"""Second factors after an older copy of the database was put back."""

import pytest

from gatepost.composition.services import Services
from tests.support.api import Api, assert_problem
from tests.support.clock import FakeClock
from tests.support.commands import run_command
from tests.support.copies import Copy
from tests.support.factors import begin_sign_in, go_on, pending_token, set_up_app

pytestmark = pytest.mark.both_databases


async def test_sign_ins_that_waited_are_void_and_what_comes_back_is_told(
    api: Api, services: Services, copy: Copy, clock: FakeClock
) -> None:
    person = await api.sign_up()
    app = await set_up_app(api, services, person)
    clock.advance(minutes=1)
    used, waiting = await pending_token(api, person), await pending_token(api, person)
    await copy.make()
    assert (await go_on(api, used, app.recovery_codes[0], "recovery_code")).status_code == 200
    await copy.put_back()

    result = await run_command(services.settings, "after-restore", "--yes")

    assert result.exit_code == 0, result.output
    assert "2 sign-ins that waited for a second factor are void\n" in result.stdout
    assert "recovery codes that were used since then work again" in result.stdout
    for token in (used, waiting):
        assert_problem(await go_on(api, token, app.recovery_codes[1], "recovery_code"), 401, "pending_sign_in_invalid")
    again = await go_on(api, await pending_token(api, person), app.recovery_codes[0], "recovery_code")
    assert again.status_code == 200, "as the command says"


async def test_code_of_the_app_from_before_the_restore_has_expired(
    api: Api, services: Services, copy: Copy, clock: FakeClock
) -> None:
    person = await api.sign_up()
    app = await set_up_app(api, services, person)
    clock.advance(minutes=1)
    await copy.make()
    code = app.code(clock.now())
    assert (await go_on(api, await pending_token(api, person), code)).status_code == 200
    await copy.put_back()
    clock.advance(seconds=90)

    assert_problem(await go_on(api, await pending_token(api, person), code), 401, "invalid_code")


async def test_device_that_was_trusted_in_the_copy_is_asked_for_the_factor_again(
    api: Api, services: Services, copy: Copy, clock: FakeClock
) -> None:
    """Its owner may have ended the trust since, and the password of then works again."""
    person = await api.sign_up()
    app = await set_up_app(api, services, person)
    clock.advance(minutes=1)
    code = app.code(clock.now())
    body = {"pendingToken": await pending_token(api, person), "method": "totp", "code": code, "trustDevice": True}
    trusted = await api.post("/api/auth/signin/continue", json=body, headers={"X-Device-Token": ""})
    assert trusted.status_code == 200, trusted.text
    device = {"X-Device-Token": trusted.headers["x-device-token"]}
    assert (await begin_sign_in(api, person, **device)).status_code == 200
    await copy.make()
    await copy.put_back()

    result = await run_command(services.settings, "after-restore", "--yes")

    assert result.exit_code == 0, result.output
    assert_problem(await begin_sign_in(api, person, **device), 401, "second_factor_required")
