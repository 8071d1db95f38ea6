"""The last administrator who can sign in stays one, whatever it is that would take that away."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from gatepost.composition.services import Services
from gatepost.core.clock import Clock
from gatepost.core.crypto.passwords import UNUSABLE_HASH
from gatepost.core.db.database import Database
from gatepost.core.settings import EmailSignIn, EmailVerification
from gatepost.identity.accounts.models import User
from tests.conftest import MakeServices, http_client, started
from tests.features.admin.conftest import MakePerson, at_once
from tests.support.api import Api, Person, assert_problem
from tests.support.passkeys import add_passkey, sign_in_with

pytestmark = pytest.mark.both_databases

URL = "/api/admin/users"

Loss = Callable[[Api, Person, Person], Awaitable[httpx.Response]]


def demote(api: Api, actor: Person, target: Person) -> Awaitable[httpx.Response]:
    """Take the role admin from somebody."""
    return api.put(f"{URL}/{target.id}/roles", json={"roles": ["user"]}, headers=actor.headers)


def disable(api: Api, actor: Person, target: Person) -> Awaitable[httpx.Response]:
    """Disable somebody."""
    return api.post(f"{URL}/{target.id}/disable", headers=actor.headers)


def delete(api: Api, actor: Person, target: Person) -> Awaitable[httpx.Response]:
    """Delete somebody, or oneself by the route for that."""
    if actor is target:
        body = {"password": actor.password}
        return api.client.request("DELETE", "/api/users/me", json=body, headers=actor.headers)
    return api.delete(f"{URL}/{target.id}", headers=actor.headers)


def doubt(api: Api, actor: Person, target: Person) -> Awaitable[httpx.Response]:
    """Say that the address of somebody is not proved."""
    return api.patch(f"{URL}/{target.id}", json={"emailVerified": False}, headers=actor.headers)


def readdress(api: Api, actor: Person, target: Person) -> Awaitable[httpx.Response]:
    """Give somebody an address that is not proved."""
    body = {"email": f"new{target.id}@example.com"}
    return api.patch(f"{URL}/{target.id}", json=body, headers=actor.headers)


LOSSES = [demote, disable, delete]
# Nobody disables themselves.
OWN_LOSSES = [demote, delete]
UNPROVED = [doubt, readdress]


async def changed(database: Database, person: Person, **values: Any) -> None:
    """Change an account as by hand; its access tokens go on."""
    async with database.begin() as tx:
        await tx.execute(update(User).where(User.id == person.id).values(**values))


@pytest.fixture
async def strict(make_services: MakeServices, services: Services) -> AsyncIterator[Api]:
    """Give the API of a deployment where nobody signs in before their address is proved."""
    async with (
        started(make_services(email_verification=EmailVerification.REQUIRED)) as app,
        http_client(app) as client,
    ):
        yield Api(client)


@pytest.mark.parametrize("loss", OWN_LOSSES)
async def test_last_administrator_does_not_go(api: Api, admin: Person, person_with: MakePerson, loss: Loss) -> None:
    sleeper = await person_with("Sleeper", "admin")
    assert (await disable(api, admin, sleeper)).status_code == 200

    answer = await loss(api, admin, admin)

    assert_problem(answer, 409, "last_administrator")
    shown = (await api.get(f"{URL}/{admin.id}", headers=admin.headers)).json()
    assert (shown["roles"], shown["status"], shown["version"]) == (["user", "admin"], "active", 1)


@pytest.mark.parametrize("loss", OWN_LOSSES)
async def test_administrator_may_go_while_another_stays(
    api: Api, admin: Person, person_with: MakePerson, loss: Loss
) -> None:
    await person_with("Second", "admin")

    assert (await loss(api, admin, admin)).is_success


@pytest.mark.parametrize("loss", LOSSES)
async def test_administrator_who_has_no_password_yet_is_none(
    api: Api, admin: Person, database: Database, person_with: MakePerson, loss: Loss
) -> None:
    body = {"username": "Newcomer", "email": "new@example.com", "roles": ["user", "admin"]}
    assert (await api.post(URL, json=body, headers=admin.headers)).json()["hasPassword"] is False
    barred = await person_with("Barred", "admin")
    await changed(database, barred, password_hash=UNUSABLE_HASH)

    if loss in OWN_LOSSES:
        assert_problem(await loss(api, admin, admin), 409, "last_administrator")
    assert_problem(await loss(api, barred, admin), 409, "last_administrator")


@pytest.mark.parametrize("loss", OWN_LOSSES)
async def test_administrator_who_has_a_passkey_and_no_password_is_one(
    api: Api, admin: Person, services: Services, database: Database, person_with: MakePerson, loss: Loss
) -> None:
    second = await person_with("Second", "admin")
    await add_passkey(api, services, second)
    await changed(database, second, password_hash=UNUSABLE_HASH)

    assert (await loss(api, admin, admin)).is_success


@pytest.mark.parametrize("loss", OWN_LOSSES)
async def test_administrator_who_signs_in_by_mail_alone_is_one(
    api: Api, admin: Person, services: Services, database: Database, person_with: MakePerson, loss: Loss
) -> None:
    second = await person_with("Second", "admin")
    await changed(database, second, password_hash=UNUSABLE_HASH, email_verified_at=services.platform.clock.now())

    assert (await loss(api, admin, admin)).is_success


@pytest.mark.parametrize("loss", OWN_LOSSES)
async def test_administrator_whose_deletion_is_planned_is_none(
    api: Api, admin: Person, person_with: MakePerson, loss: Loss
) -> None:
    leaving = await person_with("Leaving", "admin")
    assert (await delete(api, leaving, leaving)).status_code == 202

    assert_problem(await loss(api, admin, admin), 409, "last_administrator")


@pytest.mark.parametrize("loss", LOSSES)
async def test_administrator_whose_address_is_not_proved_is_none_where_that_is_asked_for(
    api: Api, strict: Api, admin: Person, database: Database, clock: Clock, person_with: MakePerson, loss: Loss
) -> None:
    unproved = await person_with("Unproved", "admin")
    await changed(database, admin, email_verified_at=clock.now())

    if loss in OWN_LOSSES:
        assert_problem(await loss(strict, admin, admin), 409, "last_administrator")
    assert_problem(await loss(strict, unproved, admin), 409, "last_administrator")
    assert (await loss(api, unproved, admin)).is_success


@pytest.mark.parametrize("loss", UNPROVED)
async def test_last_administrator_keeps_a_proved_address_where_that_is_asked_for(
    api: Api, strict: Api, admin: Person, database: Database, clock: Clock, person_with: MakePerson, loss: Loss
) -> None:
    unproved = await person_with("Unproved", "admin")
    await changed(database, admin, email_verified_at=clock.now())

    assert_problem(await loss(strict, unproved, admin), 409, "last_administrator")
    body = {"email": "proved@example.com", "emailVerified": True}
    assert (await strict.patch(f"{URL}/{admin.id}", json=body, headers=unproved.headers)).is_success
    assert (await loss(api, unproved, admin)).is_success


@pytest.mark.parametrize("loss", UNPROVED)
async def test_two_who_doubt_each_other_at_once_leave_one(
    strict: Api, admin: Person, database: Database, clock: Clock, person_with: MakePerson, loss: Loss
) -> None:
    second = await person_with("Second", "admin")
    for person in (admin, second):
        await changed(database, person, email_verified_at=clock.now())

    answers = await at_once(loss(strict, admin, second), loss(strict, second, admin))

    assert sorted(answer.status_code for answer in answers) == [200, 409], [each.text for each in answers]


@pytest.mark.parametrize("loss", [demote])
async def test_one_who_leaves_and_one_who_is_removed_at_once_leave_one(
    api: Api, admin: Person, person_with: MakePerson, loss: Loss
) -> None:
    second = await person_with("Second", "admin")

    answers = await at_once(delete(api, admin, admin), loss(api, second, second))

    assert sorted(answer.is_success for answer in answers) == [False, True], [each.text for each in answers]
    refused = next(answer for answer in answers if not answer.is_success)
    assert_problem(refused, 409, "last_administrator")


async def test_factors_of_the_last_administrator_who_has_no_password_stay(
    make_services: MakeServices, api: Api, admin: Person, services: Services, database: Database,
    person_with: MakePerson,
) -> None:  # fmt: skip
    unproved = await person_with("Unproved", "admin")
    browser = await add_passkey(api, services, admin)
    await changed(database, admin, password_hash=UNUSABLE_HASH)
    strict = make_services(email_verification=EmailVerification.REQUIRED, email_sign_in=EmailSignIn.OFF)
    async with started(strict) as app, http_client(app) as client:
        path = f"{URL}/{admin.id}/factors"

        assert_problem(await client.delete(path, headers=unproved.headers), 409, "last_administrator")

        assert (await sign_in_with(Api(client), browser)).status_code == 200
        await changed(database, unproved, email_verified_at=strict.platform.clock.now())
        assert (await client.delete(path, headers=unproved.headers)).status_code == 204
