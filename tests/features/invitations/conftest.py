"""Whoever invites, and what comes of it."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.roles import RoleName
from tests.features.admin.conftest import (  # noqa: F401  fixtures
    MakePerson,
    _no_role_work_in_the_background,
    admin,
    give,
    make_role,
    person_with,
)
from tests.features.recovery.conftest import quiet_api  # noqa: F401  a fixture
from tests.support.api import PASSWORD, Api, Person
from tests.support.links import take_link

INVITATIONS = "/api/admin/invitations"
GUEST = {"username": "Guest", "email": "guest@example.com", "password": PASSWORD}

MakeRole = Callable[..., Awaitable[int]]


async def invite(api: Api, by: Person, *roles: str, email: str = GUEST["email"]) -> int:
    """Invite somebody, and return the invitation's id."""
    answer = await api.post(INVITATIONS, headers=by.headers, json={"email": email, "roles": list(roles)})
    assert answer.status_code == 201, answer.text
    identifier: int = answer.json()["id"]
    return identifier


async def invited(api: Api, services: Services, by: Person, *roles: str) -> str:
    """Invite the guest, and return the token of the mail."""
    await invite(api, by, *roles)
    return await take_link(services, "invitation")


async def accept(api: Api, token: str, **changes: str) -> httpx.Response:
    """Sign the guest up with an invitation."""
    return await api.post("/api/auth/signup", json={**GUEST, "invitation": token, **changes})


@pytest.fixture
async def helper(make_role: MakeRole, person_with: MakePerson) -> Person:  # noqa: F811
    """Return somebody who may invite, without having all permissions."""
    await make_role("support", "users:read", "users:write", "roles:write", "orders:refund")
    return await person_with("Helper", "support")


@pytest.fixture
async def owner(quiet_api: Api, database: Database) -> Person:  # noqa: F811
    """Return an administrator; no mail leaves by itself."""
    person = await quiet_api.sign_up("Owner")
    await give(database, person.id, [RoleName.ADMIN])
    return await quiet_api.sign_in("Owner")
