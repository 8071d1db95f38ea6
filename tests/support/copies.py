"""Copies of a database, as a backup makes them, and putting one back."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pymysql
from sqlalchemy import URL

from gatepost.models import Base

TABLES = [table.name for table in Base.metadata.sorted_tables]


class Copy:
    """The database as it was when the copy was made; its counters go on from there once it is put back."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._sqlite = sqlite3.connect(":memory:", check_same_thread=False)

    async def make(self) -> None:
        """Make the copy."""
        await asyncio.to_thread(self._make)

    async def put_back(self) -> None:
        """Undo everything since, while the service runs."""
        await asyncio.to_thread(self._put_back)

    async def drop(self) -> None:
        """Leave nothing of the copy."""
        self._sqlite.close()
        if self._url.get_backend_name() != "sqlite":
            await asyncio.to_thread(self._run, [f"DROP TABLE IF EXISTS copy_of_{table}" for table in TABLES])

    def _make(self) -> None:
        if self._url.get_backend_name() == "sqlite":
            with closing(sqlite3.connect(str(self._url.database))) as live:
                live.backup(self._sqlite)
            return
        self._run([f"CREATE TABLE copy_of_{table} AS SELECT * FROM {table}" for table in TABLES])

    def _put_back(self) -> None:
        if self._url.get_backend_name() == "sqlite":
            with closing(sqlite3.connect(str(self._url.database))) as live:
                self._sqlite.backup(live)
            return
        statements = ["SET FOREIGN_KEY_CHECKS = 0"]
        for table in TABLES:
            statements += [f"TRUNCATE {table}", f"INSERT INTO {table} SELECT * FROM copy_of_{table}"]
        self._run(statements)

    def _run(self, statements: list[str]) -> None:
        with self._mysql() as cursor:
            for statement in statements:
                cursor.execute(statement)

    @contextmanager
    def _mysql(self) -> Iterator[pymysql.cursors.Cursor]:
        url = self._url
        connection = pymysql.connect(
            host=url.host, port=url.port or 3306, user=url.username, password=url.password or "", database=url.database,
            autocommit=True,
        )  # fmt: skip
        with connection, connection.cursor() as cursor:
            yield cursor
