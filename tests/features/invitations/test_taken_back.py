"""Invitations end with what they were sent in the name of, and do not live again when it comes back."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from gatepost.audit.log import AuditEvent
from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.invitations.models import Invitation
from tests.features.admin.conftest import MakePerson
from tests.features.invitations.conftest import GUEST, INVITATIONS, accept, invite, invited
from tests.support.api import PASSWORD, Api, Person, assert_problem
from tests.support.links import link_of, take_link, take_mails
from tests.support.workers import held_up

URL = "/api/admin/users"
ROLES = "/api/admin/roles"
OTHER_DEVICE = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


@pytest.fixture
async def boss(person_with: MakePerson) -> Person:
    """Return an administrator who stays."""
    return await person_with("Boss", "admin")


async def taken_back(database: Database) -> list[dict[str, Any]]:
    """Return what the audit log says of invitations that were taken back."""
    async with database.read() as tx:
        query = select(AuditEntry).where(AuditEntry.event == AuditEvent.INVITATION_REVOKED.value)
        return [{"user": entry.user_id, **entry.details} for entry in await tx.scalars(query.order_by(AuditEntry.id))]


async def left(database: Database) -> list[str]:
    """Return the addresses of the invitations that there are."""
    async with database.read() as tx:
        return list(await tx.scalars(select(Invitation.email).order_by(Invitation.id)))


@pytest.mark.both_databases
@pytest.mark.parametrize("when", ["sent", "waiting"])
async def test_invitation_of_a_thief_ends_when_its_owner_says_that_it_was_not_them(
    quiet_api: Api, services: Services, database: Database, owner: Person, when: str
) -> None:
    api = quiet_api
    await take_mails(services)
    sign_in = {"username": owner.username, "password": PASSWORD}
    thief = await api.post("/api/auth/signin", json=sign_in, headers=OTHER_DEVICE)
    warning = await take_link(services, "new_device")
    by = {"Authorization": f"Bearer {thief.json()['accessToken']}"}
    wish = {"email": GUEST["email"], "roles": ["admin"]}
    made = await api.post(INVITATIONS, json=wish, headers=by)
    token = await take_link(services, "invitation") if when == "sent" else ""

    assert (await api.post("/api/auth/not-me", json={"token": warning})).status_code == 200

    assert [mail.kind for mail in await take_mails(services)] == ["reset_password"]
    assert_problem(await accept(api, token), 400, "invitation_invalid")
    assert await left(database) == []
    told = {"user": owner.id, "invitations": [made.json()["id"]], "reason": "not_me"}
    assert await taken_back(database) == [told]


async def reset(api: Api, services: Services, owner: Person) -> httpx.Response:
    """Set a new password by a link."""
    async with services.platform.database.begin() as tx:
        token = await link_of(tx, owner, now=services.platform.clock.now())
    return await api.post("/api/auth/password/reset", json={"token": token, "password": "another horse"})


async def change(api: Api, _: Services, owner: Person) -> httpx.Response:
    """Change the password."""
    body = {"currentPassword": PASSWORD, "newPassword": "another horse"}
    return await api.post("/api/auth/password/change", json=body, headers=owner.headers)


async def sign_out_all(api: Api, _: Services, owner: Person) -> httpx.Response:
    """Sign every device out."""
    return await api.post("/api/auth/signout-all", headers=owner.headers)


async def sign_out_others(api: Api, _: Services, owner: Person) -> httpx.Response:
    """Sign every other device out."""
    return await api.post("/api/auth/signout-others", headers=owner.headers)


Secures = Callable[[Api, Services, Person], Awaitable[httpx.Response]]


@pytest.mark.parametrize("secure", [reset, change, sign_out_all, sign_out_others])
async def test_owner_who_secures_the_account_takes_back_what_was_sent_in_its_name_and_nothing_of_others(
    api: Api, services: Services, database: Database, admin: Person, boss: Person, secure: Secures
) -> None:
    token = await invited(api, services, admin, "admin")
    await invite(api, boss, email="mine@example.com")

    assert (await secure(api, services, admin)).is_success

    assert_problem(await accept(api, token), 400, "invitation_invalid")
    assert await left(database) == ["mine@example.com"]


class UndoneError(Exception):
    """Undoes a transaction of a test."""


async def test_sign_out_in_the_middle_of_an_invitation_waits_for_it_and_takes_it_back(
    api: Api, services: Services, database: Database, admin: Person, boss: Person
) -> None:
    thief = await api.sign_in(admin.username)
    wish = {"email": GUEST["email"], "roles": ["admin"]}

    with suppress(UndoneError):
        async with database.begin() as tx:
            # An invitation of that address that another one is about to send: the thief's waits for it.
            tx.add(
                Invitation(
                    email=GUEST["email"], email_canonical=GUEST["email"], inviter_id=boss.id,
                    created_at=services.platform.clock.now(), expires_at=services.platform.clock.now(),
                )
            )  # fmt: skip
            await tx.flush()
            sent = await held_up(database, api.post(INVITATIONS, json=wish, headers=thief.headers))
            signed_out = await held_up(database, sign_out_all(api, services, admin), waiting=2)
            raise UndoneError

    done = ((await sent).status_code, (await signed_out).status_code)
    # SQLite lets either of those go on first that wait; whoever has signed out invites nobody.
    assert done == (201, 204) or (done == (401, 204) and database.engine.dialect.name == "sqlite")
    assert await left(database) == []


LOSSES: dict[str, tuple[tuple[str, str, Any], tuple[str, str, Any]]] = {
    "roles_changed": (("PUT", "/roles", {"roles": ["user"]}), ("PUT", "/roles", {"roles": ["user", "admin"]})),
    "disabled": (("POST", "/disable", None), ("POST", "/enable", None)),
    "signed_out": (("POST", "/signout", None), ("POST", "/enable", None)),
    "address_replaced": (("PATCH", "", {"email": "x@example.com"}), ("PATCH", "", {"email": "root@example.com"})),
}


@pytest.mark.parametrize("loss", LOSSES)
async def test_what_an_administrator_takes_does_not_come_back_with_it(
    api: Api, services: Services, database: Database, admin: Person, boss: Person, loss: str
) -> None:
    token = await invited(api, services, admin, "admin")
    for method, path, body in LOSSES[loss]:
        answer = await api.client.request(method, f"{URL}/{admin.id}{path}", json=body, headers=boss.headers)
        assert answer.is_success, answer.text

    assert_problem(await accept(api, token), 400, "invitation_invalid")
    assert [(entry["user"], entry["reason"]) for entry in await taken_back(database)] == [(admin.id, loss)]


async def test_planned_deletion_takes_back_what_was_sent_and_its_end_does_not_bring_it_again(
    api: Api, services: Services, admin: Person, boss: Person
) -> None:
    token = await invited(api, services, admin, "admin")
    body = {"password": admin.password}
    assert (await api.client.request("DELETE", "/api/users/me", json=body, headers=admin.headers)).status_code == 202
    await api.sign_in(admin.username)

    assert_problem(await accept(api, token), 400, "invitation_invalid")


async def test_other_roles_leave_what_may_still_be_given(
    api: Api, services: Services, database: Database, admin: Person, helper: Person
) -> None:
    await invite(api, helper, "support", email="other@example.com")
    await take_mails(services)
    token = await invited(api, services, helper)
    wish = {"roles": ["user", "support", "moderator"]}
    assert (await api.put(f"{URL}/{helper.id}/roles", json=wish, headers=admin.headers)).is_success

    assert await left(database) == ["other@example.com", GUEST["email"]]
    assert (await accept(api, token)).status_code == 201


async def test_role_that_loses_permissions_takes_back_what_its_holders_may_no_longer_give(
    api: Api, services: Services, database: Database, admin: Person, helper: Person
) -> None:
    token = await invited(api, services, helper, "support")
    await invite(api, admin, "moderator", email="mine@example.com")
    (support,) = [role for role in (await api.get(ROLES, headers=admin.headers)).json() if role["name"] == "support"]
    for permissions in (["users:read"], support["permissions"]):
        body = {"permissions": permissions}
        assert (await api.patch(f"{ROLES}/{support['id']}", json=body, headers=admin.headers)).is_success

    assert await left(database) == ["mine@example.com"]
    assert_problem(await accept(api, token), 400, "invitation_invalid")


@pytest.mark.both_databases
async def test_role_that_grows_beyond_who_invited_to_it_takes_that_back_alone(
    api: Api, database: Database, admin: Person, helper: Person
) -> None:
    await invite(api, helper, email="plain@example.com")
    await invite(api, admin, email="mine@example.com")
    assert (await api.put(f"{URL}/{helper.id}/roles", json={"roles": ["support"]}, headers=admin.headers)).is_success
    for permissions in (["news:read"], []):
        root = await api.sign_in(admin.username)
        assert (await api.patch(f"{ROLES}/1", json={"permissions": permissions}, headers=root.headers)).is_success

    assert await left(database) == ["mine@example.com"]


async def test_role_that_is_deleted_takes_back_what_its_holders_may_no_longer_give(
    api: Api, database: Database, admin: Person, helper: Person
) -> None:
    await invite(api, helper)
    (support,) = [role for role in (await api.get(ROLES, headers=admin.headers)).json() if role["name"] == "support"]

    assert (await api.delete(f"{ROLES}/{support['id']}", headers=admin.headers)).status_code == 204

    assert await left(database) == []
    assert [entry["reason"] for entry in await taken_back(database)] == ["role_changed"]
