"""An invitation gives what its inviter may give: when it is sent, and again when it is accepted."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from sqlalchemy import func, select

from gatepost.audit.log import AuditEvent
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.repository import Users
from tests.conftest import MakeServices, http_client, started
from tests.features.admin.conftest import MakePerson, at_once
from tests.features.invitations.conftest import GUEST, INVITATIONS, MakeRole, accept, invite, invited
from tests.support.api import Api, Person, assert_problem
from tests.support.links import take_mails
from tests.support.workers import held_up

URL = "/api/admin/users"
ROLES = "/api/admin/roles"


@pytest.fixture
async def other(app: object, make_services: MakeServices) -> AsyncIterator[Api]:
    """Give the API of a second process on the same database, which has not read the feed since its start."""
    async with started(make_services(revocation_poll_seconds=3600)) as second, http_client(second) as client:
        yield Api(client)


@pytest.fixture
async def boss(person_with: MakePerson) -> Person:
    """Return an administrator who stays."""
    return await person_with("Boss", "admin")


async def demote(api: Api, boss: Person, person: Person) -> None:
    """Leave somebody the role `user` alone."""
    answer = await api.put(f"{URL}/{person.id}/roles", json={"roles": ["user"]}, headers=boss.headers)
    assert answer.status_code == 200, answer.text


async def guests(database: Database) -> int:
    """Count the accounts of the guest."""
    async with database.read() as tx:
        return await tx.scalar(select(func.count()).where(User.email_canonical == GUEST["email"])) or 0


async def test_administrator_demoted_by_another_process_invites_nobody(
    api: Api, other: Api, admin: Person, boss: Person
) -> None:
    assert (await other.get(INVITATIONS, headers=admin.headers)).status_code == 200
    await demote(api, boss, admin)

    answer = await other.post(INVITATIONS, headers=admin.headers, json={"email": GUEST["email"], "roles": ["admin"]})

    assert_problem(answer, 401, "token_stale")
    assert (await api.get(INVITATIONS, headers=boss.headers)).json() == []


async def test_administrator_demoted_by_another_process_takes_nothing_back(
    api: Api, other: Api, admin: Person, boss: Person
) -> None:
    identifier = await invite(api, boss, "admin")
    await demote(api, boss, admin)

    answer = await other.delete(f"{INVITATIONS}/{identifier}", headers=admin.headers)

    assert_problem(answer, 401, "token_stale")
    assert len((await api.get(INVITATIONS, headers=boss.headers)).json()) == 1


async def test_administrator_signed_out_by_another_process_acts_no_more(
    api: Api, other: Api, admin: Person, boss: Person
) -> None:
    assert (await api.post("/api/auth/signout", headers=admin.headers)).status_code == 204

    for answer in (
        await other.post(INVITATIONS, headers=admin.headers, json={"email": GUEST["email"], "roles": []}),
        await other.post(f"{URL}/{boss.id}/disable", headers=admin.headers),
        await other.post(ROLES, json={"name": "mine"}, headers=admin.headers),
    ):
        assert_problem(answer, 401, "token_revoked")


LOSSES: dict[str, Callable[[Api, Person, Person], Awaitable[httpx.Response]]] = {
    "demoted": lambda api, boss, one: api.put(f"{URL}/{one.id}/roles", json={"roles": ["user"]}, headers=boss.headers),
    "disabled": lambda api, boss, one: api.post(f"{URL}/{one.id}/disable", headers=boss.headers),
    "deleted": lambda api, boss, one: api.delete(f"{URL}/{one.id}", headers=boss.headers),
    "leaving": lambda api, _, one: api.client.request(
        "DELETE", "/api/users/me", json={"password": one.password}, headers=one.headers
    ),
}


@pytest.mark.parametrize("roles", [["admin"], []])
@pytest.mark.parametrize("loss", LOSSES)
async def test_invitation_is_no_good_once_its_inviter_may_not_invite(
    api: Api, services: Services, database: Database, admin: Person, boss: Person, loss: str, roles: list[str]
) -> None:
    token = await invited(api, services, admin, *roles)
    assert (await LOSSES[loss](api, boss, admin)).is_success

    assert_problem(await accept(api, token), 400, "invitation_invalid")
    assert await guests(database) == 0


async def test_inviter_who_lost_one_role_no_longer_gives_it(
    api: Api, services: Services, admin: Person, helper: Person
) -> None:
    token = await invited(api, services, helper, "support")
    await api.put(f"{URL}/{helper.id}/roles", json={"roles": ["user"]}, headers=admin.headers)

    assert_problem(await accept(api, token), 400, "invitation_invalid")


async def test_inviter_whose_role_may_no_longer_look_after_accounts_is_none(
    api: Api, services: Services, admin: Person, helper: Person, database: Database
) -> None:
    token = await invited(api, services, helper)
    (support,) = [r for r in (await api.get(ROLES, headers=admin.headers)).json() if r["name"] == "support"]
    await api.patch(f"{ROLES}/{support['id']}", json={"permissions": ["users:read"]}, headers=admin.headers)

    assert_problem(await accept(api, token), 400, "invitation_invalid")
    assert await guests(database) == 0


async def test_role_that_has_grown_beyond_its_inviter_is_not_given(
    api: Api, services: Services, admin: Person, helper: Person
) -> None:
    token = await invited(api, services, helper)
    assert (await api.put(f"{URL}/{helper.id}/roles", json={"roles": ["support"]}, headers=admin.headers)).is_success
    assert (await api.patch(f"{ROLES}/1", json={"permissions": ["news:read"]}, headers=admin.headers)).is_success

    assert_problem(await accept(api, token), 400, "invitation_invalid")


@pytest.mark.both_databases
async def test_demotion_and_invitation_at_once_make_no_administrator(
    api: Api, services: Services, database: Database, person_with: MakePerson, boss: Person
) -> None:
    for number in range(3):
        fallen = await person_with(f"Fallen {number}", "admin")
        guest = {**GUEST, "email": f"guest{number}@example.com", "username": f"Guest {number}"}
        body = {"email": guest["email"], "roles": ["admin"]}

        demoted, answer = await at_once(
            api.put(f"{URL}/{fallen.id}/roles", json={"roles": ["user"]}, headers=boss.headers),
            api.post(INVITATIONS, json=body, headers=fallen.headers),
        )

        assert demoted.status_code == 200
        assert answer.status_code in {201, 401}
        for token in [mail.token for mail in await take_mails(services) if mail.kind == "invitation"]:
            refused = await accept(api, token, email=guest["email"], username=guest["username"])
            assert_problem(refused, 400, "invitation_invalid")


async def test_acceptance_in_the_middle_of_a_demotion_waits_for_its_end(
    api: Api, services: Services, database: Database, person_with: MakePerson
) -> None:
    fallen = await person_with("Fallen", "admin")
    token = await invited(api, services, fallen, "admin")

    async with database.begin() as tx:
        demoted = await Users(tx).get_for_update(fallen.id)
        assert demoted is not None
        demoted.roles = []
        await tx.flush()
        accepted = await held_up(database, accept(api, token))

    assert_problem(await accepted, 400, "invitation_invalid")
    assert await guests(database) == 0


async def test_taking_back_needs_what_giving_needs(api: Api, admin: Person, helper: Person) -> None:
    above = await invite(api, admin, "moderator")
    mine = await invite(api, helper, "support", email="mine@example.com")

    assert_problem(await api.delete(f"{INVITATIONS}/{above}", headers=helper.headers), 403, "beyond_authority")
    assert (await api.delete(f"{INVITATIONS}/{mine}", headers=helper.headers)).status_code == 204


async def test_invitation_beyond_ones_reach_is_not_replaced_by_a_smaller_one(
    api: Api, services: Services, admin: Person, helper: Person
) -> None:
    token = await invited(api, services, admin, "admin")

    answer = await api.post(INVITATIONS, json={"email": "GUEST@example.com", "roles": []}, headers=helper.headers)

    assert_problem(answer, 403, "beyond_authority")
    assert (await accept(api, token)).json()["roles"] == ["ROLE_USER", "ROLE_ADMIN"]


async def test_role_user_is_given_by_who_reaches_it(api: Api, admin: Person, helper: Person) -> None:
    await api.put(f"{URL}/{helper.id}/roles", json={"roles": ["support"]}, headers=admin.headers)
    await api.patch(f"{ROLES}/1", json={"permissions": ["news:read"]}, headers=admin.headers)
    helper = await api.sign_in("Helper")

    answer = await api.post(INVITATIONS, json={"email": GUEST["email"], "roles": []}, headers=helper.headers)

    assert_problem(answer, 403, "role_not_grantable")


async def test_invitations_are_seen_by_who_sees_accounts(
    api: Api, admin: Person, make_role: MakeRole, person_with: MakePerson
) -> None:
    await invite(api, admin, "moderator")
    await make_role("reader", "users:read")
    await make_role("writer", "users:write")
    reader, writer = await person_with("Reader", "reader"), await person_with("Writer", "writer")

    assert len((await api.get(INVITATIONS, headers=reader.headers)).json()) == 1
    assert_problem(await api.get(INVITATIONS, headers=writer.headers), 403, "permission_required")
    refused = await api.delete(f"{INVITATIONS}/1", headers=reader.headers)
    assert_problem(refused, 403, "permission_required")


async def test_invitation_and_its_end_are_in_the_audit_log_by_ids(api: Api, admin: Person) -> None:
    identifier = await invite(api, admin, "moderator")
    await api.delete(f"{INVITATIONS}/{identifier}", headers=admin.headers)

    entries = (await api.get("/api/admin/audit?size=2", headers=admin.headers)).json()["items"]
    assert [(entry["event"], entry["actorId"], entry["details"]) for entry in entries] == [
        (AuditEvent.INVITATION_REVOKED, admin.id, {"invitation": identifier}),
        (
            AuditEvent.INVITED,
            admin.id,
            {"invitation": identifier, "roles": ["user", "moderator"], "role_ids": [1, 2]},
        ),
    ]
