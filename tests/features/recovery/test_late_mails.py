"""Mails that leave later than they were asked for: each belongs to its account as it was then."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import inspect, select

from gatepost.composition.services import Services
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.repository import Users
from gatepost.identity.accounts.roles import RoleName
from gatepost.identity.links.models import OneTimeToken
from gatepost.identity.links.tokens import OneTimeTokens, Purpose
from gatepost.mail.models import OutboxMail
from gatepost.mail.outbox import MailKind, enqueue
from tests.features.admin.conftest import at_once, give
from tests.features.recovery.test_link_ends import USES
from tests.support.api import PASSWORD, Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.links import take_link, take_mails
from tests.support.workers import held_up

FORGOT = "/api/auth/password/forgot"
RESET = "/api/auth/password/reset"
CHANGE = "/api/auth/email/change"
VERIFY = "/api/auth/email/verify"
USERS = "/api/admin/users"


@pytest.fixture
async def admin(quiet_api: Api, services: Services) -> Person:
    root = await quiet_api.sign_up("Root")
    await give(services.platform.database, root.id, [RoleName.ADMIN])
    return await quiet_api.sign_in("Root")


async def queued(services: Services) -> list[dict[str, Any]]:
    """Return the rows of the outbox, as they could be put in again."""
    async with services.platform.database.read() as tx:
        rows = (await tx.scalars(select(OutboxMail).order_by(OutboxMail.id))).all()
    columns = [column.key for column in inspect(OutboxMail).column_attrs if column.key != "id"]
    return [{name: getattr(row, name) for name in columns} for row in rows]


async def put_in(services: Services, **row: Any) -> None:
    """Put a row into the outbox that is due."""
    now = services.platform.clock.now()
    given: dict[str, Any] = {
        "user_id": None,
        "language": "en",
        "data": {},
        "attempts": 0,
        "last_error": "",
        "created_at": now,
    }
    async with services.platform.database.begin() as tx:
        tx.add(OutboxMail(**{**given, **row, "due_at": now}))


async def test_thief_waits_for_a_mail_server_that_defers(quiet_api: Api, services: Services, clock: FakeClock) -> None:
    owner = await quiet_api.sign_up()
    await quiet_api.post(FORGOT, json={"email": owner.email})
    reset = await take_link(services, "reset_password")
    wish = {"email": "thief@example.com", "currentPassword": PASSWORD}
    assert (await quiet_api.post(CHANGE, headers=owner.headers, json=wish)).status_code == 202

    assert (await quiet_api.post(RESET, json={"token": reset, "password": "another horse"})).status_code == 200
    clock.advance(hours=30)

    assert [mail.address for mail in await take_mails(services)] == [owner.email]


async def test_what_is_asked_while_an_account_is_disabled_does_not_wait_for_its_return(
    quiet_api: Api, services: Services, admin: Person, clock: FakeClock
) -> None:
    person = await quiet_api.sign_up()
    await take_mails(services)
    await quiet_api.post(f"{USERS}/{person.id}/disable", headers=admin.headers)
    clock.advance(minutes=2)
    await services.identity.revocations.poll()
    for path in (FORGOT, "/api/auth/email/resend"):
        await quiet_api.post(path, json={"email": person.email})

    await quiet_api.post(f"{USERS}/{person.id}/enable", headers=admin.headers)

    assert await take_mails(services) == []


@pytest.mark.parametrize(
    "purpose", [Purpose.VERIFY_EMAIL, Purpose.CHANGE_EMAIL, Purpose.SET_PASSWORD, Purpose.COMPROMISE_REPORT]
)
async def test_link_that_is_used_in_the_middle_of_disabling_does_nothing(
    quiet_api: Api, services: Services, purpose: Purpose
) -> None:
    person = await quiet_api.sign_up()
    async with services.platform.database.begin() as tx:
        tokens, now = OneTimeTokens(tx), services.platform.clock.now()
        data = {"email": person.email}
        asked = await tokens.ask(purpose, user_id=person.id, email_canonical=person.email, now=now, data=data)
        renewed = await tokens.renew(asked, now=now, life=timedelta(hours=1))
    assert renewed is not None
    body = {"token": renewed[0]} | ({"password": "another horse"} if purpose is Purpose.SET_PASSWORD else {})

    async with services.platform.database.begin() as tx:
        user = await Users(tx).get_for_update(person.id)
        assert user is not None
        user.disabled_at = now
        await tx.flush()
        answer = await held_up(services.platform.database, quiet_api.post(USES[purpose], json=body))

    assert_problem(await answer, 400, "link_invalid")


@pytest.mark.both_databases
async def test_link_asked_for_before_there_was_an_account_is_not_for_the_one_that_comes(
    quiet_api: Api, services: Services
) -> None:
    await quiet_api.post(FORGOT, json={"email": "abbey.salami@example.com"})
    await quiet_api.sign_up()

    assert [mail.kind for mail in await take_mails(services)] == ["verify_email"]
    async with services.platform.database.read() as tx:
        assert len((await tx.scalars(select(OneTimeToken.id))).all()) == 1


async def test_reset_of_an_account_that_is_not_proved_ends_what_its_maker_waits_for(
    quiet_api: Api, services: Services
) -> None:
    maker = await quiet_api.sign_up()
    await take_mails(services)
    await quiet_api.post(FORGOT, json={"email": maker.email})
    token = await take_link(services, "reset_password")
    wish = {"email": "maker@example.com", "currentPassword": PASSWORD}
    await quiet_api.post(CHANGE, headers=maker.headers, json=wish)
    change = await take_link(services, "confirm_new_email")

    await quiet_api.post(RESET, json={"token": token, "password": "another horse"})

    assert_problem(await quiet_api.post(VERIFY, json={"token": change}), 400, "link_invalid")


@pytest.mark.both_databases
async def test_of_two_links_in_flight_the_one_asked_for_last_is_good_whichever_leaves_first(
    quiet_api: Api, services: Services, clock: FakeClock
) -> None:
    person = await quiet_api.sign_up()
    await take_mails(services)
    tokens = []
    for _ in range(2):
        clock.advance(minutes=2)
        await quiet_api.post(FORGOT, json={"email": person.email})
    first, second = await queued(services)
    async with services.platform.database.begin() as tx:
        held = (await tx.scalars(select(OutboxMail).order_by(OutboxMail.id).limit(1))).one()
        held.due_at = clock.now().replace(year=2099)
    tokens.append(await take_link(services, "reset_password"))
    await put_in(services, **first)

    assert (await take_mails(services), second["kind"]) == ([], first["kind"])
    assert (await quiet_api.post(RESET, json={"token": tokens[0], "password": "another horse"})).status_code == 200


@pytest.mark.both_databases
async def test_mail_that_a_second_worker_sends_again_has_no_link_once_it_was_used(
    quiet_api: Api, services: Services
) -> None:
    person = await quiet_api.sign_up()
    await take_mails(services)
    await quiet_api.post(FORGOT, json={"email": person.email})
    (row,) = await queued(services)
    token = await take_link(services, "reset_password")
    await put_in(services, **row)
    again = await take_link(services, "reset_password")
    assert_problem(await quiet_api.post(RESET, json={"token": token, "password": "a third horse"}), 400, "link_invalid")
    assert (await quiet_api.post(RESET, json={"token": again, "password": "another horse"})).status_code == 200

    await put_in(services, **row)

    assert [mail.kind for mail in await take_mails(services)] == ["password_changed"]


async def test_deletion_that_was_taken_back_is_not_announced(quiet_api: Api, services: Services) -> None:
    person = await quiet_api.sign_up()
    await take_mails(services)
    await quiet_api.client.request("DELETE", "/api/users/me", headers=person.headers, json={"password": PASSWORD})
    await quiet_api.sign_in()

    assert await take_mails(services) == []


async def test_sign_up_that_met_an_account_is_told_to_nobody_who_came_later(
    quiet_api: Api, services: Services, clock: FakeClock
) -> None:
    """As an earlier version wrote it, which looked this up at the sign-up."""
    person = await quiet_api.sign_up()
    await take_mails(services)
    async with services.platform.database.begin() as tx:
        kind, at = MailKind.SIGN_UP_TAKEN, clock.now()
        enqueue(tx, kind, address=person.email, language="en", at=at, user_id=person.id, data={"what": "email_taken"})
        user = await tx.get_one(User, person.id)
        user.email_canonical = user.email = "moved@example.com"

    assert await take_mails(services) == []


async def test_first_link_is_sent_anew_after_what_makes_it_void(
    quiet_api: Api, services: Services, admin: Person
) -> None:
    made = await quiet_api.post(USERS, json={"username": "Abbey", "email": "a@example.com"}, headers=admin.headers)
    url = f"{USERS}/{made.json()['id']}"
    void = await take_link(services, "set_password")
    await quiet_api.put(f"{url}/roles", json={"roles": ["user", "moderator"]}, headers=admin.headers)
    await quiet_api.patch(url, json={"email": "b@example.com"}, headers=admin.headers)

    mails = [mail for mail in await take_mails(services) if mail.kind == "set_password"]

    assert [mail.address for mail in mails] == ["b@example.com"]
    assert_problem(await quiet_api.post(RESET, json={"token": void, "password": PASSWORD}), 400, "link_invalid")
    assert (await quiet_api.post(RESET, json={"token": mails[0].token, "password": PASSWORD})).status_code == 200


async def test_invitation_that_was_taken_back_is_not_sent(quiet_api: Api, services: Services, admin: Person) -> None:
    await take_mails(services)
    body = {"email": "guest@example.com", "roles": ["moderator"]}
    invited = await quiet_api.post("/api/admin/invitations", json=body, headers=admin.headers)
    await quiet_api.delete(f"/api/admin/invitations/{invited.json()['id']}", headers=admin.headers)

    assert await take_mails(services) == []


@pytest.mark.parametrize(
    ("kind", "is_sent", "has_link"),
    [
        ("reset_password", True, True),
        ("verify_email", True, True),
        ("confirm_new_email", False, False),
        ("new_device", True, False),
        ("email_changed", True, False),
    ],
)
async def test_mail_of_before_the_upgrade_is_sent_where_that_is_harmless(
    quiet_api: Api, services: Services, kind: str, is_sent: bool, has_link: bool
) -> None:
    person = await quiet_api.sign_up()
    await take_mails(services)
    address = "thief@example.com" if kind == "confirm_new_email" else person.email
    await put_in(services, kind=kind, address=address, user_id=person.id, data={"device": "x", "session_id": 1})

    mails = await take_mails(services)

    assert [(mail.kind, bool(mail.tokens)) for mail in mails] == [(kind, has_link)] * is_sent


@pytest.mark.both_databases
async def test_wish_that_was_proved_with_a_password_of_before_is_none(quiet_api: Api, services: Services) -> None:
    person = await quiet_api.sign_up()
    await take_mails(services)
    await quiet_api.post(FORGOT, json={"email": person.email})
    reset = await take_link(services, "reset_password")
    wish = {"email": "thief@example.com", "currentPassword": PASSWORD}

    both = await at_once(
        quiet_api.post(RESET, json={"token": reset, "password": "another horse"}),
        quiet_api.post(CHANGE, headers=person.headers, json=wish),
    )

    assert both[0].status_code == 200
    assert [mail.address for mail in await take_mails(services)] == [person.email]
