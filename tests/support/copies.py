"""Copies of a database, as a backup makes them, and putting one back."""

import asyncio
import re
import sqlite3
from contextlib import closing

import aiomysql
from sqlalchemy import URL

from gatepost.models import Base

TABLES = [table.name for table in Base.metadata.sorted_tables]
COUNTER = re.compile(r"AUTO_INCREMENT=\d+")


class Copy:
    """The database as it was when the copy was made; its counters go on from there once it is put back."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._is_sqlite = url.get_backend_name() == "sqlite"
        self._made: list[str] = []
        self._counters: list[str] = []
        self._kept = sqlite3.connect(":memory:", check_same_thread=False)

    async def make(self) -> None:
        """Make the copy."""
        if self._is_sqlite:
            await asyncio.to_thread(self._make)
        else:
            self._made = [f"copy_of_{table}" for table in TABLES]
            await self._run(*(f"CREATE TABLE copy_of_{table} AS SELECT * FROM {table}" for table in TABLES))
            shown = await self._run(*(f"SHOW CREATE TABLE {table}" for table in TABLES))
            # As mysqldump keeps them: the last numbers may be of rows that have gone.
            self._counters = [
                f"ALTER TABLE {table} {counter[0]}" for table, text in shown if (counter := COUNTER.search(text))
            ]

    async def put_back(self) -> None:
        """Undo everything since, while the service runs."""
        if self._is_sqlite:
            await asyncio.to_thread(self._put_back)
            return
        statements = ["SET FOREIGN_KEY_CHECKS = 0"]
        for table in TABLES:
            statements += [f"TRUNCATE {table}", f"INSERT INTO {table} SELECT * FROM copy_of_{table}"]
        await self._run(*statements, *self._counters)

    async def drop(self) -> None:
        """Leave nothing of the copy."""
        self._kept.close()
        await self._run(*(f"DROP TABLE {table}" for table in self._made))

    def _make(self) -> None:
        with closing(sqlite3.connect(str(self._url.database))) as live:
            live.backup(self._kept)

    def _put_back(self) -> None:
        with closing(sqlite3.connect(str(self._url.database))) as live:
            self._kept.backup(live)

    async def _run(self, *statements: str) -> list[tuple[str, str]]:
        """Execute them, and return the first row of each that has one."""
        if not statements:
            return []
        url, found = self._url, []
        async with aiomysql.connect(
            host=url.host, port=url.port or 3306, user=url.username, password=url.password or "", db=url.database,
            autocommit=True,
        ) as connection, connection.cursor() as cursor:  # fmt: skip
            for statement in statements:
                await cursor.execute(statement)
                if cursor.description:
                    found.append(await cursor.fetchone())
        return found
