"""Administrators against each other, at the same moment: one of them is left, whatever they do."""

from collections.abc import Awaitable, Callable

import httpx
import pytest
from sqlalchemy import func, select

from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import Role, User, user_roles
from gatepost.identity.invitations.models import Invitation
from tests.features.admin.conftest import MakePerson, MakeRole, at_once
from tests.support.api import Api, Person

pytestmark = pytest.mark.both_databases

URL = "/api/admin/users"
ROUNDS = 3

Act = Callable[[Api, Person, Person], Awaitable[httpx.Response]]


def demote(api: Api, actor: Person, target: Person) -> Awaitable[httpx.Response]:
    """Take the role admin from somebody."""
    return api.put(f"{URL}/{target.id}/roles", json={"roles": ["user"]}, headers=actor.headers)


def disable(api: Api, actor: Person, target: Person) -> Awaitable[httpx.Response]:
    """Disable somebody."""
    return api.post(f"{URL}/{target.id}/disable", headers=actor.headers)


def erase(api: Api, actor: Person, target: Person) -> Awaitable[httpx.Response]:
    """Delete somebody."""
    return api.delete(f"{URL}/{target.id}", headers=actor.headers)


def leave(api: Api, actor: Person, _: Person) -> Awaitable[httpx.Response]:
    """Plan the deletion of one's own account."""
    return api.client.request("DELETE", "/api/users/me", json={"password": actor.password}, headers=actor.headers)


async def administrators(database: Database) -> int:
    """Count the administrators who can sign in."""
    async with database.read() as tx:
        query = (
            select(func.count())
            .select_from(user_roles)
            .join(User, User.id == user_roles.c.user_id)
            .join(Role, Role.id == user_roles.c.role_id)
            .where(Role.name == "admin", User.disabled_at.is_(None), User.erase_at.is_(None))
        )
        return await tx.scalar(query) or 0


@pytest.mark.parametrize("act", [demote, disable, erase])
async def test_two_who_remove_each_other_at_once_leave_one(
    api: Api, person_with: MakePerson, database: Database, act: Act
) -> None:
    for number in range(ROUNDS):
        first, second = await person_with(f"First {number}", "admin"), await person_with(f"Second {number}", "admin")

        answers = await at_once(act(api, first, second), act(api, second, first))

        assert sorted(answer.is_success for answer in answers) == [False, True], [each.text for each in answers]
        assert await administrators(database) == 1
        winner = first if answers[0].is_success else second
        assert (await api.user_board(winner.access_token)).status_code == 200
        async with database.begin() as tx:
            await tx.delete((await tx.scalars(select(User).where(User.id == winner.id))).one())


@pytest.mark.parametrize("act", [demote, leave])
async def test_two_who_remove_themselves_at_once_leave_one(
    api: Api, person_with: MakePerson, database: Database, act: Act
) -> None:
    first, second = await person_with("First", "admin"), await person_with("Second", "admin")

    answers = await at_once(act(api, first, first), act(api, second, second))

    assert sorted(answer.status_code for answer in answers)[1] == 409, [each.text for each in answers]
    assert await administrators(database) == 1


async def test_round_of_administrators_who_demote_the_next_leaves_one(
    api: Api, person_with: MakePerson, database: Database
) -> None:
    ring = [await person_with(f"Admin {number}", "admin") for number in range(5)]

    answers = await at_once(*(demote(api, one, ring[index - 1]) for index, one in enumerate(ring)))

    assert all(answer.status_code < 500 for answer in answers)
    assert await administrators(database) >= 1
    removed = sum(answer.is_success for answer in answers)
    assert await administrators(database) == len(ring) - removed


async def test_who_has_been_demoted_a_moment_ago_acts_no_more(
    api: Api, person_with: MakePerson, database: Database
) -> None:
    boss, fallen = await person_with("Boss", "admin"), await person_with("Fallen", "admin")
    people = [await api.sign_up(f"Person {number}") for number in range(6)]

    demoted, *acts = await at_once(
        demote(api, boss, fallen), *(demote_to_nothing(api, fallen, person) for person in people)
    )

    assert demoted.status_code == 200
    assert {answer.status_code for answer in acts} <= {200, 401}
    late = await demote_to_nothing(api, fallen, boss)
    assert (late.status_code, late.json()["code"]) == (401, "token_stale")


def demote_to_nothing(api: Api, actor: Person, target: Person) -> Awaitable[httpx.Response]:
    """Take every role from somebody."""
    return api.put(f"{URL}/{target.id}/roles", json={"roles": []}, headers=actor.headers)


@pytest.mark.parametrize(
    ("method", "body"),
    [pytest.param("DELETE", None, id="deleted"), pytest.param("PATCH", {"permissions": []}, id="emptied")],
)
async def test_nobody_invites_by_a_role_that_goes_at_the_same_moment(
    api: Api, admin: Person, person_with: MakePerson, make_role: MakeRole, database: Database,
    method: str, body: dict[str, object] | None,
) -> None:  # fmt: skip
    for number in range(ROUNDS):
        role = await make_role(f"host{number}", "users:write", "users:read")
        hosts = [await person_with(f"Host {number} {index}", f"host{number}") for index in range(4)]

        gone, *invited = await at_once(
            api.client.request(method, f"/api/admin/roles/{role}", json=body, headers=admin.headers),
            *(invite(api, host, f"guest{number}-{index}@example.com") for index, host in enumerate(hosts)),
        )

        assert gone.is_success, gone.text
        assert {answer.status_code for answer in invited} <= {201, 401, 403}, [answer.text for answer in invited]
        async with database.read() as tx:
            inviters = select(Invitation.inviter_id).where(Invitation.inviter_id.in_([host.id for host in hosts]))
            assert (await tx.scalars(inviters)).all() == []


def invite(api: Api, actor: Person, email: str) -> Awaitable[httpx.Response]:
    """Invite somebody without further roles."""
    return api.post("/api/admin/invitations", json={"email": email}, headers=actor.headers)
