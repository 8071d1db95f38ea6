"""Invitations whose mail waits: what they are worth is asked when it leaves."""

import asyncio

import pytest
from sqlalchemy import func, select

from gatepost import lifespan
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.core.settings import SignUp
from gatepost.identity.invitations.models import Invitation
from gatepost.mail.models import OutboxMail
from tests.conftest import MakeServices, http_client, started
from tests.features.admin.conftest import MakePerson
from tests.features.invitations.conftest import GUEST, INVITATIONS, accept, invite
from tests.support.api import Api, Person, assert_problem
from tests.support.links import Mail, take_mails

USERS = "/api/admin/users"


@pytest.fixture
async def services(make_services: MakeServices, monkeypatch: pytest.MonkeyPatch) -> Services:
    """Return the services of an app that sends no mail by itself."""
    monkeypatch.setattr(lifespan, "MAIL_SECONDS", 3600)
    services = make_services()
    services.flows.outbox.woken = asyncio.Event()
    return services


async def invitations_sent(services: Services) -> list[Mail]:
    """Send what waits, and return the invitations among it."""
    return [mail for mail in await take_mails(services) if mail.kind == "invitation"]


async def waiting(database: Database) -> int:
    """Count the invitations in the outbox."""
    async with database.read() as tx:
        return await tx.scalar(select(func.count()).where(OutboxMail.kind == "invitation")) or 0


@pytest.mark.parametrize("loss", ["demoted", "disabled", "deleted"])
async def test_invitation_leaves_no_more_once_its_inviter_may_not_invite(
    api: Api, services: Services, database: Database, admin: Person, person_with: MakePerson, loss: str,
) -> None:  # fmt: skip
    boss = await person_with("Boss", "admin")
    await invite(api, admin, "admin")
    url = f"{USERS}/{admin.id}"
    match loss:
        case "demoted":
            answer = await api.put(f"{url}/roles", json={"roles": ["user"]}, headers=boss.headers)
        case "disabled":
            answer = await api.post(f"{url}/disable", headers=boss.headers)
        case _:
            answer = await api.delete(url, headers=boss.headers)
    assert answer.is_success

    assert await invitations_sent(services) == []
    assert await waiting(database) == 0


@pytest.mark.both_databases
async def test_newer_invitation_voids_the_older(
    api: Api, services: Services, database: Database, admin: Person
) -> None:
    await invite(api, admin, "admin")
    await invite(api, admin, email="GUEST@example.com")

    (mail,) = await invitations_sent(services)

    assert (await accept(api, mail.token)).json()["roles"] == ["ROLE_USER"]
    assert await waiting(database) == 0


async def test_taken_back_invitation_does_not_leave(api: Api, services: Services, admin: Person) -> None:
    identifier = await invite(api, admin, "admin")
    assert (await api.delete(f"{INVITATIONS}/{identifier}", headers=admin.headers)).status_code == 204

    assert await invitations_sent(services) == []


@pytest.mark.both_databases
async def test_invitation_that_nobody_could_accept_is_not_made_and_does_not_leave(
    api: Api, make_services: MakeServices, database: Database, admin: Person
) -> None:
    await invite(api, admin, email="earlier@example.com")
    async with started(make_services(signup=SignUp.CLOSED)) as app, http_client(app) as client:
        body = {"email": GUEST["email"], "roles": ["admin"]}
        answer = await client.post(INVITATIONS, json=body, headers=admin.headers)

    assert_problem(answer, 409, "invitations_closed")
    assert await invitations_sent(make_services(signup=SignUp.CLOSED)) == []
    async with database.read() as tx:
        assert (await tx.scalars(select(Invitation.email))).all() == ["earlier@example.com"]
