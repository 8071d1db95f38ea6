"""A session that ends while a request of it is under way changes nothing: its access token was still accepted."""

import pytest
from sqlalchemy import func, select, update

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.identity.factors.models import Passkey, RecoveryCodes, TotpSecret
from gatepost.identity.sessions.models import Session
from tests.support.api import Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.factors import ME, App, prove_address, refreshed, secret_of, set_up_app
from tests.support.passkeys import Browser, add, add_passkey, options_for_new

pytestmark = pytest.mark.both_databases


async def end_unheard(database: Database, clock: FakeClock) -> None:
    """End every session, as another worker does of which this one has not heard yet."""
    async with database.begin() as tx:
        await tx.execute(update(Session).values(ended_at=clock.now(), end_reason="ended_by_owner"))


async def rows(database: Database) -> tuple[int, int, int]:
    async with database.read() as tx:
        passkeys = await tx.scalar(select(func.count()).select_from(Passkey)) or 0
        confirmed = select(func.count()).select_from(TotpSecret).where(TotpSecret.confirmed_at.is_not(None))
        codes = await tx.scalar(select(func.count()).select_from(RecoveryCodes)) or 0
        return passkeys, await tx.scalar(confirmed) or 0, codes


async def test_passkey_that_was_asked_for_before_is_not_added(
    api: Api, services: Services, person: Person, database: Database, clock: FakeClock
) -> None:
    await prove_address(services, person)
    options = await options_for_new(api, person)
    credential = Browser.new().create(options["publicKey"])
    await end_unheard(database, clock)

    assert_problem(await add(api, person, options, credential), 401, "token_revoked")

    assert await rows(database) == (0, 0, 0)


async def test_app_that_was_begun_before_is_not_confirmed(
    api: Api, services: Services, person: Person, database: Database, clock: FakeClock
) -> None:
    await prove_address(services, person)
    begun = await api.post(f"{ME}/totp", headers=person.headers)
    code = App(secret_of(begun), []).code(clock.now())
    await end_unheard(database, clock)

    answer = await api.post(f"{ME}/totp/confirm", json={"code": code}, headers=person.headers)

    assert_problem(answer, 401, "token_revoked")
    assert await rows(database) == (0, 0, 0)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"{ME}/passkeys/options", None),
        ("DELETE", f"{ME}/passkeys/{{passkey}}", None),
        ("DELETE", f"{ME}/password", None),
        ("POST", f"{ME}/totp", None),
        ("DELETE", f"{ME}/totp", None),
        ("POST", f"{ME}/recovery-codes", None),
        ("DELETE", ME, None),
        ("POST", "/api/auth/email/change", {"email": "else@example.com"}),
    ],
)
async def test_nothing_is_changed_by_a_fresh_proof_of_before(
    api: Api,
    services: Services,
    person: Person,
    database: Database,
    clock: FakeClock,
    method: str,
    path: str,
    body: dict[str, str] | None,
) -> None:
    await set_up_app(api, services, person)
    person = await refreshed(api, person)
    browser = await add_passkey(api, services, person)
    before = await rows(database)
    await end_unheard(database, clock)

    path = path.format(passkey=browser.id)
    answer = await api.client.request(method, path, json=body, headers=person.headers)

    assert_problem(answer, 401, "token_revoked")
    assert await rows(database) == before
    async with database.read() as tx:
        assert await tx.scalar(select(User.erase_at).where(User.id == person.id)) is None
