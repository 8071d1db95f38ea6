"""Reads accounts from the Node.js service that Gatepost replaces: its tables users, roles and user_roles, on MySQL."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import URL, Connection, bindparam, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gatepost.core.db.causes import cause_of
from gatepost.core.db.database import create_engine
from gatepost.core.db.tls import tls_context
from gatepost.core.db.url import read_database_url
from gatepost.transfer.importing import Chunk
from gatepost.transfer.records import Conflict, Row
from gatepost.transfer.values import read_moment

CHUNK = 1000
CONNECT_SECONDS = 10
NEEDED = {
    "users": ("id", "username", "email", "password"),
    "roles": ("id", "name"),
    "user_roles": ("userId", "roleId"),
}


class SourceUnusable(ValueError):
    """The database is not that of the Node.js service; the message says what is missing."""


class SequelizeSource:
    """Reads a snapshot of that database, ordered by id; it never writes to it."""

    def __init__(self, url: str, *, password: str | None = None) -> None:
        """Set the database; the password may be given separately, unencoded.

        Raises:
            SourceUnusable: `url` is not the URL of a MySQL or MariaDB database or names a file that cannot be used; or
                `password` is empty, or `url` also has a password or no user.
        """
        try:
            self._url = read_database_url(url)
            tls_context(self._url)
        except ValueError as error:
            raise SourceUnusable(f"the source: {error}") from error
        if self._url.get_backend_name() == "sqlite":
            raise SourceUnusable("the source is a MySQL or MariaDB database")
        if password is not None:
            self._url = self._url.set(password=_only(password, self._url))
        self.name = "sequelize"
        self.total: int | None = None

    async def chunks(self, *, now: datetime) -> AsyncIterator[Chunk]:
        """Read all accounts once, in order; those with unknown roles become conflicts.

        Raises:
            SourceUnusable: a table or a column is missing, or the database cannot be used.
        """
        try:
            async for chunk in self._chunks(now=now):
                yield chunk
        except SQLAlchemyError as error:
            raise SourceUnusable(f"the source cannot be used: {cause_of(error, self._url, is_ours=False)}") from error

    async def _chunks(self, *, now: datetime) -> AsyncIterator[Chunk]:
        engine: AsyncEngine = create_engine(self._url, timeout_seconds=CONNECT_SECONDS)
        try:
            # One snapshot: the old service may keep running while its database is read.
            async with engine.execution_options(isolation_level="REPEATABLE READ").connect() as connection:
                columns = await connection.run_sync(_check_tables)
                self.total = await connection.scalar(text("SELECT count(*) FROM users"))
                names: dict[Any, str | None] = {
                    row.id: row.name for row in await connection.execute(text("SELECT id, name FROM roles"))
                }
                yield Chunk(conflicts=await _orphans(connection))
                read = 0
                async for rows in _pages(connection, columns):
                    read += len(rows)
                    given = await _roles_of(connection, [row["id"] for row in rows])
                    yield Chunk(rows=[_row(row, given, names, now=now) for row in rows])
                if read != self.total:
                    reason = f"the table users has {self.total} rows and {read} could be read: ids are NULL or twice"
                    yield Chunk(conflicts=[Conflict("rows_unread", "users", reason)])
        finally:
            await engine.dispose()


def _only(password: str, url: URL) -> str:
    if not password:
        raise SourceUnusable("the source: its password is empty")
    if url.password is not None or url.username is None:
        raise SourceUnusable("the source: beside a password of its own, its address names a user and no password")
    return password


def _check_tables(connection: Connection) -> set[str]:
    inspector = inspect(connection)
    tables = set(inspector.get_table_names())
    for table, columns in NEEDED.items():
        there = {column["name"] for column in inspector.get_columns(table)} if table in tables else set()
        missing = [column for column in columns if column not in there]
        if missing:
            raise SourceUnusable(f"the source has no table {table} with {', '.join(missing)}")
    return {column["name"] for column in inspector.get_columns("users")} & {"createdAt", "updatedAt"}


async def _pages(connection: AsyncConnection, columns: set[str]) -> AsyncIterator[Sequence[dict[str, Any]]]:
    # As text: a zero date is None in one version of the driver and a string in another.
    moments = "".join(f", CAST({name} AS CHAR) AS {name}" for name in sorted(columns))
    select = f"SELECT id, username, email, password{moments} FROM users"  # noqa: S608  two known names
    after: dict[str, Any] = {}
    while True:
        where = " WHERE id > :after" if after else ""
        found = await connection.execute(text(f"{select}{where} ORDER BY id LIMIT {CHUNK}"), after)
        rows = [dict(row) for row in found.mappings()]
        if not rows:
            return
        yield rows
        if rows[-1]["id"] is None:
            return
        after = {"after": rows[-1]["id"]}


async def _roles_of(connection: AsyncConnection, ids: Sequence[Any]) -> dict[Any, set[Any]]:
    query = text("SELECT userId, roleId FROM user_roles WHERE userId IN :ids").bindparams(
        bindparam("ids", expanding=True)
    )
    given: dict[Any, set[Any]] = defaultdict(set)
    for user_id, role_id in await connection.execute(query, {"ids": list(ids)}):
        given[user_id].add(role_id)
    return given


async def _orphans(connection: AsyncConnection) -> list[Conflict]:
    query = text(
        "SELECT ur.userId, ur.roleId FROM user_roles ur LEFT JOIN users u ON u.id = ur.userId WHERE u.id IS NULL"
    )
    return [
        Conflict("role_of_nobody", f"user_roles {user_id}, {role_id}", "there is no account with this id")
        for user_id, role_id in (await connection.execute(query))
    ]


def _row(source: dict[str, Any], given: dict[Any, set[Any]], names: dict[Any, str | None], *, now: datetime) -> Row:
    role_ids = given.get(source["id"], set())
    values = {
        "id": source["id"],
        "username": source["username"],
        "email": source["email"],
        "password_hash": source["password"],
        "roles": [name for role_id in role_ids if (name := names.get(role_id)) is not None],
        # None for zero dates and NULLs: the old service does not know the time either.
        "created_at": read_moment(source.get("createdAt")),
        "updated_at": read_moment(source.get("updatedAt")),
    }
    row = Row.read(values, place=f"users {source['id']}", now=now)
    for role_id in sorted(role_ids, key=str):
        if names.get(role_id) is None:
            row.complain("role_refused", f"it has the role {role_id}, and the table roles has no name for that")
    return row
