"""Who may say "this was not me": of several addresses that an account has had, the first one has the last word."""

import pytest
from sqlalchemy import select

from gatepost.composition.services import Services
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.roles import RoleName
from gatepost.identity.links.models import OneTimeToken
from tests.features.admin.conftest import give
from tests.support.api import PASSWORD, Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.factors import prove_address
from tests.support.links import Mail, take_link, take_mails

CHANGE = "/api/auth/email/change"
VERIFY = "/api/auth/email/verify"
NOT_ME = "/api/auth/not-me"
USERS = "/api/admin/users"
THIEF = "thief@example.com"
OTHER_DEVICE = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


async def move(api: Api, services: Services, person: Person, to: str, *, password: str = PASSWORD) -> list[Mail]:
    """Change the address of somebody's account; return the mails of the change."""
    await take_mails(services)
    wish = {"email": to, "currentPassword": password}
    assert (await api.post(CHANGE, headers=person.headers, json=wish)).status_code == 202
    token = await take_link(services, "confirm_new_email")
    assert (await api.post(VERIFY, json={"token": token}, headers=person.headers)).status_code == 200
    return await take_mails(services)


async def sign_in_elsewhere(api: Api, services: Services, person: Person) -> Mail:
    """Sign in on another device; return the mail that warns of it."""
    await take_mails(services)
    body = {"username": person.username, "password": PASSWORD}
    assert (await api.post("/api/auth/signin", json=body, headers=OTHER_DEVICE)).status_code == 200
    return next(mail for mail in await take_mails(services) if mail.kind == "new_device")


async def email_of(services: Services, person: Person) -> str:
    async with services.platform.database.read() as tx:
        return (await tx.scalars(select(User.email).where(User.id == person.id))).one()


async def admin(api: Api, services: Services) -> Person:
    root = await api.sign_up("Root")
    await give(services.platform.database, root.id, [RoleName.ADMIN])
    return await api.sign_in("Root")


async def test_warning_of_before_a_change_of_address_takes_the_account_back(api: Api, services: Services) -> None:
    owner = await api.sign_up()
    warning = await sign_in_elsewhere(api, services, owner)
    await move(api, services, owner, THIEF)

    assert (await api.post(NOT_ME, json={"token": warning.token})).status_code == 200

    assert await email_of(services, owner) == owner.email
    assert [(mail.kind, mail.address) for mail in await take_mails(services)] == [("reset_password", owner.email)]


async def test_owner_ends_what_the_thief_could_say(api: Api, services: Services) -> None:
    owner = await api.sign_up()
    (first,) = await move(api, services, owner, THIEF)
    (second,) = await move(api, services, owner, "thief2@example.com")
    assert (first.address, second.address) == (owner.email, THIEF)

    assert (await api.post(NOT_ME, json={"token": first.token})).status_code == 200

    assert_problem(await api.post(NOT_ME, json={"token": second.token}), 400, "link_invalid")
    assert await email_of(services, owner) == owner.email


async def test_thief_who_says_it_first_does_not_end_what_the_owner_can_say(api: Api, services: Services) -> None:
    owner = await api.sign_up()
    (first,) = await move(api, services, owner, THIEF)
    (second,) = await move(api, services, owner, "thief2@example.com")
    assert (await api.post(NOT_ME, json={"token": second.token})).status_code == 200
    assert await email_of(services, owner) == THIEF

    assert (await api.post(NOT_ME, json={"token": first.token})).status_code == 200

    assert await email_of(services, owner) == owner.email


async def test_owner_who_changes_the_address_back_leaves_the_thief_nothing_to_say(api: Api, services: Services) -> None:
    owner = await api.sign_up()
    await move(api, services, owner, THIEF)
    warning = await sign_in_elsewhere(api, services, owner)
    assert warning.address == THIEF

    (told,) = await move(api, services, owner, owner.email)

    assert (told.kind, told.address, told.tokens) == ("email_changed", THIEF, [])
    assert_problem(await api.post(NOT_ME, json={"token": warning.token}), 400, "link_invalid")


async def test_second_device_of_the_thief_can_be_reported_too(api: Api, services: Services) -> None:
    owner = await api.sign_up()
    first = await sign_in_elsewhere(api, services, owner)
    body = {"username": owner.username, "password": PASSWORD}
    await api.post("/api/auth/signin", json=body, headers={"User-Agent": "SomeApp/1.0"})
    second = next(mail for mail in await take_mails(services) if mail.kind == "new_device")

    assert (await api.post(NOT_ME, json={"token": first.token})).status_code == 200
    assert (await api.post(NOT_ME, json={"token": second.token})).status_code == 200


async def test_sessions_that_began_after_the_reported_one_end_with_it(
    api: Api, services: Services, clock: FakeClock
) -> None:
    owner = await api.sign_up()
    await prove_address(services, owner)
    clock.advance(seconds=1)
    warning = await sign_in_elsewhere(api, services, owner)
    clock.advance(seconds=1)
    later = await api.sign_in()

    await api.post(NOT_ME, json={"token": warning.token})

    assert_problem(await api.user_board(later.access_token), 401, "token_revoked")
    assert (await api.user_board(owner.access_token)).status_code == 200


@pytest.mark.parametrize("when", ["queued", "sent"])
async def test_former_address_says_nothing_of_an_account_that_an_administrator_has_given_away(
    quiet_api: Api, services: Services, when: str
) -> None:
    root, former = await admin(quiet_api, services), await quiet_api.sign_up()
    await take_mails(services)
    body = {"username": former.username, "password": PASSWORD}
    await quiet_api.post("/api/auth/signin", json=body, headers=OTHER_DEVICE)
    tokens = [mail.token for mail in await take_mails(services)] if when == "sent" else []
    change = {"email": "successor@example.com", "username": "Successor"}
    assert (await quiet_api.patch(f"{USERS}/{former.id}", json=change, headers=root.headers)).status_code == 200

    mails = [mail for mail in await take_mails(services) if mail.address == former.email]

    assert "email_changed" in {mail.kind for mail in mails}
    assert [mail.tokens for mail in mails if mail.tokens] == []
    assert not [mail for mail in mails if "Successor" in mail.text or "successor" in mail.text]
    for token in tokens:
        assert_problem(await quiet_api.post(NOT_ME, json={"token": token}), 400, "link_invalid")
    assert await email_of(services, former) == "successor@example.com"


@pytest.mark.both_databases
@pytest.mark.parametrize("spelling", ["ｏｗｎｅｒ-ss@example.com", "owner-ß@example.com"])
@pytest.mark.parametrize("when", ["queued", "sent"])
async def test_other_spelling_by_an_administrator_is_another_mailbox(
    quiet_api: Api, services: Services, when: str, spelling: str
) -> None:
    root, former = await admin(quiet_api, services), await quiet_api.sign_up(email="owner-ss@example.com")
    await quiet_api.post(VERIFY, json={"token": (await take_mails(services))[-1].token}, headers=former.headers)
    body = {"username": former.username, "password": PASSWORD}
    await quiet_api.post("/api/auth/signin", json=body, headers=OTHER_DEVICE)
    tokens = [mail.token for mail in await take_mails(services)] if when == "sent" else []

    answer = await quiet_api.patch(f"{USERS}/{former.id}", json={"email": spelling}, headers=root.headers)

    assert (answer.json()["email"], answer.json()["emailVerified"]) == (spelling, False)
    mails = await take_mails(services)
    assert ("email_changed", former.email, []) in [(mail.kind, mail.address, mail.tokens) for mail in mails]
    assert [mail.kind for mail in mails if mail.tokens] == ["verify_email"]
    for token in tokens:
        assert_problem(await quiet_api.post(NOT_ME, json={"token": token}), 400, "link_invalid")


@pytest.mark.both_databases
async def test_other_case_by_an_administrator_is_the_same_mailbox(quiet_api: Api, services: Services) -> None:
    root, person = await admin(quiet_api, services), await quiet_api.sign_up()
    await quiet_api.post(VERIFY, json={"token": (await take_mails(services))[-1].token}, headers=person.headers)
    spelling = person.email.replace("abbey", "Abbey")

    answer = await quiet_api.patch(f"{USERS}/{person.id}", json={"email": spelling}, headers=root.headers)

    assert (answer.json()["email"], answer.json()["emailVerified"]) == (spelling, True)
    assert await take_mails(services) == []


@pytest.mark.both_databases
async def test_thief_whose_mailbox_is_another_spelling_of_the_owners_has_no_claim_of_it(
    api: Api, services: Services
) -> None:
    owner = await api.sign_up(email="owner@example.com")
    warning = await sign_in_elsewhere(api, services, owner)
    await move(api, services, owner, THIEF)
    (told,) = await move(api, services, owner, "ｏｗｎｅｒ@example.com")
    assert told.tokens

    assert (await api.post(NOT_ME, json={"token": warning.token})).status_code == 200

    assert await email_of(services, owner) == owner.email
    assert [(mail.kind, mail.address) for mail in await take_mails(services)] == [("reset_password", owner.email)]
    assert_problem(await api.post(NOT_ME, json={"token": told.token}), 400, "link_invalid")


async def test_account_whose_owner_has_lost_the_address_is_not_left_to_the_thief(api: Api, services: Services) -> None:
    owner = await api.sign_up()
    (told,) = await move(api, services, owner, THIEF)
    newcomer = await api.sign_up("Newcomer", email=owner.email)
    await api.post(VERIFY, json={"token": await take_link(services, "verify_email")}, headers=newcomer.headers)
    assert (await api.post(NOT_ME, json={"token": told.token})).json()["linkSent"] is False

    await api.post("/api/auth/password/forgot", json={"email": THIEF})

    assert await take_mails(services) == []
    assert (await email_of(services, owner)).endswith(".invalid")


async def test_link_of_before_the_upgrade_acts_on_no_account_that_has_moved(api: Api, services: Services) -> None:
    owner = await api.sign_up()
    warning = await sign_in_elsewhere(api, services, owner)
    async with services.platform.database.begin() as tx:
        user = (await tx.scalars(select(User).where(User.id == owner.id))).one()
        user.email = user.email_canonical = "successor@example.com"
        for row in await tx.scalars(select(OneTimeToken)):
            row.data = {name: value for name, value in row.data.items() if name != "email"}

    assert_problem(await api.post(NOT_ME, json={"token": warning.token}), 400, "link_invalid")
