"""Empty databases to move between, and the old service's database."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, text

from gatepost.core.db.database import create_engine
from tests.conftest import MakeSettings
from tests.support.commands import run_command
from tests.support.mysql import run_sql

OLD_SCHEMA = (
    "CREATE TABLE users (id INT AUTO_INCREMENT PRIMARY KEY, username VARCHAR(255), email VARCHAR(255),"
    " password VARCHAR(255), createdAt DATETIME NOT NULL, updatedAt DATETIME NOT NULL) CHARSET {charset}",
    "CREATE TABLE roles (id INT PRIMARY KEY, name VARCHAR(255)) CHARSET {charset}",
    "CREATE TABLE user_roles (roleId INT, userId INT, PRIMARY KEY (roleId, userId)) CHARSET {charset}",
    "INSERT INTO roles VALUES (1, 'user'), (2, 'moderator'), (3, 'admin'), (7, 'editor')",
)

RunImport = Callable[..., Any]


def write_lines(file: Path, *lines: dict[str, Any]) -> Path:
    """Write a file as `gatepost import jsonl` reads it."""
    file.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return file


def accounts_of(file: Path) -> list[dict[str, Any]]:
    """Return the accounts of a file that `gatepost export` has written."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line["type"] == "account"]


class OldDatabase:
    """A database of the Node.js service."""

    def __init__(self, url: URL) -> None:
        self.url = url

    @property
    def argument(self) -> str:
        """The URL as an operator types it."""
        return self.url.set(drivername="mysql").render_as_string(hide_password=False)

    async def run(self, *statements: str, **values: Any) -> None:
        """Run statements on it."""
        engine = create_engine(self.url)
        async with engine.begin() as connection:
            await connection.execute(text("SET SESSION sql_mode = ''"))
            for statement in statements:
                await connection.execute(text(statement), values)
        await engine.dispose()

    async def add(
        self, number: int, username: str | None, email: str | None, password: str | None, *,
        roles: tuple[int, ...] = (1,), at: str = "2021-03-04 05:06:07",
    ) -> None:  # fmt: skip
        """Put an account in."""
        await self.run(
            "INSERT INTO users VALUES (:id, :username, :email, :password, :at, :at)",
            id=number, username=username, email=email, password=password, at=at,
        )  # fmt: skip
        for role in roles:
            await self.run("INSERT INTO user_roles (roleId, userId) VALUES (:role, :id)", role=role, id=number)


@pytest.fixture(params=["utf8mb4", "latin1"])
async def old(request: pytest.FixtureRequest, mysql_url: URL) -> AsyncIterator[OldDatabase]:
    """Give an empty database of the Node.js service, in each character set, and drop it."""
    name = f"gatepost_old_{uuid.uuid4().hex[:12]}"
    await run_sql(mysql_url, f"CREATE DATABASE {name} CHARACTER SET {request.param}")
    old = OldDatabase(mysql_url.set(database=name))
    await old.run(*(statement.format(charset=request.param) for statement in OLD_SCHEMA))
    yield old
    await run_sql(mysql_url, f"DROP DATABASE {name}")


@pytest.fixture
def gatepost(make_settings: MakeSettings) -> RunImport:
    """Return what runs a command on the database of the test."""

    async def run(*arguments: str | Path) -> Any:
        return await run_command(make_settings(), *(str(argument) for argument in arguments))

    return run


@pytest.fixture
def other_database(mysql_url: URL, tmp_path: Path) -> Iterator[Callable[[str], URL]]:
    """Give a function that names another database, SQLite or MySQL, without tables; it is dropped at the end."""
    name = f"gatepost_test_{uuid.uuid4().hex[:12]}"
    asyncio.run(run_sql(mysql_url, f"CREATE DATABASE {name}"))
    urls = {
        "mysql": mysql_url.set(database=name),
        "sqlite": URL.create("sqlite+aiosqlite", database=str(tmp_path / "other.db")),
    }
    yield lambda kind: urls[kind]
    asyncio.run(run_sql(mysql_url, f"DROP DATABASE {name}"))
