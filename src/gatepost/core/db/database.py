"""Transactions: `begin()` to write, `read()` to look, and the rules that make races safe on both databases."""

import asyncio
import functools
import json
import logging
import random
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

import aiosqlite
from sqlalchemy import URL, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from gatepost.core.db.idle_connections import replace_dead
from gatepost.core.db.latecomers import close_latecomers
from gatepost.core.db.tls import TLS_FAILED, connect_arguments, without_tls_options
from gatepost.core.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

ATTEMPTS = 3
RETRY_SECONDS = 1.0
LOCK_WAIT_SECONDS = 2
INIT_COMMAND = (
    f"SET time_zone = '+00:00', innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS}, "
    "sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'"
)
# What an answer that took all of its time may take beyond that.
UNDO_SECONDS = 0.25
# MySQL: deadlock (Galera: certification, too), lock wait timeout, record changed since it was read;
# 3101 is a certification that Group Replication refused at the commit.
CONFLICTS = frozenset({1213, 1205, 1020, 3101})
# 1047 a Galera node without the majority; 1180 and 3100 a commit that could not be replicated; 1290, 1792 and 1836 a
# server that only reads, as after a failover. Another connection may lead to a server that can.
CANNOT_WRITE = frozenset({1047, 1180, 1290, 1792, 1836, 3100})
# MySQL: too many connections, shutdown in progress, connection killed, no connection, a lost one or one without TLS;
# disk full, table full; statement stopped.
OUTAGES = frozenset({1040, 1053, 1927, 2003, 2006, 2013, TLS_FAILED, 1021, 1114, 1317}) | CANNOT_WRITE
# SQLite: a failing disk, a full one, no file or no right to it.
SQLITE_OUTAGES = frozenset(
    {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
)
TEXT = functools.partial(str, encoding="utf-8", errors="replace")
WRITES = "gatepost_writes"
AFTER_COMMIT = "gatepost_after_commit"
ANNOUNCED = "gatepost_announced"
# By the runs of a use case that lost against another one.
SPENT_SECONDS: ContextVar[float] = ContextVar("spent_seconds", default=0.0)

Transaction = AsyncSession


class NumberTaken(Exception):
    """A number that was drawn at random is another row's; the use case begins again with another one."""


class DatabaseUnavailable(Unavailable):
    """The database is unreachable or did not answer in time."""

    code = "database_unavailable"
    title = "Database unavailable"
    message = "The service is busy. Please try again."


class Database:
    """The accounts' database: a pool of connections and the two ways into it.

    A transaction that takes longer than `timeout_seconds` is rolled back and answered with
    `DatabaseUnavailable`; so are a lost connection and a full disk.
    """

    def __init__(self, engine: AsyncEngine, *, timeout_seconds: float) -> None:
        self.engine = engine
        # Transactions that took too long, or waited too long for a connection.
        self.timeouts = 0
        self._timeout = timeout_seconds
        self._writer = engine.execution_options(**{WRITES: True})
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        # SQLite takes one writer at a time and lets the others sleep in no order; ours queue up before it.
        self._turn: AbstractAsyncContextManager[None] = (
            asyncio.Lock() if engine.dialect.name == "sqlite" else nullcontext()
        )

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        """Open a transaction that writes: it commits at the end of the block and is undone by any exception.

        On SQLite it takes the write lock at once, so that what it reads stays true until it commits.
        """
        async with self._transaction(self._writer, turn=self._turn) as tx:
            yield tx
        for callback in tx.info.get(AFTER_COMMIT, ()):
            callback()
        for topic in tx.info.get(ANNOUNCED, ()):
            for listener in self._listeners.get(topic, ()):
                listener()

    @property
    def connections_in_use(self) -> int:
        """How many connections are lent out."""
        pool = self.engine.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0

    def listen(self, topic: str, listener: Callable[[], None]) -> None:
        """Call the listener after each commit, of this process, that announced the topic."""
        self._listeners.setdefault(topic, []).append(listener)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """Open a transaction that only reads."""
        async with self._transaction(self.engine, turn=nullcontext()) as tx:
            yield tx

    async def dispose(self) -> None:
        """Close every connection."""
        await self.engine.dispose()

    @asynccontextmanager
    async def _transaction(
        self, engine: AsyncEngine, *, turn: AbstractAsyncContextManager[None]
    ) -> AsyncIterator[Transaction]:
        seconds = self._timeout - SPENT_SECONDS.get()
        try:
            async with (
                # The first limit ends the work. What it then takes to undo it may wait for a stalled server once more:
                # the second limit ends that too, and the driver drops a connection that is left in the middle.
                asyncio.timeout(seconds + UNDO_SECONDS),
                asyncio.timeout(seconds),
                turn,
                AsyncSession(engine, expire_on_commit=False, autoflush=False) as tx,
                tx.begin(),
            ):
                yield tx
        except (TimeoutError, PoolTimeoutError) as error:
            self.timeouts += 1
            raise DatabaseUnavailable from error
        except DBAPIError as error:
            if _is_outage(error):
                raise DatabaseUnavailable from error
            raise


def create_engine(
    url: URL,
    *,
    pool_size: int = 5,
    max_overflow: int = 5,
    recycle_seconds: int = 1800,
    timeout_seconds: float = 2.5,
) -> AsyncEngine:
    """Make the engine with what each database needs for safe races; nothing connects yet.

    Raises:
        TlsUnusable: a file for TLS cannot be used; the message names it.
    """
    # A connection that is dropped in the middle is an outage, which is answered and logged as one; the pool would add a
    # traceback for each.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    common: dict[str, Any] = {
        "pool_size": pool_size,
        "max_overflow": max_overflow,
        "pool_timeout": timeout_seconds,
        # What is stored must not stand in the text of an error.
        "hide_parameters": True,
        "json_deserializer": _read_json,
    }
    if url.get_backend_name() == "sqlite":
        told = {"timeout": timeout_seconds, "async_creator_fn": _connect_sqlite}
        engine = create_async_engine(url, connect_args=told, **common)
        close_latecomers(engine)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine
    return _mysql_engine(url, recycle_seconds=recycle_seconds, timeout_seconds=timeout_seconds, **common)


def after_commit(tx: Transaction, callback: Callable[[], None]) -> None:
    """Call back once this transaction is committed; an undone one never calls."""
    tx.info.setdefault(AFTER_COMMIT, []).append(callback)


def announce(tx: Transaction, topic: str) -> None:
    """Tell those who listen to the topic, once, when this transaction is committed."""
    tx.info.setdefault(ANNOUNCED, set()).add(topic)


def retry_conflicts(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Run a use case again from its first line when its transaction lost against another one, or drew a taken number.

    MySQL undoes one of two transactions that wait for each other; Galera and Group Replication report a
    conflict at the commit the same way. A method with this decorator has one `begin()` block, so that
    nothing was committed when it is run again. At most three runs, and none after a second: who has waited for
    a lock for that long is told to come back. What the runs before have taken, a later one has less.
    """

    @functools.wraps(method)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        attempt = 1
        while True:
            spent = SPENT_SECONDS.set(loop.time() - began_at if attempt > 1 else SPENT_SECONDS.get())
            try:
                return await method(*args, **kwargs)
            except (DBAPIError, NumberTaken) as error:
                if isinstance(error, DBAPIError) and not _is_conflict(error):
                    raise
                if attempt == ATTEMPTS or loop.time() > began_at + RETRY_SECONDS:
                    raise DatabaseUnavailable from error
            finally:
                SPENT_SECONDS.reset(spent)
            await asyncio.sleep(random.uniform(0, 0.02 * attempt))  # noqa: S311  spreads retries, guards nothing
            attempt += 1

    return run


def _mysql_engine(url: URL, *, recycle_seconds: int, timeout_seconds: float, **common: Any) -> AsyncEngine:
    told = {"charset": "utf8mb4", "connect_timeout": timeout_seconds, "init_command": INIT_COMMAND}
    engine = create_async_engine(
        without_tls_options(url),
        isolation_level="READ COMMITTED",
        pool_recycle=recycle_seconds,
        # Each transaction of ours ends itself; a second ROLLBACK would be one more question to the server.
        pool_reset_on_return=None,
        connect_args={**told, **connect_arguments(url)},
        **common,
    )
    close_latecomers(engine)
    event.listen(engine.sync_engine, "handle_error", _leave_who_cannot_write)
    replace_dead(engine)
    return engine


def _number(error: BaseException | None) -> Any:
    arguments = getattr(error, "args", ())
    return arguments[0] if arguments else None


def _is_conflict(error: DBAPIError) -> bool:
    return _number(error.orig) in CONFLICTS or "database is locked" in str(error.orig)


def _leave_who_cannot_write(context: ExceptionContext) -> None:
    if _number(context.original_exception) in CANNOT_WRITE:
        context.is_disconnect = True


def _is_outage(error: DBAPIError) -> bool:
    # The low byte of SQLite's code is the kind, the rest the detail.
    kind = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    return error.connection_invalidated or _number(error.orig) in OUTAGES or kind in SQLITE_OUTAGES


async def _connect_sqlite(*arguments: Any, **options: Any) -> aiosqlite.Connection:
    connection = aiosqlite.connect(*arguments, **options)
    # The end of the process waits for no daemon.
    connection._thread.daemon = True  # noqa: SLF001  as SQLAlchemy does
    try:
        return await connection
    except Exception:
        # The thread still has to tell the loop that it has ended, and would find the loop of a command closed.
        await asyncio.to_thread(connection._thread.join)  # noqa: SLF001
        raise


def _prepare_sqlite(connection: Any, _: ConnectionPoolEntry) -> None:
    # The driver's own BEGIN is deferred and lets two writers read the same row; ours is in _begin_sqlite.
    connection.isolation_level = None
    # A text that is no UTF-8 was written by other hands, and must not stop who reads the rows beside it.
    connection.driver_connection.text_factory = TEXT
    cursor = connection.cursor()
    # What is acknowledged is on the disk: in WAL mode, NORMAL may lose the last commits when the power goes.
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _read_json(text: str) -> Any:
    """Return what a column of JSON holds; nothing where other hands have written something else."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return {}


def _begin_sqlite(connection: Any) -> None:
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
