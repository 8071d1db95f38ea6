"""Proving an e-mail address."""

import asyncio

import pytest
from sqlalchemy import update

from gatepost.composition.services import Services
from gatepost.core.settings import EmailVerification
from gatepost.identity.accounts.models import User
from tests.conftest import MakeServices, http_client, started
from tests.support.api import PASSWORD, Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.links import take_link, take_mails

VERIFY = "/api/auth/email/verify"


async def is_verified(api: Api, person: Person) -> bool:
    answer = await api.get("/api/users/me", headers=person.headers)
    verified: bool = answer.json()["emailVerified"]
    return verified


async def test_link_of_the_sign_up_mail_proves_the_address(api: Api, services: Services) -> None:
    person = await api.sign_up()
    token = await take_link(services, "verify_email")
    assert not await is_verified(api, person)

    answer = await api.post(VERIFY, json={"token": token}, headers=person.headers)

    assert answer.status_code == 200
    assert await is_verified(api, person)


async def test_get_does_not_use_a_link_up(api: Api, services: Services) -> None:
    person = await api.sign_up()
    token = await take_link(services, "verify_email")

    assert (await api.get(VERIFY, params={"token": token})).status_code == 405
    assert (await api.post(VERIFY, json={"token": token}, headers=person.headers)).status_code == 200


async def test_link_is_good_once(api: Api, services: Services) -> None:
    person = await api.sign_up()
    token = await take_link(services, "verify_email")
    await api.post(VERIFY, json={"token": token}, headers=person.headers)

    assert_problem(await api.post(VERIFY, json={"token": token}, headers=person.headers), 400, "already_verified")


async def two_links(api: Api, services: Services, clock: FakeClock) -> tuple[Person, str, str]:
    """Return somebody new, and the tokens of the first link and of the one that they asked for two minutes later."""
    person = await api.sign_up()
    first = await take_link(services, "verify_email")
    clock.advance(minutes=2)
    await services.identity.revocations.poll()
    await api.post("/api/auth/email/resend", json={"email": person.email})
    return person, first, await take_link(services, "verify_email")


@pytest.mark.both_databases
async def test_used_link_says_that_the_address_is_verified_only_while_that_is_so(
    api: Api, services: Services, clock: FakeClock
) -> None:
    person, first, second = await two_links(api, services, clock)
    assert_problem(await api.post(VERIFY, json={"token": first}, headers=person.headers), 400, "link_invalid")

    await api.post(VERIFY, json={"token": second}, headers=person.headers)

    for token in (first, second):
        assert_problem(await api.post(VERIFY, json={"token": token}, headers=person.headers), 400, "already_verified")
    assert_problem(await api.post(VERIFY, json={"token": second[:-1]}), 400, "link_invalid")
    for change in ({"email_canonical": "other@example.com"}, {"disabled_at": clock.now()}, {"email_verified_at": None}):
        was = {"email_canonical": person.email, "disabled_at": None, "email_verified_at": clock.now()}
        async with services.platform.database.begin() as tx:
            await tx.execute(update(User).where(User.id == person.id).values(was | change))
        assert_problem(await api.post(VERIFY, json={"token": second}, headers=person.headers), 400, "link_invalid")


async def test_link_to_another_mailbox_of_one_canonical_form_is_no_verified_address(
    api: Api, services: Services
) -> None:
    person = await api.sign_up(email="strasse@example.com")
    await api.post(VERIFY, json={"token": await take_link(services, "verify_email")}, headers=person.headers)
    body = {"email": "straße@example.com", "currentPassword": PASSWORD}
    assert (await api.post("/api/auth/email/change", json=body, headers=person.headers)).status_code == 202
    token = await take_link(services, "confirm_new_email")

    assert (await api.post("/api/auth/signout-all", headers=person.headers)).status_code == 204

    assert_problem(await api.post(VERIFY, json={"token": token}, headers=person.headers), 400, "link_invalid")


@pytest.mark.both_databases
async def test_of_twenty_uses_at_once_one_wins(api: Api, services: Services) -> None:
    person = await api.sign_up()
    token = await take_link(services, "verify_email")

    link = {"token": token}
    answers = await asyncio.gather(*(api.post(VERIFY, json=link, headers=person.headers) for _ in range(20)))

    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19


async def test_link_ends_with_its_time(api: Api, services: Services, clock: FakeClock) -> None:
    person = await api.sign_up()
    token = await take_link(services, "verify_email")
    clock.advance(hours=48)

    assert_problem(await api.post(VERIFY, json={"token": token}, headers=person.headers), 400, "link_invalid")


async def test_newer_link_voids_the_one_before(api: Api, services: Services, clock: FakeClock) -> None:
    person, first, second = await two_links(api, services, clock)

    assert_problem(await api.post(VERIFY, json={"token": first}, headers=person.headers), 400, "link_invalid")
    assert (await api.post(VERIFY, json={"token": second}, headers=person.headers)).status_code == 200


async def test_asking_again_at_once_fills_nobodys_mailbox(api: Api, services: Services) -> None:
    person = await api.sign_up()
    await take_mails(services)

    for _ in range(5):
        await api.post("/api/auth/email/resend", json={"email": person.email})

    assert await take_mails(services) == []


@pytest.mark.both_databases
async def test_resend_answers_alike_for_every_address(api: Api, services: Services, clock: FakeClock) -> None:
    person = await api.sign_up()
    await take_mails(services)
    clock.advance(minutes=2)

    known = await api.post("/api/auth/email/resend", json={"email": person.email})
    unknown = await api.post("/api/auth/email/resend", json={"email": "nobody@example.com"})

    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json()) == (202, unknown.json())
    assert [mail.address for mail in await take_mails(services)] == [person.email]


@pytest.mark.both_databases
async def test_link_is_void_once_the_account_has_another_address(api: Api, services: Services) -> None:
    person = await api.sign_up()
    token = await take_link(services, "verify_email")
    async with services.platform.database.begin() as tx:
        await tx.execute(update(User).where(User.id == person.id).values(email_canonical="other@example.com"))

    assert_problem(await api.post(VERIFY, json={"token": token}, headers=person.headers), 400, "link_invalid")


async def test_required_verification_comes_before_the_first_sign_in(make_services: MakeServices) -> None:
    services = make_services(email_verification=EmailVerification.REQUIRED)
    async with started(services) as app, http_client(app) as client:
        api = Api(client)
        sign_up = {"username": "Abbey", "email": "abbey@example.com", "password": PASSWORD}
        credentials = {"username": "Abbey", "password": PASSWORD}

        answer = await api.post("/api/auth/signup", json=sign_up)
        assert (answer.status_code, list(answer.json())) == (202, ["message"])
        assert_problem(await api.post("/api/auth/signin", json=credentials), 403, "email_unverified")
        wrong = await api.post("/api/auth/signin", json=credentials | {"password": "wrong horse"})
        assert_problem(wrong, 401, "invalid_credentials")

        link = {"token": await take_link(services, "verify_email")}
        assert_problem(await api.post(VERIFY, json=link), 400, "proof_required")
        await api.post(VERIFY, json={**link, "password": PASSWORD})
        assert (await api.post("/api/auth/signin", json=credentials)).status_code == 200


async def test_without_verification_no_mail_is_sent(make_services: MakeServices) -> None:
    services = make_services(email_verification=EmailVerification.OFF)
    async with started(services) as app, http_client(app) as client:
        await Api(client).sign_up()

    assert await take_mails(services) == []
