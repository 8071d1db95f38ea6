"""Changing the e-mail address."""

import pytest
from sqlalchemy import select

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.flows.recovery.router import RESPELLED
from tests.support.api import PASSWORD, Api, Person, assert_problem
from tests.support.links import take_link, take_mails

CHANGE = "/api/auth/email/change"
VERIFY = "/api/auth/email/verify"
NOT_ME = "/api/auth/not-me"


async def email_of(api: Api, person: Person) -> str:
    email: str = (await api.get("/api/users/me", headers=person.headers)).json()["email"]
    return email


async def ask(api: Api, services: Services, person: Person, email: str = "new@example.com") -> None:
    await take_mails(services)
    answer = await api.post(CHANGE, headers=person.headers, json={"email": email, "currentPassword": PASSWORD})
    assert answer.status_code == 202


async def test_new_address_counts_once_it_is_confirmed(api: Api, services: Services) -> None:
    person = await api.sign_up()
    await ask(api, services, person)
    mails = await take_mails(services)
    assert [(mail.kind, mail.address) for mail in mails] == [("confirm_new_email", "new@example.com")]
    assert await email_of(api, person) == person.email

    assert (await api.post(VERIFY, json={"token": mails[0].token}, headers=person.headers)).status_code == 200

    assert await email_of(api, person) == "new@example.com"
    told = await take_mails(services)
    assert [(mail.kind, mail.address) for mail in told] == [("email_changed", person.email)]


async def test_change_needs_the_password(api: Api, services: Services) -> None:
    person = await api.sign_up()
    await take_mails(services)
    body = {"email": "new@example.com", "currentPassword": "wrong"}

    assert_problem(await api.post(CHANGE, headers=person.headers, json=body), 403, "wrong_password")
    assert await take_mails(services) == []
    assert (await api.get("/api/users/me", headers=person.headers)).json()["email"] == person.email


async def test_nobody_learns_that_an_address_is_taken(api: Api, services: Services) -> None:
    other = await api.sign_up("Other")
    person = await api.sign_up()

    await ask(api, services, person, other.email)

    assert await take_mails(services) == []


async def test_address_that_is_taken_in_the_meantime_is_refused(api: Api, services: Services) -> None:
    person = await api.sign_up()
    await ask(api, services, person)
    token = await take_link(services, "confirm_new_email")
    await api.sign_up("Other", email="new@example.com")

    assert_problem(await api.post(VERIFY, json={"token": token}, headers=person.headers), 400, "email_taken")
    assert await email_of(api, person) == person.email


async def test_old_address_takes_a_change_back(api: Api, services: Services) -> None:
    person = await api.sign_up()
    await ask(api, services, person)
    await api.post(VERIFY, json={"token": await take_link(services, "confirm_new_email")}, headers=person.headers)
    token = await take_link(services, "email_changed")

    assert (await api.post(NOT_ME, json={"token": token})).status_code == 200

    assert_problem(await api.user_board(person.access_token), 401, "token_revoked")
    signed_in = await api.post("/api/auth/signin", json={"username": person.username, "password": PASSWORD})
    assert_problem(signed_in, 401, "invalid_credentials")
    mails = await take_mails(services)
    assert [(mail.kind, mail.address) for mail in mails] == [("reset_password", person.email)]
    reset = {"token": mails[0].token, "password": "another horse"}
    assert (await api.post("/api/auth/password/reset", json=reset)).status_code == 200
    assert await email_of(api, await api.sign_in(password="another horse")) == person.email


async def test_stranger_cannot_void_the_way_back(api: Api, services: Services) -> None:
    person = await api.sign_up()
    await ask(api, services, person)
    await api.post(VERIFY, json={"token": await take_link(services, "confirm_new_email")}, headers=person.headers)
    token = await take_link(services, "email_changed")
    change = {"currentPassword": PASSWORD, "newPassword": "strangers horse"}
    assert (await api.post("/api/auth/password/change", headers=person.headers, json=change)).status_code == 204

    assert (await api.post(NOT_ME, json={"token": token})).status_code == 200


async def test_link_of_the_old_address_does_not_set_the_password(api: Api, services: Services) -> None:
    person = await api.sign_up()
    await api.post("/api/auth/password/forgot", json={"email": person.email})
    token = await take_link(services, "reset_password")
    await ask(api, services, person)
    await api.post(VERIFY, json={"token": await take_link(services, "confirm_new_email")}, headers=person.headers)

    reset = {"token": token, "password": "another horse"}
    assert_problem(await api.post("/api/auth/password/reset", json=reset), 400, "link_invalid")


async def changed_by_a_thief(api: Api, services: Services, person: Person) -> str:
    """Change the address and return the token of the mail that warns the owner."""
    await ask(api, services, person)
    await api.post(VERIFY, json={"token": await take_link(services, "confirm_new_email")}, headers=person.headers)
    return await take_link(services, "email_changed")


async def test_newcomer_who_has_not_proved_the_old_address_loses_it(api: Api, services: Services) -> None:
    person = await api.sign_up()
    token = await changed_by_a_thief(api, services, person)
    newcomer = await api.sign_up("Newcomer", email=person.email)
    await take_mails(services)

    answer = await api.post(NOT_ME, json={"token": token})

    assert (answer.status_code, answer.json()["linkSent"]) == (200, True)
    mails = await take_mails(services)
    assert [(mail.kind, mail.address) for mail in mails] == [("reset_password", person.email)]
    reset = {"token": mails[0].token, "password": "another horse"}
    assert (await api.post("/api/auth/password/reset", json=reset)).status_code == 200
    assert await email_of(api, await api.sign_in(password="another horse")) == person.email
    assert (await email_of(api, newcomer)).endswith(".invalid")


async def test_no_link_is_sent_where_another_account_has_proved_the_old_address(api: Api, services: Services) -> None:
    person = await api.sign_up()
    token = await changed_by_a_thief(api, services, person)
    newcomer = await api.sign_up("Newcomer", email=person.email)
    await api.post(VERIFY, json={"token": await take_link(services, "verify_email")}, headers=newcomer.headers)

    answer = await api.post(NOT_ME, json={"token": token})

    assert (answer.status_code, answer.json()["linkSent"]) == (200, False)
    assert await take_mails(services) == []
    assert await email_of(api, newcomer) == person.email
    assert_problem(await api.user_board(person.access_token), 401, "token_revoked")


@pytest.mark.both_databases
async def test_same_mailbox_in_other_letter_case_is_changed_at_once(
    api: Api, services: Services, database: Database
) -> None:
    person = await api.sign_up(email="heba@example.com")
    verify = await take_link(services, "verify_email")
    assert (await api.post(VERIFY, json={"token": verify}, headers=person.headers)).status_code == 200
    before = (await api.get("/api/users/me", headers=person.headers)).json()

    for spelled in ("Heba@Example.com", "Heba@Example.com", "heba@example.com", "HEBA@example.com"):
        body = {"email": spelled, "currentPassword": PASSWORD}
        answer = await api.post(CHANGE, headers=person.headers, json=body)
        assert (answer.status_code, answer.json()["message"] == RESPELLED) == (202, True)

    after = (await api.get("/api/users/me", headers=person.headers)).json()
    assert after == {**before, "email": "HEBA@example.com", "updatedAt": after["updatedAt"]}
    assert await take_mails(services) == []
    assert (await api.post("/api/auth/signin", json={"username": "heba@example.com", "password": PASSWORD})).is_success
    async with database.read() as tx:
        told = (await tx.scalars(select(AuditEntry.details).where(AuditEntry.event == "email.changed"))).all()
    assert told == [{"mailbox": "same"}] * 3


async def test_change_of_case_needs_the_password(api: Api, services: Services) -> None:
    person = await api.sign_up(email="heba@example.com")
    body = {"email": "Heba@example.com", "currentPassword": "wrong"}

    assert_problem(await api.post(CHANGE, headers=person.headers, json=body), 403, "wrong_password")
    assert await email_of(api, person) == "heba@example.com"


@pytest.mark.both_databases
async def test_own_address_in_a_spelling_of_another_mailbox_is_to_be_proved(api: Api, services: Services) -> None:
    person = await api.sign_up(email="strasse@example.com")

    await ask(api, services, person, "straße@example.com")
    assert await email_of(api, person) == "strasse@example.com"
    assert (
        await api.post(VERIFY, json={"token": await take_link(services, "confirm_new_email")}, headers=person.headers)
    ).status_code == 200

    assert await email_of(api, person) == "straße@example.com"


async def test_part_before_the_at_has_64_octets(api: Api) -> None:
    person = await api.sign_up()
    fits, too_long, too_long_in_utf8 = "a" * 64, "a" * 65, "ä" * 33
    routes = {
        "/api/auth/signup": {"username": "Other", "password": PASSWORD},
        "/api/auth/password/forgot": {},
        "/api/auth/email/resend": {},
        CHANGE: {"currentPassword": PASSWORD},
    }
    for route, body in routes.items():
        for local in (too_long, too_long_in_utf8):
            refused = await api.post(route, headers=person.headers, json={**body, "email": f"{local}@example.com"})
            problem = assert_problem(refused, 422, "validation_failed")
            assert [(error["field"], error["code"]) for error in problem["errors"]] == [("email", "email_invalid")]
            assert "64 bytes" in problem["errors"][0]["message"]
        taken = await api.post(route, headers=person.headers, json={**body, "email": f"{fits}@example.com"})
        assert taken.is_success, route
