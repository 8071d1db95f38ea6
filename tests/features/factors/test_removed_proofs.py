"""What a removed factor has proved: other sessions end, and in the one that removes it the proof no longer counts."""

import pytest

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.sessions.models import Session
from gatepost.identity.tokens.principal import Acr
from tests.support.api import Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.factors import ME, App, go_on, pending_token, prove_again, refreshed, set_up_app
from tests.support.passkeys import Browser, add_passkey, pass_time, prove_with, sign_in_with
from tests.support.workers import claims

pytestmark = pytest.mark.both_databases


async def by_app(api: Api, services: Services, clock: FakeClock, person: Person, app: App) -> Person:
    """Sign in with the password and a new code of the app."""
    await pass_time(services, clock, seconds=90)
    return signed_in(person, (await go_on(api, await pending_token(api, person), app.code(clock.now()))).json())


def signed_in(person: Person, body: dict[str, str]) -> Person:
    return Person(person.id, person.username, person.email, person.password, body["accessToken"], body["refreshToken"])


async def acr_of(database: Database, person: Person) -> str:
    async with database.read() as tx:
        session = await tx.get(Session, int(claims(person.access_token)["sid"]))
        assert session is not None
        return session.acr


async def test_removed_app_ends_the_other_sessions_that_it_proved(
    api: Api, services: Services, clock: FakeClock, person: Person, database: Database
) -> None:
    app, browser = await set_up_app(api, services, person), Browser.new()
    person = await prove_again(api, person, app.code(clock.now(), away=1))
    await add_passkey(api, services, person, browser)
    other = await by_app(api, services, clock, person, app)
    alone = signed_in(person, (await sign_in_with(api, browser)).json())

    assert (await api.delete(f"{ME}/totp", headers=alone.headers)).status_code == 204

    # The first one was opened with the password alone, and proved by the app when that was set up.
    for ended in (other, person):
        assert_problem(await api.user_board(ended.access_token), 401, "token_revoked")
    assert (await api.user_board(alone.access_token)).status_code == 200
    assert await acr_of(database, alone) == Acr.PHISHING_RESISTANT


async def test_session_that_removes_the_app_goes_on_as_one_of_a_password(
    api: Api, services: Services, clock: FakeClock, person: Person, database: Database
) -> None:
    app = await set_up_app(api, services, person)
    own = await by_app(api, services, clock, person, app)
    assert await acr_of(database, own) == Acr.TWO_FACTORS

    assert (await api.delete(f"{ME}/totp", headers=own.headers)).status_code == 204

    own = await refreshed(api, own)
    assert (claims(own.access_token)["acr"], claims(own.access_token)["amr"]) == (Acr.ONE_FACTOR, ["pwd"])


async def test_removed_app_is_no_second_factor_of_a_session_any_more(
    api: Api, services: Services, clock: FakeClock, person: Person
) -> None:
    app = await set_up_app(api, services, person)
    person = await prove_again(api, person, app.code(clock.now(), away=1))
    browser = await add_passkey(api, services, person)
    own = await by_app(api, services, clock, person, app)
    assert (await api.delete(f"{ME}/totp", headers=own.headers)).status_code == 204

    # The token still says two factors, and was proved a moment ago.
    assert claims(own.access_token)["acr"] == Acr.TWO_FACTORS
    assert_problem(await api.delete(f"{ME}/passkeys/{browser.id}", headers=own.headers), 401, "step_up_required")
    assert_problem(await api.refresh(own.refresh_token), 403, "refresh_token_invalid")
    again = await prove_with(api, own, browser)
    assert (await api.refresh(own.refresh_token)).status_code == 200
    assert (await api.delete(f"{ME}/passkeys/{browser.id}", headers=again.headers)).status_code == 204


async def test_session_of_a_passkey_alone_that_removes_it_goes_on_as_one_of_one_factor(
    api: Api, services: Services, person: Person
) -> None:
    browser = await add_passkey(api, services, person)
    own = signed_in(person, (await sign_in_with(api, browser)).json())

    assert (await api.delete(f"{ME}/passkeys/{browser.id}", headers=own.headers)).status_code == 204

    said = claims((await refreshed(api, own)).access_token)
    assert (said["acr"], said["amr"]) == (Acr.ONE_FACTOR, ["swk", "user"])


async def test_new_recovery_codes_end_the_other_sessions_of_the_old_ones(
    api: Api, services: Services, clock: FakeClock, person: Person
) -> None:
    app = await set_up_app(api, services, person)
    stolen = await go_on(api, await pending_token(api, person), app.recovery_codes[0], "recovery_code")
    own = await by_app(api, services, clock, person, app)

    assert (await api.post(f"{ME}/recovery-codes", headers=own.headers)).status_code == 200

    assert_problem(await api.user_board(stolen.json()["accessToken"]), 401, "token_revoked")
    assert (await api.user_board(own.access_token)).status_code == 200


async def test_session_that_came_by_a_recovery_code_goes_on_with_new_ones(
    api: Api, services: Services, person: Person
) -> None:
    app = await set_up_app(api, services, person)
    body = (await go_on(api, await pending_token(api, person), app.recovery_codes[0], "recovery_code")).json()
    own = signed_in(person, body)

    assert (await api.post(f"{ME}/recovery-codes", headers=own.headers)).status_code == 200

    assert claims((await refreshed(api, own)).access_token)["acr"] == Acr.TWO_FACTORS
