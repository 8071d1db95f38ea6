"""Linking and unlinking accounts at other providers."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from sqlalchemy import func, select, update

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.core.settings import EmailSignIn
from gatepost.identity.accounts.models import User
from gatepost.identity.credentials.external.linking import MOST_IDENTITIES
from gatepost.identity.external.models import ExternalIdentity
from gatepost.identity.sessions.models import Session
from tests.conftest import MakeServices, http_client, started
from tests.features.admin.conftest import give
from tests.support.api import Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.external import PROFILE, FakeProvider, Visitor, identities_of, outcome, set_up, signed_in
from tests.support.factors import prove_address, prove_again, refreshed
from tests.support.links import report_and_reset, take_link, take_mails
from tests.support.passkeys import add_passkey, pass_time, prove_with

IDENTITIES = "/api/users/me/identities"


@pytest.fixture
async def person(api: Api, services: Services) -> Person:
    """Return somebody with a password, whose address is another one than the provider tells."""
    person = await api.sign_up("Grace Hopper")
    await prove_address(services, person)
    await take_mails(services)
    return person


async def unlink(api: Api, person: Person, identity: int) -> httpx.Response:
    return await api.delete(f"{IDENTITIES}/{identity}", headers=person.headers)


async def events(database: Database, prefix: str) -> list[tuple[str, int | None, dict[str, object]]]:
    async with database.read() as tx:
        found = await tx.scalars(select(AuditEntry).where(AuditEntry.event.startswith(prefix)).order_by(AuditEntry.id))
        return [(entry.event, entry.actor_id, entry.details) for entry in found]


async def test_who_is_signed_in_links_an_account(
    api: Api, services: Services, person: Person, visitor: Visitor, stranger: Visitor, database: Database
) -> None:
    answer = await visitor.visit("link", person=person)

    assert answer.headers["location"] == "http://localhost:8080/account?provider=acme&outcome=linked"
    [identity] = await identities_of(api, person)
    assert (identity["email"], identity["lastUsedAt"]) == ("abbey.salami@example.com", None)
    [mail] = await take_mails(services)
    assert (mail.kind, mail.address) == ("identity_linked", person.email)
    assert "Acme" in mail.text
    told = {"identity": identity["id"], "provider": "acme"}
    assert await events(database, "identity") == [("identity.linked", None, told)]
    await stranger.visit()
    assert (await signed_in(stranger)).id == person.id


async def test_a_link_leads_to_where_somebody_wanted_to_be(person: Person, visitor: Visitor) -> None:
    answer = await visitor.visit("link", person=person, returnTo="/boards")

    assert answer.headers["location"] == "http://localhost:8080/boards"


async def test_linking_needs_somebody_who_is_signed_in(visitor: Visitor) -> None:
    assert_problem(await visitor.start("link"), 401, "token_missing")
    assert_problem(await visitor.start("reauthenticate"), 401, "token_missing")


async def test_linking_needs_a_fresh_proof(
    services: Services, person: Person, visitor: Visitor, clock: FakeClock
) -> None:
    await pass_time(services, clock, minutes=6)

    assert_problem(await visitor.start("link", person=person), 401, "step_up_required")


async def test_linking_needs_a_proved_address(api: Api, visitor: Visitor) -> None:
    """Else somebody could sign up with the address of others, and keep a way into what they make of it."""
    person = await api.sign_up("Nobody Yet")

    assert_problem(await visitor.start("link", person=person), 403, "email_unverified")


async def test_a_session_that_has_ended_meanwhile_links_nothing(api: Api, person: Person, visitor: Visitor) -> None:
    state = await visitor.go("link", person=person)
    assert (await api.post("/api/auth/signout", headers=person.headers)).status_code == 204

    assert outcome(await visitor.come_back(state)) == "expired"

    assert await identities_of(api, await api.sign_in("Grace Hopper")) == []


async def test_an_account_that_was_disabled_meanwhile_links_nothing(
    person: Person, visitor: Visitor, database: Database, clock: FakeClock
) -> None:
    state = await visitor.go("link", person=person)
    async with database.begin() as tx:
        await tx.execute(update(User).values(disabled_at=clock.now()))

    assert outcome(await visitor.come_back(state)) == "account_disabled"

    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(ExternalIdentity)) == 0


async def test_an_identity_opens_one_account(
    api: Api, services: Services, person: Person, visitor: Visitor, stranger: Visitor
) -> None:
    await visitor.visit("link", person=person)
    assert outcome(await visitor.visit("link", person=person)) == "already_linked"
    other = await api.sign_up("Ada Lovelace")
    await prove_address(services, other)

    answer = await stranger.visit("link", person=other)

    assert answer.headers["location"] == "http://localhost:8080/account?provider=acme&outcome=linked_elsewhere"
    assert await identities_of(api, other) == []
    assert len(await identities_of(api, person)) == 1


@pytest.mark.both_databases
async def test_of_two_accounts_that_link_one_identity_at_once_one_gets_it(
    api: Api, services: Services, person: Person, visitor: Visitor, stranger: Visitor, database: Database
) -> None:
    other = await api.sign_up("Ada Lovelace")
    await prove_address(services, other)
    states = [await visitor.go("link", person=person), await stranger.go("link", person=other)]

    answers = await asyncio.gather(visitor.come_back(states[0]), stranger.come_back(states[1]))

    assert sorted(map(outcome, answers)) == ["linked", "linked_elsewhere"]
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(ExternalIdentity)) == 1


async def test_an_account_has_only_so_many_identities(
    person: Person, visitor: Visitor, database: Database, clock: FakeClock
) -> None:
    several = [
        ExternalIdentity(
            user_id=person.id, provider="acme", issuer="https://a.example", subject=str(number), email=None,
            created_at=clock.now(), last_used_at=None,
        )
        for number in range(MOST_IDENTITIES)
    ]  # fmt: skip
    async with database.begin() as tx:
        tx.add_all(several)

    assert outcome(await visitor.visit("link", person=person)) == "failed"


async def test_an_unlinked_account_opens_nothing_and_its_sessions_end(
    api: Api, services: Services, person: Person, visitor: Visitor, provider: FakeProvider, database: Database
) -> None:
    await visitor.visit("link", person=person)
    await visitor.visit()
    opened = await signed_in(visitor)
    provider.proves_factors = True
    await visitor.visit()
    opened_with_factors = await signed_in(visitor)
    await take_mails(services)
    [identity] = await identities_of(api, person)

    assert (await unlink(api, person, identity["id"])).status_code == 204

    assert await identities_of(api, person) == []
    for ended in (opened, opened_with_factors):
        assert (await api.user_board(ended.access_token)).status_code == 401
    assert (await api.user_board(person.access_token)).status_code == 200
    [mail] = await take_mails(services)
    assert (mail.kind, "Acme" in mail.text) == ("identity_unlinked", True)
    told = {"identity": identity["id"], "provider": "acme"}
    assert (await events(database, "identity"))[-1] == ("identity.unlinked", None, told)
    assert_problem(await unlink(api, person, identity["id"]), 404, "identity_not_found")


async def test_nobody_unlinks_the_account_of_somebody_else(api: Api, person: Person, visitor: Visitor) -> None:
    await visitor.visit("link", person=person)
    [identity] = await identities_of(api, person)
    other = await api.sign_up("Ada Lovelace")

    assert_problem(await unlink(api, other, identity["id"]), 404, "identity_not_found")


async def test_unlinking_needs_a_fresh_proof(
    api: Api, services: Services, person: Person, visitor: Visitor, clock: FakeClock
) -> None:
    await visitor.visit("link", person=person)
    [identity] = await identities_of(api, person)
    await pass_time(services, clock, minutes=6)

    refused = assert_problem(await unlink(api, person, identity["id"]), 401, "step_up_required")

    assert refused["methods"] == ["password", "provider"]


async def test_a_code_by_mail_is_another_way_in(api: Api, visitor: Visitor) -> None:
    await visitor.visit()
    person = await signed_in(visitor)
    [identity] = await identities_of(api, person)

    assert (await unlink(api, person, identity["id"])).status_code == 204


@pytest.fixture
async def without_mail(make_services: MakeServices) -> AsyncIterator[tuple[Services, Api, Visitor]]:
    """Give a service where nobody signs in by mail."""
    services, provider = make_services(email_sign_in=EmailSignIn.OFF), FakeProvider()
    set_up(services, provider)
    async with started(services) as app, http_client(app) as client, http_client(app, keeps_cookies=True) as browser:
        yield services, Api(client), Visitor(browser, provider)


async def test_the_last_way_in_stays(without_mail: tuple[Services, Api, Visitor]) -> None:
    services, api, visitor = without_mail
    await visitor.visit()
    person = await signed_in(visitor)
    [identity] = await identities_of(api, person)

    assert_problem(await unlink(api, person, identity["id"]), 409, "last_way_in")

    await add_passkey(api, services, person)
    person = await refreshed(api, person)
    assert (await unlink(api, person, identity["id"])).status_code == 204


async def test_an_identity_lets_the_password_and_the_passkey_go(
    without_mail: tuple[Services, Api, Visitor],
) -> None:
    services, api, visitor = without_mail
    person = await api.sign_up("Grace Hopper")
    await prove_address(services, person)
    assert_problem(await api.delete("/api/users/me/password", headers=person.headers), 409, "last_way_in")
    await visitor.visit("link", person=person)
    assert (await api.delete("/api/users/me/password", headers=person.headers)).status_code == 204
    browser = await add_passkey(api, services, replace(person, password=""))
    proved = await prove_with(api, person, browser)

    removed = await api.delete(f"/api/users/me/passkeys/{browser.id}", headers=proved.headers)

    assert removed.status_code == 204, removed.text
    [identity] = await identities_of(api, person)
    assert_problem(await unlink(api, await refreshed(api, person), identity["id"]), 409, "last_way_in")


async def test_an_identity_of_a_provider_that_is_not_set_up_is_no_way_in(
    api: Api, services: Services, person: Person, visitor: Visitor
) -> None:
    await visitor.visit("link", person=person)
    set_up(services)

    assert_problem(await api.delete("/api/users/me/password", headers=person.headers), 409, "last_way_in")

    [identity] = await identities_of(api, person)
    assert identity["title"] == "acme"


async def test_the_last_administrator_may_sign_in_by_another_provider(
    api: Api, services: Services, visitor: Visitor, database: Database
) -> None:
    await visitor.visit()
    by_provider = await signed_in(visitor)
    await give(database, by_provider.id, ["admin"])
    other = await api.sign_up("Second Admin")
    await prove_address(services, other)
    await give(database, other.id, ["admin"])

    answer = await api.delete("/api/users/me", headers=(await api.sign_in("Second Admin")).headers)

    assert answer.status_code == 202, answer.text


async def test_not_me_removes_what_a_stranger_has_linked(
    api: Api, services: Services, person: Person, visitor: Visitor, clock: FakeClock, database: Database
) -> None:
    await visitor.visit("link", person=person)
    link = await take_link(services, "identity_linked")
    await visitor.visit()
    stolen = await signed_in(visitor)
    await pass_time(services, clock, minutes=1)

    await report_and_reset(api, services, link, password="another horse 12")

    assert (await api.refresh(stolen.refresh_token)).status_code == 403
    assert await identities_of(api, await api.sign_in("Grace Hopper", password="another horse 12")) == []
    event, _, details = (await events(database, "identity"))[-1]
    assert (event, details["reason"]) == ("identity.unlinked", "not_me")


async def test_not_me_removes_the_identity_that_opened_the_session(
    api: Api, services: Services, person: Person, visitor: Visitor, stranger: Visitor, provider: FakeProvider,
    clock: FakeClock,
) -> None:  # fmt: skip
    """Whoever has got hold of the account at the provider would sign in again."""
    await visitor.visit("link", person=person)
    provider.tells(subject="2")
    await visitor.visit("link", person=person)
    await pass_time(services, clock, days=2)
    await take_mails(services)
    stranger.client.headers["user-agent"] = "curl/8.0"
    await stranger.visit()
    link = await take_link(services, "new_device")

    await report_and_reset(api, services, link, password="another horse 12")

    left = await identities_of(api, await api.sign_in("Grace Hopper", password="another horse 12"))
    assert len(left) == 1
    provider.tells(subject=PROFILE.subject)
    await visitor.visit()
    assert (await signed_in(visitor)).id == person.id


async def test_an_export_of_oneself_has_the_identities(api: Api, person: Person, visitor: Visitor) -> None:
    await visitor.visit("link", person=person)
    await visitor.go("link", person=person)

    held = (await api.get("/api/users/me/export", headers=person.headers)).json()

    [identity] = held["identities"]
    assert (identity["provider"], identity["issuer"], identity["subject"]) == (
        "acme", PROFILE.issuer, PROFILE.subject,
    )  # fmt: skip
    [pending] = held["pendingAuthorizations"]
    assert (pending["provider"], pending["purpose"]) == ("acme", "link")


async def test_an_erased_account_leaves_no_identity(
    api: Api, services: Services, person: Person, visitor: Visitor, clock: FakeClock, database: Database
) -> None:
    await visitor.visit("link", person=person)
    await visitor.go("link", person=person)
    assert (await api.delete("/api/users/me", headers=person.headers)).status_code == 202
    clock.advance(days=15)

    await services.identity.deletion.erase_due()

    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(ExternalIdentity)) == 0
        assert (await tx.scalars(select(Session))).all() == []
    assert (await visitor.visit()).headers["location"] == "http://localhost:8080/account"


async def test_an_unlinking_at_the_same_moment_keeps_a_sign_in_from_opening(
    api: Api, services: Services, person: Person, visitor: Visitor, stranger: Visitor, database: Database
) -> None:
    await visitor.visit("link", person=person)
    [identity] = await identities_of(api, person)
    state = await stranger.go()

    removed, answer = await asyncio.gather(unlink(api, person, identity["id"]), stranger.come_back(state))

    assert removed.status_code == 204
    assert answer.status_code == 303
    async with database.read() as tx:
        rows = (await tx.scalars(select(Session).where(Session.ended_at.is_(None)))).all()
    by_identity = [session for session in rows if (session.proofs or [{}])[0].get("credential") == identity["id"]]
    assert by_identity == []


async def test_a_password_that_is_proved_again_unlinks(
    api: Api, services: Services, person: Person, visitor: Visitor, clock: FakeClock
) -> None:
    await visitor.visit("link", person=person)
    [identity] = await identities_of(api, person)
    await pass_time(services, clock, minutes=6)
    proved = await prove_again(api, person, person.password, "password")

    assert (await unlink(api, proved, identity["id"])).status_code == 204


async def test_what_waited_in_a_browser_goes_with_the_link_that_is_made_another_way(
    person: Person, visitor: Visitor, provider: FakeProvider
) -> None:
    """Else whoever has the browser after a sign-out would be signed in by what the provider had said before."""
    provider.tells(is_email_verified=False)
    assert outcome(await visitor.visit()) == "email_needed"

    assert outcome(await visitor.visit("link", person=person)) == "linked"

    assert_problem(await visitor.go_on(), 401, "provider_sign_in_invalid")
