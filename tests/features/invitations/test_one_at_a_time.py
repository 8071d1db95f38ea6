"""An address has one invitation at most, and it gives roles by what they are, not by what they were called."""

import pytest
from sqlalchemy import func, select

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.identity.invitations.models import Invitation
from tests.features.admin.conftest import MakePerson, at_once
from tests.features.invitations.conftest import GUEST, INVITATIONS, MakeRole, accept, invite, invited
from tests.support.api import Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.links import take_link, take_mails

pytestmark = pytest.mark.both_databases

ROLES = "/api/admin/roles"


async def listed(api: Api, by: Person) -> list[tuple[str, list[str]]]:
    """Return the open invitations: the address and the roles of each."""
    answer = await api.get(INVITATIONS, headers=by.headers)
    return [(item["email"], item["roles"]) for item in answer.json()]


@pytest.mark.parametrize("again", ["guest@example.com", "GUEST@Example.COM", "\uff47uest@example.com"])
async def test_newer_invitation_of_an_address_voids_the_older(
    api: Api, services: Services, admin: Person, again: str
) -> None:
    first = await invited(api, services, admin, "admin")
    await invite(api, admin, email=again)
    second = await take_link(services, "invitation")

    assert_problem(await accept(api, first), 400, "invitation_invalid")
    assert len(await listed(api, admin)) == 1
    assert (await accept(api, second)).json()["roles"] == ["ROLE_USER"]
    assert await listed(api, admin) == []


async def test_of_invitations_of_an_address_at_once_one_is_left(
    api: Api, services: Services, database: Database, admin: Person, person_with: MakePerson
) -> None:
    second = await person_with("Second", "admin")
    bodies = [{"email": GUEST["email"], "roles": roles} for roles in (["admin"], [], ["moderator"], [])]

    answers = await at_once(
        *(
            api.post(INVITATIONS, json=body, headers=(admin, second)[number % 2].headers)
            for number, body in enumerate(bodies)
        )
    )

    assert {answer.status_code for answer in answers} == {201}, [each.text for each in answers]
    async with database.read() as tx:
        (left,) = (await tx.scalars(select(Invitation))).all()
    # One may have been sent before the next was asked for; its link is no good.
    mails = [mail for mail in await take_mails(services) if mail.kind == "invitation"]
    (kept,) = [answer.json() for answer in answers if answer.json()["id"] == left.id]
    accepted = [await accept(api, mail.token) for mail in mails]
    (made,) = [answer.json() for answer in accepted if answer.status_code == 201]
    assert [role.removeprefix("ROLE_").lower() for role in made["roles"]] == ["user", *kept["roles"]]


async def test_of_two_who_accept_at_once_one_does(
    api: Api, services: Services, database: Database, admin: Person
) -> None:
    token = await invited(api, services, admin, "moderator")

    answers = await at_once(*(accept(api, token, username=f"Guest {number}") for number in range(4)))

    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400], [each.text for each in answers]
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).where(User.email_canonical == GUEST["email"])) == 1


async def test_refused_sign_up_leaves_the_invitation_good(api: Api, services: Services, admin: Person) -> None:
    token = await invited(api, services, admin, "moderator")
    assert_problem(await accept(api, token, username="Root"), 400, "username_taken")
    assert_problem(await accept(api, token, password="x"), 422, "password_not_allowed")

    assert (await accept(api, token)).json()["roles"] == ["ROLE_USER", "ROLE_MODERATOR"]


async def test_role_that_was_renamed_is_given_under_its_new_name(
    api: Api, services: Services, admin: Person, make_role: MakeRole
) -> None:
    role_id = await make_role("vault", "vault:open")
    await invite(api, admin, "vault")
    assert (await api.patch(f"{ROLES}/{role_id}", json={"name": "safe"}, headers=admin.headers)).is_success

    (mail,) = [mail for mail in await take_mails(services) if mail.kind == "invitation"]

    assert "safe" in mail.text
    assert "vault" not in mail.text
    assert await listed(api, admin) == [("guest@example.com", ["safe"])]
    assert (await accept(api, mail.token)).json()["roles"] == ["ROLE_USER", "ROLE_SAFE"]


async def test_role_that_was_deleted_is_given_to_nobody_and_another_of_its_name_is_not(
    api: Api, services: Services, admin: Person, make_role: MakeRole
) -> None:
    role_id = await make_role("vault", "vault:open")
    token = await invited(api, services, admin, "vault", "moderator")
    assert (await api.delete(f"{ROLES}/{role_id}", headers=admin.headers)).status_code == 204
    await make_role("vault", "everything:else")

    assert await listed(api, admin) == [("guest@example.com", ["moderator"])]
    assert (await accept(api, token)).json()["roles"] == ["ROLE_USER", "ROLE_MODERATOR"]


async def test_role_that_is_deleted_while_it_is_accepted_leaves_nothing_behind(
    api: Api, services: Services, admin: Person, make_role: MakeRole
) -> None:
    for number in range(3):
        role_id = await make_role(f"vault{number}", "vault:open")
        guest = {"email": f"guest{number}@example.com", "username": f"Guest {number}"}
        await invite(api, admin, f"vault{number}", email=guest["email"])
        token = await take_link(services, "invitation")

        deleted, accepted = await at_once(
            api.delete(f"{ROLES}/{role_id}", headers=admin.headers), accept(api, token, **guest)
        )

        assert (deleted.status_code, accepted.status_code) == (204, 201), (deleted.text, accepted.text)
        fresh = (await api.refresh(accepted.json()["refreshToken"])).json()["accessToken"]
        profile = (await api.get("/api/users/me", headers={"x-access-token": fresh})).json()
        assert (profile["roles"], profile["permissions"]) == (["ROLE_USER"], [])


async def test_invitation_that_ran_out_makes_room_and_is_removed_in_the_end(
    api: Api, services: Services, admin: Person, clock: FakeClock, helper: Person
) -> None:
    await invite(api, admin, "admin")
    await take_link(services, "invitation")
    clock.advance(days=7)
    await services.identity.revocations.poll()
    assert len((await api.get(INVITATIONS, headers=(await api.sign_in("Root")).headers)).json()) == 1

    await invite(api, await api.sign_in("Helper"))

    assert await services.admin.invitations.purge() == 0
    clock.advance(days=15)
    assert await services.admin.invitations.purge() == 1
