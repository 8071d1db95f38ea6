"""Second factors after another provider, and proving once more who somebody is there."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.core.settings import EmailVerification, SecondFactor
from gatepost.identity.accounts.models import User
from gatepost.identity.sessions.models import Session
from tests.conftest import MakeServices, http_client, started
from tests.support.api import Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.external import FakeProvider, Visitor, identities_of, outcome, set_up, signed_in
from tests.support.factors import App as AuthenticatorApp
from tests.support.factors import go_on, prove_address, refreshed, secret_of, set_up_app
from tests.support.passkeys import pass_time

DEVICE = "gatepost_device"


@pytest.fixture
async def person(api: Api, services: Services, visitor: Visitor) -> Person:
    """Return somebody with a password and an identity."""
    person = await api.sign_up("Grace Hopper")
    await prove_address(services, person)
    assert outcome(await visitor.visit("link", person=person)) == "linked"
    return person


@pytest.fixture
async def totp(api: Api, services: Services, person: Person, clock: FakeClock) -> AuthenticatorApp:
    """Return their authenticator app, whose first code is used up."""
    found = await set_up_app(api, services, person)
    await pass_time(services, clock, minutes=1)
    return found


def methods(session: Session) -> list[str]:
    return [proof["by"] for proof in session.proofs or ()]


async def sessions(database: Database) -> list[Session]:
    async with database.read() as tx:
        return list(await tx.scalars(select(Session).where(Session.ended_at.is_(None)).order_by(Session.created_at)))


async def test_the_second_factor_is_asked_for_after_a_provider(
    api: Api, stranger: Visitor, totp: AuthenticatorApp, clock: FakeClock, database: Database
) -> None:
    before = len(await sessions(database))

    assert outcome(await stranger.visit()) == "second_factor"

    assert "gatepost_access" not in stranger.client.cookies
    assert len(await sessions(database)) == before
    asked = assert_problem(await stranger.go_on(), 401, "second_factor_required")
    assert asked["methods"] == ["totp", "recovery_code"]
    answer = await go_on(Api(stranger.client), asked["pendingToken"], totp.code(clock.now()))
    assert answer.status_code == 200, answer.text
    opened = (await sessions(database))[-1]
    assert (methods(opened), opened.acr, opened.amr) == (["provider", "totp"], "urn:gatepost:acr:2", "fed otp mfa")


async def test_one_sign_in_is_noted_where_a_second_factor_is_asked_for(
    stranger: Visitor, totp: AuthenticatorApp, database: Database
) -> None:
    await stranger.visit()
    await stranger.go_on()

    async with database.read() as tx:
        pending = (await tx.scalars(select(AuditEntry).where(AuditEntry.event == "sign_in.pending"))).all()
    assert len(pending) == 1


async def test_what_a_provider_said_is_used_up_by_the_sign_in_that_waits_for_a_second_factor(
    stranger: Visitor, totp: AuthenticatorApp, clock: FakeClock
) -> None:
    """Else whoever has the browser after a sign-out could sign in where the device is trusted, by nothing more."""
    await stranger.visit()
    asked = (await stranger.go_on()).json()
    body = {
        "pendingToken": asked["pendingToken"], "method": "totp", "code": totp.code(clock.now()), "trustDevice": True,
    }  # fmt: skip
    answer = await stranger.client.post("/api/auth/signin/continue", json=body)
    assert answer.status_code == 200, answer.text
    headers = {"authorization": f"Bearer {answer.json()['accessToken']}"}
    assert (await stranger.client.post("/api/auth/signout", headers=headers)).status_code == 204

    assert_problem(await stranger.go_on(), 401, "provider_sign_in_invalid")


async def test_a_trusted_provider_that_took_several_factors_is_enough(
    stranger: Visitor, provider: FakeProvider, totp: AuthenticatorApp, database: Database
) -> None:
    provider.proves_factors = True

    assert (await stranger.visit()).headers["location"] == "http://localhost:8080/account"

    opened = (await sessions(database))[-1]
    assert (methods(opened), opened.acr, opened.amr) == (["provider_factors"], "urn:gatepost:acr:2", "fed mfa")


async def test_on_a_trusted_device_a_provider_is_enough(
    stranger: Visitor, totp: AuthenticatorApp, clock: FakeClock, database: Database
) -> None:
    await stranger.visit()
    asked = (await stranger.go_on()).json()
    body = {
        "pendingToken": asked["pendingToken"], "method": "totp", "code": totp.code(clock.now()), "trustDevice": True,
    }  # fmt: skip
    assert (await stranger.client.post("/api/auth/signin/continue", json=body)).status_code == 200
    assert DEVICE in stranger.client.cookies

    assert (await stranger.visit()).headers["location"] == "http://localhost:8080/account"

    assert methods((await sessions(database))[-1]) == ["provider", "trusted_device"]


@pytest.fixture
async def strict(make_services: MakeServices) -> AsyncIterator[tuple[Services, Visitor]]:
    """Give a service where everybody has to have a second factor."""
    services, provider = make_services(second_factor=SecondFactor.REQUIRED), FakeProvider()
    set_up(services, provider)
    async with started(services) as app, http_client(app, keeps_cookies=True) as client:
        yield services, Visitor(client, provider)


async def test_where_everybody_has_to_have_a_second_factor_it_is_set_up_first(
    strict: tuple[Services, Visitor], clock: FakeClock
) -> None:
    _, visitor = strict

    assert outcome(await visitor.visit()) == "second_factor"

    asked = assert_problem(await visitor.go_on(), 401, "second_factor_required")
    assert asked["enrolMethods"] == ["passkey", "totp"]
    begun = await visitor.client.post("/api/auth/signin/totp", json={"pendingToken": asked["pendingToken"]})
    code = AuthenticatorApp(secret_of(begun), []).code(clock.now())
    answer = await go_on(Api(visitor.client), asked["pendingToken"], code)
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["recoveryCodes"]) == 10


async def test_an_address_that_has_to_be_proved_has_to_be_proved_here_too(
    make_services: MakeServices, clock: FakeClock
) -> None:
    services, provider = make_services(email_verification=EmailVerification.REQUIRED), FakeProvider()
    set_up(services, provider)
    async with started(services) as app, http_client(app, keeps_cookies=True) as client:
        visitor = Visitor(client, provider)
        await visitor.visit()
        async with services.platform.database.begin() as tx:
            await tx.execute(update(User).values(email_verified_at=None))

        assert outcome(await visitor.visit()) == "email_unverified"
        assert_problem(await visitor.go_on(), 403, "email_unverified")


async def test_an_account_of_a_provider_proves_itself_there_again(
    api: Api, services: Services, visitor: Visitor, provider: FakeProvider, clock: FakeClock, database: Database
) -> None:
    await visitor.visit()
    person = await signed_in(visitor)
    await pass_time(services, clock, minutes=6)
    [identity] = await identities_of(api, person)
    refused = assert_problem(await visitor.start("link", person=person), 401, "step_up_required")
    assert refused["methods"] == ["email_code", "provider"]
    provider.tells(authenticated_at=clock.now() + timedelta(seconds=1))

    answer = await visitor.visit("reauthenticate", person=person)

    assert answer.headers["location"] == "http://localhost:8080/account?provider=acme&outcome=reauthenticated"
    assert [request.must_prompt for request in provider.requests] == [False, True]
    fresh = await refreshed(api, person)
    assert (await visitor.start("link", person=fresh)).status_code == 200
    [session] = await sessions(database)
    assert session.proofs == [{"by": "provider", "at": clock.now().isoformat(), "credential": identity["id"]}]


async def test_a_provider_that_does_not_say_when_proves_nothing_again(
    services: Services, visitor: Visitor, provider: FakeProvider, clock: FakeClock, database: Database
) -> None:
    await visitor.visit()
    person = await signed_in(visitor)
    before = (await sessions(database))[0].authenticated_at
    await pass_time(services, clock, minutes=6)

    for told in (None, clock.now() - timedelta(seconds=31), clock.now() + timedelta(seconds=31)):
        provider.tells(authenticated_at=told)
        answer = await visitor.visit("reauthenticate", person=person)
        assert outcome(answer) == "reauthentication_failed"

    assert (await sessions(database))[0].authenticated_at == before


async def test_somebody_else_at_the_provider_proves_nothing(
    visitor: Visitor, provider: FakeProvider, clock: FakeClock
) -> None:
    await visitor.visit()
    person = await signed_in(visitor)
    provider.tells(subject="somebody else", authenticated_at=clock.now())

    assert outcome(await visitor.visit("reauthenticate", person=person)) == "reauthentication_failed"


async def test_a_provider_alone_is_not_enough_where_there_is_a_second_factor(
    person: Person, visitor: Visitor, provider: FakeProvider, totp: AuthenticatorApp, clock: FakeClock,
    database: Database,
) -> None:  # fmt: skip
    provider.tells(authenticated_at=clock.now())
    assert outcome(await visitor.visit("reauthenticate", person=person)) == "reauthentication_failed"
    assert "provider" not in methods((await sessions(database))[0])

    provider.proves_factors = True
    assert outcome(await visitor.visit("reauthenticate", person=person)) == "reauthenticated"

    assert "provider_factors" in methods((await sessions(database))[0])


async def test_a_session_that_has_ended_meanwhile_is_not_proved_again(
    api: Api, visitor: Visitor, person: Person, provider: FakeProvider, clock: FakeClock
) -> None:
    provider.tells(authenticated_at=clock.now())
    state = await visitor.go("reauthenticate", person=person)
    await api.post("/api/auth/signout", headers=person.headers)

    assert outcome(await visitor.come_back(state)) == "expired"
