"""Second factors after an older copy of the database was put back."""

import pytest

from gatepost.composition.services import Services
from tests.support.api import Api, assert_problem
from tests.support.clock import FakeClock
from tests.support.commands import run_command
from tests.support.copies import Copy
from tests.support.factors import go_on, pending_token, set_up_app

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
