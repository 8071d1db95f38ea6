"""A scratch database for each target, dropped at the end."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pymysql

SERVER = os.environ.get("BENCH_MYSQL_URL", "mysql://root@127.0.0.1:3306")
PREFIX = "gatepost_bench_"


class Databases:
    """The scratch databases of one run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: set[str] = set()

    def url(self, name: str, *, kind: str) -> str:
        """Return the address of a database that is made at the first call."""
        if kind == "sqlite":
            return f"sqlite:///{self._folder / name}.db"
        own = PREFIX + name.replace("-", "_")
        if own not in self._made:
            execute(SERVER, f"DROP DATABASE IF EXISTS {own}", f"CREATE DATABASE {own} CHARACTER SET utf8mb4")
            self._made.add(own)
        return f"{SERVER}/{own}"

    def drop(self) -> None:
        """Drop all that were made."""
        for name in self._made:
            with contextlib.suppress(pymysql.Error):
                execute(SERVER, f"DROP DATABASE IF EXISTS {name}")
        self._made.clear()


@contextmanager
def scratch() -> Iterator[tuple[Databases, Path]]:
    """Give databases and a folder that are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="gatepost-bench-") as name:
        databases = Databases(Path(name))
        try:
            yield databases, Path(name)
        finally:
            databases.drop()


def execute(url: str, *statements: str) -> None:
    """Run statements on a database, each committed."""
    with contextlib.closing(_connect(url)) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def rows(url: str, query: str) -> Sequence[tuple[Any, ...]]:
    """Return what a query finds."""
    with contextlib.closing(_connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def _connect(url: str) -> "pymysql.Connection[Any]":
    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 3306,
        user=parts.username or "root",
        password=parts.password or "",
        database=parts.path.lstrip("/") or None,
        autocommit=True,
        read_timeout=1800,
    )
