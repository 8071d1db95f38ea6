"""Signing in with an account at another provider."""

import pytest
from sqlalchemy import select, update

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.core.settings import SignUp
from gatepost.identity.accounts.models import User
from gatepost.identity.external.models import ExternalIdentity, PendingAuthorization
from gatepost.identity.sessions.models import Session
from tests.conftest import MakeServices, http_client, started
from tests.support.api import Api, assert_problem
from tests.support.clock import FakeClock
from tests.support.external import (
    COOKIE,
    ISSUER,
    PATH,
    FakeProvider,
    Visitor,
    identities_of,
    outcome,
    set_up,
    signed_in,
)
from tests.support.links import take_mails


@pytest.mark.both_databases
async def test_somebody_new_gets_an_account_and_a_session(
    api: Api, visitor: Visitor, database: Database, clock: FakeClock
) -> None:
    answer = await visitor.visit()

    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == "http://localhost:8080/account"
    assert answer.headers["cache-control"] == "no-store"
    person = await signed_in(visitor)
    assert (person.username, person.email) == ("Abbey Salami", "abbey.salami@example.com")
    async with database.read() as tx:
        user = (await tx.scalars(select(User))).one()
        assert (user.email_verified_at, user.has_password) == (clock.now(), False)
        session = (await tx.scalars(select(Session))).one()
        identity = (await tx.scalars(select(ExternalIdentity))).one()
        assert (identity.issuer, identity.subject, identity.user_id) == (ISSUER, "248289761001", user.id)
        assert (session.amr, session.acr) == ("fed", "urn:gatepost:acr:1")
        assert session.proofs == [{"by": "provider", "at": clock.now().isoformat(), "credential": identity.id}]
        assert (await tx.scalars(select(PendingAuthorization))).all() == []
    [shown] = await identities_of(api, person)
    assert shown == {
        "id": identity.id,
        "provider": "acme",
        "title": "Acme",
        "email": "abbey.salami@example.com",
        "createdAt": clock.now().isoformat().replace("+00:00", "Z"),
        "lastUsedAt": clock.now().isoformat().replace("+00:00", "Z"),
    }


async def test_the_next_sign_in_opens_the_same_account(
    visitor: Visitor, stranger: Visitor, provider: FakeProvider, database: Database
) -> None:
    await visitor.visit()
    first = await signed_in(visitor)
    provider.tells(email="other@example.com", name="Somebody Else")

    answer = await stranger.visit()

    assert answer.headers["location"] == "http://localhost:8080/account"
    again = await signed_in(stranger)
    assert (again.id, again.username, again.email) == (first.id, first.username, first.email)
    async with database.read() as tx:
        assert await tx.scalar(select(ExternalIdentity.email)) == "other@example.com"


async def test_somebody_with_the_same_subject_at_another_issuer_is_somebody_else(
    visitor: Visitor, stranger: Visitor, provider: FakeProvider
) -> None:
    await visitor.visit()
    provider.tells(issuer="https://login.other.example", email="other@example.com", name="Other")

    await stranger.visit()

    assert (await signed_in(stranger)).id != (await signed_in(visitor)).id


async def test_a_sign_in_leads_to_where_somebody_wanted_to_be(visitor: Visitor) -> None:
    answer = await visitor.visit(returnTo="/boards?tab=2")

    assert answer.headers["location"] == "http://localhost:8080/boards?tab=2"


async def test_an_allowed_origin_may_be_returned_to(visitor: Visitor) -> None:
    answer = await visitor.visit(returnTo="http://localhost:8081/start")

    assert answer.headers["location"] == "http://localhost:8081/start"


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "http://localhost:8081@evil.example/",
    ],
)
async def test_no_other_site_is_returned_to(visitor: Visitor, address: str) -> None:
    assert_problem(await visitor.start(returnTo=address), 422, "return_address_invalid")


async def test_the_list_of_providers_is_public_and_may_be_kept_for_a_while(api: Api, provider: FakeProvider) -> None:
    answer = await api.get(PATH)

    acme = {"name": "acme", "title": "Acme", "kind": "oidc"}
    assert answer.json() == {"providers": [acme], "emailSignIn": True}
    assert answer.headers["cache-control"] == "public, max-age=60"


async def test_a_provider_that_is_not_set_up_is_unknown(api: Api) -> None:
    assert_problem(await api.post(f"{PATH}/nobody/start", json={"purpose": "signin"}), 404, "provider_unknown")


async def test_a_provider_that_is_down_is_said_to_be(visitor: Visitor, provider: FakeProvider) -> None:
    provider.is_down = True

    assert_problem(await visitor.start(), 503, "provider_unavailable")


async def test_a_provider_that_is_down_on_the_way_back_leads_to_a_page_that_says_so(
    visitor: Visitor, provider: FakeProvider
) -> None:
    state = await visitor.go()
    provider.is_down = True

    answer = await visitor.come_back(state)

    assert answer.headers["location"] == "http://localhost:8080/sign-in?provider=acme&outcome=unavailable"


async def test_who_refuses_at_the_provider_is_led_to_the_sign_in(visitor: Visitor) -> None:
    state = await visitor.go(returnTo="/boards")

    answer = await visitor.client.get(
        f"{PATH}/acme/callback", params={"state": state, "error": "access_denied", "error_description": "<b>no</b>"}
    )

    assert answer.headers["location"] == ("http://localhost:8080/sign-in?provider=acme&outcome=denied&next=%2Fboards")


async def test_any_other_error_of_the_provider_is_a_failure(visitor: Visitor) -> None:
    state = await visitor.go()

    answer = await visitor.client.get(f"{PATH}/acme/callback", params={"state": state, "error": "server_error"})

    assert outcome(answer) == "failed"


async def test_a_disabled_account_is_not_signed_in_to(
    visitor: Visitor, stranger: Visitor, database: Database, clock: FakeClock
) -> None:
    await visitor.visit()
    state = await stranger.go()
    async with database.begin() as tx:
        await tx.execute(update(User).values(disabled_at=clock.now()))

    answer = await stranger.come_back(state)

    assert outcome(answer) == "account_disabled"
    assert_problem(await stranger.go_on(), 403, "account_disabled")
    assert "gatepost_access" not in stranger.client.cookies


async def test_the_mail_of_a_new_device_comes_with_a_provider_too(
    visitor: Visitor, stranger: Visitor, services: Services, clock: FakeClock
) -> None:
    await visitor.visit()
    clock.advance(days=2)
    await visitor.visit()
    assert await take_mails(services) == []

    stranger.client.headers["user-agent"] = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Firefox/140.0"
    await stranger.visit()

    assert [mail.kind for mail in await take_mails(services)] == ["new_device"]


async def test_a_sign_in_replaces_the_session_of_the_browser(visitor: Visitor, database: Database) -> None:
    await visitor.visit()

    await visitor.visit()

    async with database.read() as tx:
        ended = (await tx.scalars(select(Session.end_reason).order_by(Session.created_at, Session.ended_at))).all()
    assert sorted(ended, key=str) == [None, "replaced"]


async def test_sign_up_that_is_closed_is_closed_for_providers_too(make_services: MakeServices) -> None:
    services = make_services(signup=SignUp.CLOSED)
    provider = FakeProvider()
    set_up(services, provider)
    async with started(services) as app, http_client(app, keeps_cookies=True) as client:
        visitor = Visitor(client, provider)
        assert outcome(await visitor.visit()) == "sign_up_closed"
        assert_problem(await visitor.go_on(), 403, "signup_closed")
        provider.tells(email=None)
        assert outcome(await visitor.visit()) == "sign_up_closed"
    async with services.platform.database.read() as tx:
        assert (await tx.scalars(select(User))).all() == []


async def test_the_cookie_is_kept_from_scripts(visitor: Visitor) -> None:
    answer = await visitor.start()

    [cookie] = answer.headers.get_list("set-cookie")
    assert cookie.startswith(f"{COOKIE}=")
    assert cookie.endswith("; HttpOnly; Max-Age=600; Path=/; SameSite=lax")
