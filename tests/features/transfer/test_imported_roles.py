"""Roles of an import: they follow the rules for roles; an account is imported with all of its roles or not at all."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gatepost.core.clock import Clock
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import RetiredRoleName, Role, User
from tests.features.transfer.conftest import RunImport

pytestmark = pytest.mark.both_databases


def account(name: str, *roles: str) -> dict[str, Any]:
    """Return an account as a line of the file."""
    return {"username": name, "email": f"{name}@example.com", "roles": ["user", *roles]}


def words(start: str) -> list[str]:
    """Return permissions that fill more than half of an access token."""
    return [f"{start}{number:02}".ljust(64, "x") for number in range(12)]


async def names(database: Database) -> list[str]:
    """Return the names of all accounts."""
    async with database.read() as tx:
        return list(await tx.scalars(select(User.username).order_by(User.id)))


def written(folder: Path, *lines: dict[str, Any]) -> Path:
    """Write a file of lines."""
    file = folder / "people.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
async def test_account_whose_roles_are_too_long_together_does_not_come(
    gatepost: RunImport, database: Database, tmp_path: Path, options: list[str]
) -> None:
    file = written(
        tmp_path,
        {"type": "role", "name": "left", "permissions": words("l")},
        {"type": "role", "name": "right", "permissions": words("r")},
        account("both", "left", "right"), account("one", "left"), account("other", "right"),
    )  # fmt: skip

    result = await gatepost("import", "jsonl", file, *options)

    assert "line 3: roles_too_long" in result.output
    assert "3 accounts read, 2 " in result.output
    assert await names(database) == ([] if options else ["one", "other"])


async def test_name_that_another_role_had_lately_is_given_to_none(
    gatepost: RunImport, database: Database, tmp_path: Path, clock: Clock
) -> None:
    async with database.begin() as tx:
        # What a role of this deployment was called that exists no more.
        tx.add(RetiredRoleName(name="vault", role_id=99, free_at=clock.now() + timedelta(days=3650)))
    file = written(tmp_path, account("rich", "vault"), account("poor"))

    result = await gatepost("import", "jsonl", file)

    assert "role vault: role_name_retired" in result.output
    assert "line 1: role_refused" in result.output
    assert await names(database) == ["poor"]
    async with database.read() as tx:
        assert "vault" not in (await tx.scalars(select(Role.name))).all()


@pytest.mark.parametrize("name", ["role_admin", "role-admin", "Admin", "admin\n"])
async def test_name_that_reads_like_another_does_not_come(
    gatepost: RunImport, database: Database, tmp_path: Path, name: str
) -> None:
    file = written(tmp_path, {"type": "role", "name": name}, account("rich", name), account("poor"))

    result = await gatepost("import", "jsonl", file)

    assert "line 1: role_refused" in result.output
    assert "line 2: role_refused" in result.output
    assert await names(database) == ["poor"]
