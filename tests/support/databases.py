"""Engines that serve one test after another, and databases that are emptied between them."""

import sqlite3
from collections import defaultdict
from contextlib import closing
from typing import Any

import aiomysql
import pytest
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from gatepost.composition.platform import make_engine
from gatepost.core.settings import Settings
from gatepost.models import Base

# The roles of the first migration stay, and are as it left them.
ROLES_AGAIN = (
    "DELETE FROM roles WHERE id > 3",
    """UPDATE roles SET permissions = CASE id WHEN 3 THEN '["*"]' ELSE '[]' END, stale_above = NULL""",
)
EMPTIES = ";".join(
    [f"DELETE FROM {table.name}" for table in reversed(Base.metadata.sorted_tables) if table.name != "roles"]
    + list(ROLES_AGAIN)
)


class Engines:
    """Lends each services an engine of its own.

    One that comes back has no connection left, but knows the server and the statements that it has compiled, which is
    half of what a test costs.
    """

    def __init__(self) -> None:
        self._free: defaultdict[tuple[Any, ...], list[AsyncEngine]] = defaultdict(list)

    def lend(self, settings: Settings) -> AsyncEngine:
        """Return an engine that the settings describe, and that nobody else uses."""
        free = self._free[_description(settings)]
        return free.pop() if free else make_engine(settings)

    def take_back(self, settings: Settings, engine: AsyncEngine) -> None:
        """Lend this engine, which is disposed of, again."""
        self._free[_description(settings)].append(engine)


ENGINES = Engines()


def repeats_on_mysql(item: pytest.Item) -> bool:
    """Whether this repeats an SQLite test on MySQL though it is not marked for both and did not choose MySQL itself."""
    callspec = getattr(item, "callspec", None)
    if callspec is None or callspec.params.get("database_url") != "mysql":
        return False
    chosen = any("database_url" in mark.args[0] for mark in item.iter_markers("parametrize"))
    return not chosen and item.get_closest_marker("both_databases") is None


async def emptied(url: URL) -> None:
    """Leave nothing in the database but the roles of the first migration."""
    if url.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(url.database))) as connection:
            connection.executescript(f"PRAGMA foreign_keys = ON; BEGIN IMMEDIATE; {EMPTIES}; COMMIT")
        return
    async with aiomysql.connect(
        host=url.host, port=url.port or 3306, user=url.username, password=url.password or "", db=url.database,
    ) as connection, connection.cursor() as cursor:  # fmt: skip
        await cursor.execute(f"BEGIN; {EMPTIES}; COMMIT")
        while await cursor.nextset():
            pass


def _description(settings: Settings) -> tuple[Any, ...]:
    return (
        settings.sqlalchemy_url,
        settings.db_pool_size,
        settings.db_max_overflow,
        settings.db_pool_recycle_seconds,
        settings.db_timeout_seconds,
    )
