"""Invitations."""

import pytest

from gatepost.composition.services import Services
from gatepost.core.settings import SignUp
from gatepost.identity.accounts.names import parse_email, parse_username
from gatepost.identity.accounts.roles import RoleName
from gatepost.identity.registration.service import NewAccount
from tests.conftest import MakeServices, http_client, started
from tests.support.api import PASSWORD, Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.links import take_link, take_mails

INVITATIONS = "/api/admin/invitations"
GUEST = {"username": "Guest", "email": "guest@example.com", "password": PASSWORD}


async def administrator(api: Api, services: Services) -> Person:
    account = NewAccount(parse_username("root"), parse_email("root@example.com"), PASSWORD, is_verified=True)
    await services.identity.accounts.create(account, roles=[RoleName.USER, RoleName.ADMIN])
    return await api.sign_in("root")


async def invite(api: Api, root: Person, *roles: str, email: str = GUEST["email"]) -> int:
    answer = await api.post(INVITATIONS, headers=root.headers, json={"email": email, "roles": list(roles)})
    assert answer.status_code == 201, answer.text
    identifier: int = answer.json()["id"]
    return identifier


async def test_accepted_invitation_gives_its_roles_and_proves_the_address(api: Api, services: Services) -> None:
    await invite(api, await administrator(api, services), "moderator")
    token = await take_link(services, "invitation")

    answer = await api.post("/api/auth/signup", json=GUEST | {"invitation": token})

    assert answer.status_code == 201
    assert answer.json()["roles"] == ["ROLE_USER", "ROLE_MODERATOR"]
    profile = await api.get("/api/users/me", headers={"x-access-token": answer.json()["accessToken"]})
    assert profile.json()["emailVerified"] is True
    assert await take_mails(services) == []


async def test_invitation_is_good_once_and_for_its_address(api: Api, services: Services) -> None:
    await invite(api, await administrator(api, services))
    token = await take_link(services, "invitation")

    stranger = GUEST | {"email": "other@example.com", "invitation": token}
    assert_problem(await api.post("/api/auth/signup", json=stranger), 400, "invitation_invalid")
    assert (await api.post("/api/auth/signup", json=GUEST | {"invitation": token})).status_code == 201
    again = GUEST | {"username": "Guest2", "invitation": token}
    assert_problem(await api.post("/api/auth/signup", json=again), 400, "invitation_invalid")


async def test_invitation_proves_the_spelling_that_its_mail_went_to(api: Api, services: Services) -> None:
    """Two spellings that count as one address may be two people's mailboxes."""
    await invite(api, await administrator(api, services), email="strasse@example.com")
    token = await take_link(services, "invitation")

    answer = await api.post("/api/auth/signup", json=GUEST | {"email": "straße@example.com", "invitation": token})

    assert (answer.status_code, answer.json()["email"]) == (201, "strasse@example.com")


async def test_invitation_ends_with_its_time(api: Api, services: Services, clock: FakeClock) -> None:
    await invite(api, await administrator(api, services))
    token = await take_link(services, "invitation")
    clock.advance(days=7)

    answer = await api.post("/api/auth/signup", json=GUEST | {"invitation": token})

    assert_problem(answer, 400, "invitation_invalid")


async def test_taken_back_invitation_is_no_good(api: Api, services: Services) -> None:
    root = await administrator(api, services)
    identifier = await invite(api, root)
    token = await take_link(services, "invitation")

    assert (await api.delete(f"{INVITATIONS}/{identifier}", headers=root.headers)).status_code == 204

    assert (await api.get(INVITATIONS, headers=root.headers)).json() == []
    answer = await api.post("/api/auth/signup", json=GUEST | {"invitation": token})
    assert_problem(answer, 400, "invitation_invalid")
    missing = await api.delete(f"{INVITATIONS}/{identifier}", headers=root.headers)
    assert_problem(missing, 404, "invitation_not_found")


async def test_open_invitations_are_listed_without_their_tokens(api: Api, services: Services) -> None:
    root = await administrator(api, services)
    await invite(api, root, "moderator")
    token = await take_link(services, "invitation")

    answer = await api.get(INVITATIONS, headers=root.headers)

    assert [(item["email"], item["roles"], item["invitedBy"]) for item in answer.json()] == [
        ("guest@example.com", ["moderator"], "root")
    ]
    assert token not in answer.text


async def test_inviting_needs_the_permission(api: Api) -> None:
    person = await api.sign_up()

    answer = await api.post(INVITATIONS, headers=person.headers, json={"email": GUEST["email"], "roles": []})

    assert_problem(answer, 403, "permission_required")


async def test_address_with_an_account_is_not_invited(api: Api, services: Services) -> None:
    root = await administrator(api, services)

    answer = await api.post(INVITATIONS, headers=root.headers, json={"email": "ROOT@example.com", "roles": []})

    assert_problem(answer, 400, "email_taken")


@pytest.mark.parametrize(("mode", "code"), [(SignUp.INVITE, "invitation_required"), (SignUp.CLOSED, "signup_closed")])
async def test_sign_up_without_an_invitation_follows_the_setting(
    make_services: MakeServices, mode: SignUp, code: str
) -> None:
    services = make_services(signup=mode)
    async with started(services) as app, http_client(app) as client:
        assert_problem(await client.post("/api/auth/signup", json=GUEST), 403, code)
