"""The audit log as a test reads it, and what walks its chain."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import insert, select, text

from gatepost.audit.models import AuditEntry
from gatepost.audit.verify import ChainCheck, ChainReport, Head
from gatepost.composition.services import Services
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import user_roles
from tests.support.api import Api, Person

ADMIN_ROLE = 3

Entries = Callable[..., Awaitable[Sequence[AuditEntry]]]
Verify = Callable[..., Awaitable[tuple[list[str], ChainReport]]]
Sql = Callable[..., Awaitable[None]]


@pytest.fixture
async def admin(api: Api, database: Database) -> Person:
    """Return an administrator, whose tokens say so."""
    person = await api.sign_up("Root")
    async with database.begin() as tx:
        await tx.execute(insert(user_roles).values(user_id=person.id, role_id=ADMIN_ROLE))
    return await api.sign_in("Root")


@pytest.fixture
def entries(database: Database) -> Entries:
    """Return what reads the log: all of it, or one kind of event, by id."""

    async def read(event: str | None = None) -> Sequence[AuditEntry]:
        query = select(AuditEntry).order_by(AuditEntry.id)
        async with database.read() as tx:
            return (await tx.scalars(query if event is None else query.where(AuditEntry.event == event))).all()

    return read


@pytest.fixture
def verify(services: Services) -> Verify:
    """Return what walks the chain and gives every finding."""

    async def walk(*expected: Head, by: Services = services) -> tuple[list[str], ChainReport]:
        check = ChainCheck(by.platform.database, by.settings.keys)
        return [line async for line in check.findings(expected)], check.report

    return walk


@pytest.fixture
def sql(database: Database) -> Sql:
    """Return what writes into the database past the service."""

    async def run(statement: str, **values: Any) -> None:
        async with database.begin() as tx:
            await tx.execute(text(statement), values)

    return run


@pytest.fixture
def write(database: Database, clock: Clock) -> Callable[..., Awaitable[list[int]]]:
    """Return what writes entries into the log and gives their ids."""

    async def add(count: int = 1, **values: Any) -> list[int]:
        made = [
            AuditEntry(
                **{"at": clock.now(), "event": "session.opened", "user_id": 1, "actor_id": None, "session_id": 1,
                   "address": "203.0.113.7", "request_id": "r", "details": {"amr": "pwd", "n": number}} | values
            )
            for number in range(count)
        ]  # fmt: skip
        async with database.begin() as tx:
            tx.add_all(made)
            await tx.flush()
            return [entry.id for entry in made]

    return add
