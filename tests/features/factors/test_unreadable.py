"""Second factors that no SECRET_KEY opens: their owners and the operator are told, and nothing else breaks."""

import pytest
from sqlalchemy import select, update

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.factors.models import RecoveryCodes, TotpSecret
from gatepost.identity.throttling.models import GuessCounter
from tests.conftest import MakeServices, http_client, started
from tests.support.api import Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.commands import run_command
from tests.support.factors import ME, App, go_on, pending_token, prove_address, refreshed

pytestmark = pytest.mark.both_databases


@pytest.fixture
async def broken(database: Database, app_of_person: App) -> App:
    """Return an app whose secret cannot be opened; the recovery codes can."""
    async with database.begin() as tx:
        row = (await tx.scalars(select(TotpSecret))).one()
        row.sealed_secret = row.sealed_secret[:-3]
    return app_of_person


async def test_person_is_told_and_another_factor_works(
    api: Api, database: Database, person: Person, broken: App, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    token = await pending_token(api, person)

    for _ in range(6):
        body = assert_problem(await go_on(api, token, broken.code(clock.now())), 409, "factor_unreadable")

    assert body["message"].startswith("This second factor cannot be read at the moment.")
    async with database.read() as tx:
        assert (await tx.scalars(select(GuessCounter.subject))).all() == []
    told = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(told) == 6
    assert f"the second factor totp of account {person.id} cannot be opened" in told[0]
    assert "SECRET_KEY_PREVIOUS" in told[0]
    assert f"gatepost factors reset '#{person.id}'" in told[0]
    assert (await go_on(api, token, broken.recovery_codes[0], "recovery_code")).status_code == 200


async def test_recovery_codes_that_cannot_be_opened_leave_the_app(
    api: Api, database: Database, person: Person, app_of_person: App, clock: FakeClock
) -> None:
    async with database.begin() as tx:
        await tx.execute(update(RecoveryCodes).values(sealed_key="AAAAAAAA.AAAA"))
    token = await pending_token(api, person)

    answer = await go_on(api, token, app_of_person.recovery_codes[0], "recovery_code")

    assert_problem(answer, 409, "factor_unreadable")
    assert (await go_on(api, token, app_of_person.code(clock.now()))).status_code == 200


async def test_app_that_was_begun_can_be_begun_anew(
    api: Api, services: Services, database: Database, person: Person
) -> None:
    await prove_address(services, person)
    await api.post(f"{ME}/totp", json={"password": person.password}, headers=person.headers)
    async with database.begin() as tx:
        await tx.execute(update(TotpSecret).values(sealed_secret="AAAAAAAA.AAAA"))

    answer = await api.post(f"{ME}/totp/confirm", json={"code": "123456"}, headers=person.headers)

    assert_problem(answer, 409, "factor_unreadable")
    begun = await api.post(f"{ME}/totp", json={"password": person.password}, headers=person.headers)
    assert begun.status_code == 200


async def test_owner_removes_it(api: Api, person: Person, broken: App) -> None:
    # Whoever has shown it just now, such as when it was set up.
    person = await refreshed(api, person)
    answer = await api.client.request("DELETE", f"{ME}/totp", headers=person.headers)

    assert answer.status_code == 204


@pytest.fixture
def other_key(make_services: MakeServices) -> Services:
    """Return a process with another SECRET_KEY, which HS256 lets start."""
    return make_services(
        secret_key="another-0123456789-abcdefghijklmnopqrstuvwxyz-key",
        jwt_algorithm="HS256",
        jwt_secret="fourty-eight-0123456789-abcdefghijklmnopqrstuvwx",
    )


async def test_other_secret_key_is_told_at_sign_in_and_by_the_doctor(
    other_key: Services, person: Person, app_of_person: App, clock: FakeClock
) -> None:
    async with started(other_key) as running, http_client(running) as client:
        api = Api(client)
        answer = await go_on(api, await pending_token(api, person), app_of_person.code(clock.now()))
    assert_problem(answer, 409, "factor_unreadable")

    looked_at = await run_command(other_key.settings, "doctor")

    assert looked_at.exit_code == 1
    assert "2 of 2 secrets of second factors cannot be opened: set SECRET_KEY_PREVIOUS" in looked_at.stdout
    assert f"gatepost factors reset for each, such as '#{person.id}'" in looked_at.stdout


async def test_doctor_says_nothing_where_all_is_well(services: Services, app_of_person: App) -> None:
    assert "second factors" not in (await run_command(services.settings, "doctor")).stdout
