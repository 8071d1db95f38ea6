"""Accounts that have the address already, and providers that give none."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.core.settings import EmailVerification
from gatepost.identity.accounts.models import User
from gatepost.identity.external.models import ExternalIdentity
from gatepost.identity.sessions.models import Session
from tests.conftest import MakeServices, http_client, started
from tests.support.api import PASSWORD, Api, assert_problem
from tests.support.clock import FakeClock
from tests.support.email_codes import Tab
from tests.support.external import FakeProvider, Visitor, outcome, person_of, set_up, signed_in
from tests.support.factors import begin_sign_in, prove_address
from tests.support.links import take_link, take_mails


async def identities(database: Database) -> list[int]:
    async with database.read() as tx:
        return list(await tx.scalars(select(ExternalIdentity.user_id)))


async def test_a_proved_address_is_not_linked_until_its_owner_signs_in_as_before(
    api: Api, services: Services, visitor: Visitor, database: Database
) -> None:
    person = await api.sign_up()
    await prove_address(services, person)
    await take_mails(services)

    assert outcome(await visitor.visit()) == "account_exists"
    answer = assert_problem(await visitor.go_on(), 409, "account_exists")
    assert (answer["provider"], answer["title"], answer["email"]) == ("acme", "Acme", person.email)
    assert "gatepost_access" not in visitor.client.cookies
    assert await identities(database) == []

    person = await api.sign_in()
    linked = await visitor.link_after(person)
    assert linked.status_code == 201, linked.text
    assert (linked.json()["provider"], linked.json()["email"]) == ("acme", person.email)
    assert [mail.kind for mail in await take_mails(services)] == ["identity_linked"]
    assert await identities(database) == [person.id]
    assert_problem(await visitor.link_after(person), 401, "provider_sign_in_invalid")
    assert (await visitor.visit()).headers["location"] == "http://localhost:8080/account"
    assert (await signed_in(visitor)).id == person.id


async def test_what_waits_in_a_browser_is_linked_with_no_other_account(
    api: Api, services: Services, visitor: Visitor, stranger: Visitor, database: Database
) -> None:
    person = await api.sign_up()
    await prove_address(services, person)
    other = await api.sign_up("Grace Hopper")
    await visitor.visit()

    assert_problem(await visitor.link_after(other), 401, "provider_sign_in_invalid")
    assert_problem(await stranger.link_after(person), 401, "provider_sign_in_invalid")

    assert await identities(database) == []


async def test_linking_takes_a_fresh_proof(api: Api, services: Services, visitor: Visitor, clock: FakeClock) -> None:
    person = await api.sign_up()
    await prove_address(services, person)
    clock.advance(minutes=6)
    await services.identity.revocations.poll()
    await visitor.visit()

    assert_problem(await visitor.link_after(person), 401, "step_up_required")


@pytest.mark.both_databases
async def test_an_address_that_nobody_has_proved_is_taken_back(
    api: Api, services: Services, visitor: Visitor, database: Database
) -> None:
    """Else a stranger who has signed up with it would have the account of whoever comes by the provider."""
    squatter = await api.sign_up("Squatter", email="abbey.salami@example.com")
    await take_mails(services)

    answer = await visitor.visit()

    assert answer.headers["location"] == "http://localhost:8080/account"
    owner = await signed_in(visitor)
    assert owner.id == squatter.id
    assert (await begin_sign_in(api, squatter)).status_code == 401
    assert (await api.refresh(squatter.refresh_token)).status_code == 403
    assert [mail.kind for mail in await take_mails(services)] == ["identity_linked"]
    async with database.read() as tx:
        user = (await tx.scalars(select(User))).one()
    assert (user.email_verified_at is not None, user.has_password) == (True, False)


async def test_where_addresses_are_not_verified_nobody_is_taken_for_a_squatter(make_services: MakeServices) -> None:
    services, provider = make_services(email_verification=EmailVerification.OFF), FakeProvider()
    set_up(services, provider)
    async with started(services) as app, http_client(app, keeps_cookies=True) as client:
        person = await Api(client).sign_up(email="abbey.salami@example.com")

        assert outcome(await Visitor(client, provider).visit()) == "account_exists"

        assert (await begin_sign_in(Api(client), person)).status_code == 200


async def test_an_address_that_the_provider_does_not_vouch_for_is_proved_first(
    services: Services, visitor: Visitor, provider: FakeProvider, database: Database
) -> None:
    provider.tells(is_email_verified=False)

    assert outcome(await visitor.visit()) == "email_needed"
    answer = assert_problem(await visitor.go_on(), 409, "email_needed")
    assert (answer["provider"], answer["title"], answer["email"]) == ("acme", "Acme", "abbey.salami@example.com")
    assert (await visitor.ask_code("new@example.com")).status_code == 202
    [mail] = await take_mails(services)
    assert (mail.kind, mail.address) == ("address_code", "new@example.com")
    assert_problem(await visitor.sign_up_with("new@example.com", "000000"), 401, "invalid_code")
    assert_problem(await visitor.sign_up_with("abbey.salami@example.com", mail.code), 401, "invalid_code")

    person = person_of(await visitor.sign_up_with("new@example.com", mail.code))

    assert (person.email, person.username) == ("new@example.com", "Abbey Salami")
    async with database.read() as tx:
        user = (await tx.scalars(select(User))).one()
    assert user.email_verified_at is not None
    assert await identities(database) == [person.id]
    assert_problem(await visitor.go_on(), 401, "provider_sign_in_invalid")


async def test_an_address_that_no_account_can_have_is_as_good_as_none(
    api: Api, services: Services, visitor: Visitor, provider: FakeProvider
) -> None:
    """A provider inside a company may vouch for addresses that no mail reaches."""
    provider.tells(email="abbey.salami@corp.local")

    assert outcome(await visitor.visit()) == "email_needed"
    assert "email" not in assert_problem(await visitor.go_on(), 409, "email_needed")
    assert_problem(await visitor.link_after(await api.sign_up("Grace Hopper")), 401, "provider_sign_in_invalid")
    await take_mails(services)
    await visitor.ask_code("new@example.com")
    [mail] = await take_mails(services)

    assert person_of(await visitor.sign_up_with("new@example.com", mail.code)).email == "new@example.com"


async def test_a_user_name_can_be_chosen_and_is_refused_where_it_is_taken(
    api: Api, services: Services, visitor: Visitor, provider: FakeProvider
) -> None:
    await api.sign_up("Grace Hopper")
    provider.tells(email=None)
    await visitor.visit()
    await visitor.ask_code("new@example.com")
    code = next(mail.code for mail in await take_mails(services) if mail.kind == "address_code")

    taken = await visitor.sign_up_with("new@example.com", code, username="grace hopper")
    assert_problem(taken, 400, "username_taken")
    assert_problem(
        await visitor.sign_up_with("new@example.com", code, username="a@example.com"), 422, "validation_failed"
    )

    assert person_of(await visitor.sign_up_with("new@example.com", code, username="Ada")).username == "Ada"


async def test_that_an_account_has_an_address_is_told_to_who_reads_its_mail(
    api: Api, services: Services, visitor: Visitor, provider: FakeProvider, database: Database
) -> None:
    person = await api.sign_up()
    await prove_address(services, person)
    provider.tells(is_email_verified=False)
    await take_mails(services)
    known: list[Any] = []
    unknown: list[Any] = []
    for answers, address in ((known, person.email), (unknown, "nobody@example.com")):
        assert outcome(await visitor.visit()) == "email_needed"
        asked = await visitor.ask_code(address)
        wrong = await visitor.sign_up_with(address, "000000")
        answers += [asked.status_code, asked.json(), wrong.status_code, wrong.json()["code"]]
    assert known == unknown
    await take_mails(services)

    await visitor.ask_code(person.email)
    [mail] = await take_mails(services)
    answer = assert_problem(await visitor.sign_up_with(person.email, mail.code), 409, "account_exists")

    assert answer["email"] == person.email
    assert await identities(database) == []
    linked = await visitor.link_after(await api.sign_in())
    assert linked.status_code == 201, linked.text


async def test_a_code_is_good_for_the_sign_in_that_asked_for_it(
    services: Services, visitor: Visitor, stranger: Visitor, provider: FakeProvider
) -> None:
    provider.tells(email=None)
    await visitor.visit()
    await stranger.visit()
    await visitor.ask_code("new@example.com")
    [mail] = await take_mails(services)

    assert_problem(await stranger.sign_up_with("new@example.com", mail.code), 401, "invalid_code")


async def test_nothing_is_sent_without_a_sign_in(visitor: Visitor, services: Services) -> None:
    assert_problem(await visitor.ask_code("new@example.com"), 401, "provider_sign_in_invalid")
    assert_problem(await visitor.sign_up_with("new@example.com", "123456"), 401, "provider_sign_in_invalid")

    assert await take_mails(services) == []


async def test_an_address_that_the_provider_vouches_for_cannot_be_exchanged_for_another(
    api: Api, services: Services, visitor: Visitor
) -> None:
    person = await api.sign_up()
    await prove_address(services, person)
    await take_mails(services)
    assert outcome(await visitor.visit()) == "account_exists"

    assert (await visitor.ask_code("other@example.com")).status_code == 202
    assert_problem(await visitor.sign_up_with("other@example.com", "123456"), 401, "provider_sign_in_invalid")

    assert await take_mails(services) == []


async def test_names_are_shown_as_they_are_and_bounded(visitor: Visitor, provider: FakeProvider) -> None:
    provider.tells(name="<script>alert(1)</script>" * 20, username=None)

    await visitor.visit()

    assert (await signed_in(visitor)).username == "abbey.salami"


@pytest.mark.both_databases
async def test_many_callbacks_of_one_person_make_one_account(
    make_services: MakeServices, services: Services, app: object, provider: FakeProvider, database: Database
) -> None:
    other = make_services()
    set_up(other, provider)
    async with started(other) as second:
        clients = [http_client(one, keeps_cookies=True) for one in (app, second) * 4]  # type: ignore[arg-type]
        visitors = [Visitor(client, provider) for client in clients]
        states = [await visitor.go() for visitor in visitors]

        answers = await asyncio.gather(
            *(visitor.come_back(state) for visitor, state in zip(visitors, states, strict=True))
        )

        for client in clients:
            await client.aclose()
    assert {answer.headers["location"] for answer in answers} == {"http://localhost:8080/account"}
    async with database.read() as tx:
        assert len((await tx.scalars(select(User))).all()) == 1
        assert len((await tx.scalars(select(ExternalIdentity))).all()) == 1
        assert len((await tx.scalars(select(Session))).all()) == 8


@pytest.mark.both_databases
async def test_a_sign_up_by_password_and_one_by_provider_at_once_make_one_account(
    make_services: MakeServices, api: Api, visitor: Visitor, provider: FakeProvider, database: Database
) -> None:
    other = make_services()
    set_up(other, provider)
    body = {"username": "Abbey", "email": "abbey.salami@example.com", "password": PASSWORD}
    async with started(other) as second, http_client(second, keeps_cookies=True) as client:
        twin = Visitor(client, provider)
        states = [await visitor.go(), await twin.go()]

        password, *provided = await asyncio.gather(
            api.post("/api/auth/signup", json=body), visitor.come_back(states[0]), twin.come_back(states[1])
        )

    assert password.status_code in (201, 400), password.text
    assert [answer.status_code for answer in provided] == [303, 303]
    async with database.read() as tx:
        user = (await tx.scalars(select(User))).one()
        assert (await tx.scalars(select(ExternalIdentity.user_id))).all() == [user.id]
    # Whoever was first: the provider vouches for the address, and the password's owner has not proved it.
    assert (user.email_verified_at is not None, user.has_password) == (True, False)


@pytest.mark.both_databases
@pytest.mark.parametrize("way", ["provider", "code"])
async def test_a_new_address_is_given_to_no_account_whose_owner_is_not_there(
    way: str, api: Api, services: Services, visitor: Visitor, database: Database
) -> None:
    """Else a stranger with an account of their own could have the address of others verified by their click."""
    if way == "provider":
        await visitor.visit()
        stranger = await signed_in(visitor)
    else:
        tab = Tab(api, services)
        stranger = person_of(await tab.signed_in())
    await take_mails(services)
    change = {"email": "victim@example.com"}
    assert (await api.post("/api/auth/email/change", json=change, headers=stranger.headers)).status_code == 202
    token = await take_link(services, "confirm_new_email")

    answer = await api.post("/api/auth/email/verify", json={"token": token})

    assert assert_problem(answer, 400, "proof_required")["methods"] == []
    async with database.read() as tx:
        assert await tx.scalar(select(User.email).where(User.id == stranger.id)) == stranger.email
    theirs = await api.post("/api/auth/email/verify", json={"token": token}, headers=stranger.headers)
    assert theirs.status_code == 200, theirs.text


async def test_codes_asked_for_again_and_again_do_not_keep_an_answer_for_more_than_an_hour(
    visitor: Visitor, provider: FakeProvider, clock: FakeClock
) -> None:
    provider.tells(email=None)
    await visitor.visit()
    asked = []
    for _ in range(8):
        asked.append((await visitor.ask_code("new@example.com")).status_code)
        clock.advance(minutes=9)

    assert asked == [202] * 7 + [401]
