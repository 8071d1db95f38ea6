"""People who look after others, and the roles of a test."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import pytest
from sqlalchemy import insert, select

from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import Role, user_roles
from gatepost.identity.accounts.roles import RoleName
from tests.support.api import Api, Person

Result = TypeVar("Result")
MakePerson = Callable[..., Awaitable[Person]]
MakeRole = Callable[..., Awaitable[int]]


@pytest.fixture(autouse=True)
def _no_role_work_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test say when a change of a role goes on."""
    monkeypatch.setattr("gatepost.lifespan.ROLES_SECONDS", 3600)


@pytest.fixture
def person_with(api: Api, database: Database) -> MakePerson:
    """Return a maker of people with roles, which stand in their access tokens."""

    async def make(username: str, *roles: str) -> Person:
        person = await api.sign_up(username)
        await give(database, person.id, roles)
        return await api.sign_in(username)

    return make


@pytest.fixture
async def admin(person_with: MakePerson) -> Person:
    """Return an administrator."""
    return await person_with("Root", RoleName.ADMIN)


@pytest.fixture
async def make_role(database: Database) -> MakeRole:
    """Return a maker of roles; it gives their id."""

    async def make(name: str, *permissions: str) -> int:
        async with database.begin() as tx:
            role = Role(name=name, description="", permissions=sorted(permissions))
            tx.add(role)
            await tx.flush()
            return role.id

    return make


async def give(database: Database, user_id: int, roles: Sequence[str]) -> None:
    """Give an account roles besides those that it has, as an operator would by hand."""
    async with database.begin() as tx:
        ids = await tx.scalars(select(Role.id).where(Role.name.in_(roles)))
        rows = [{"user_id": user_id, "role_id": role_id} for role_id in ids]
        if rows:
            await tx.execute(insert(user_roles).values(rows))


async def at_once(*calls: Awaitable[Result]) -> list[Result]:
    """Do things at the same moment."""
    return await asyncio.gather(*calls)
