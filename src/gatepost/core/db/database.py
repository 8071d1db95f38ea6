"""Transactions: `begin()` to write, `read()` to read, and the rules that make races safe on both databases."""

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
# Extra time for the rollback of a transaction that has used up its time.
UNDO_SECONDS = 0.25
# MySQL: deadlock (on Galera also a failed certification), lock wait timeout, record changed since it was read;
# 3101 is a certification that failed at the commit on Group Replication.
CONFLICTS = frozenset({1213, 1205, 1020, 3101})
# 1047: a Galera node without a quorum; 1180, 3100: a commit that could not be replicated; 1290, 1792, 1836: a read-only
# server, as after a failover. Another connection may reach a server that can write.
CANNOT_WRITE = frozenset({1047, 1180, 1290, 1792, 1836, 3100})
# MySQL: too many connections, shutdown in progress, connection killed, refused, lost, or without TLS; disk full, table
# full; statement interrupted.
OUTAGES = frozenset({1040, 1053, 1927, 2003, 2006, 2013, TLS_FAILED, 1021, 1114, 1317}) | CANNOT_WRITE
# SQLite: disk error, disk full, no file, no permission.
SQLITE_OUTAGES = frozenset(
    {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
)
TEXT = functools.partial(str, encoding="utf-8", errors="replace")
WRITES = "gatepost_writes"
AFTER_COMMIT = "gatepost_after_commit"
ANNOUNCED = "gatepost_announced"
# The time that earlier attempts of a use case took before they lost a conflict.
SPENT_SECONDS: ContextVar[float] = ContextVar("spent_seconds", default=0.0)

Transaction = AsyncSession


class NumberTaken(Exception):
    """A random number already belongs to another row; the use case starts again with a new one."""


class DatabaseUnavailable(Unavailable):
    """The database is unreachable or did not answer in time."""

    code = "database_unavailable"
    title = "Database unavailable"
    message = "The service is busy. Please try again."


class Database:
    """The database: a pool of connections, with transactions that write and transactions that read.

    A transaction that takes longer than `timeout_seconds` is rolled back and raises `DatabaseUnavailable`, as do a lost
    connection and a full disk.
    """

    def __init__(self, engine: AsyncEngine, *, timeout_seconds: float) -> None:
        self.engine = engine
        # Transactions that took too long, or waited too long for a connection.
        self.timeouts = 0
        self._timeout = timeout_seconds
        self._writer = engine.execution_options(**{WRITES: True})
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        # SQLite allows one writer at a time, and the others wait in no particular order; here they queue up.
        self._turn: AbstractAsyncContextManager[None] = (
            asyncio.Lock() if engine.dialect.name == "sqlite" else nullcontext()
        )

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        """Open a transaction that writes. It commits at the end of the block; any exception rolls it back.

        On SQLite it takes the write lock immediately, so that what it reads stays valid until the commit.
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
        """How many connections of the pool are in use."""
        pool = self.engine.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0

    def listen(self, topic: str, listener: Callable[[], None]) -> None:
        """Call the listener after each commit in this process that announced the topic."""
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
                # The inner limit ends the work. The rollback may again wait for a stalled server; the outer limit ends
                # that too, and the driver drops the interrupted connection.
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
    """Create the engine, with the options that make races safe on each database; it does not connect yet.

    Raises:
        TlsUnusable: a file for TLS cannot be used; the message names it.
    """
    # A connection dropped during a transaction is answered and logged as an outage; the pool would add a traceback.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    common: dict[str, Any] = {
        "pool_size": pool_size,
        "max_overflow": max_overflow,
        "pool_timeout": timeout_seconds,
        # Stored values must not appear in error messages.
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
    """Call back after this transaction has committed; never after a rollback."""
    tx.info.setdefault(AFTER_COMMIT, []).append(callback)


def announce(tx: Transaction, topic: str) -> None:
    """Notify the listeners of the topic once, after this transaction has committed."""
    tx.info.setdefault(ANNOUNCED, set()).add(topic)


def retry_conflicts(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Run a use case again from the start if its transaction lost a conflict, or if a random number was taken.

    MySQL rolls back one of two transactions that wait for each other; Galera and Group Replication report a conflict
    at the commit the same way. A method with this decorator has one `begin()` block, so that nothing was committed when
    it runs again. There are at most three attempts, and none after a second: a caller who has waited that long gets
    `DatabaseUnavailable`. The time of earlier attempts is deducted from the timeout of later ones.
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
        # Our transactions always end themselves; a second ROLLBACK would be another round trip.
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
    # The low byte of SQLite's extended result code is the primary result code.
    kind = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    return error.connection_invalidated or _number(error.orig) in OUTAGES or kind in SQLITE_OUTAGES


async def _connect_sqlite(*arguments: Any, **options: Any) -> aiosqlite.Connection:
    connection = aiosqlite.connect(*arguments, **options)
    # A daemon thread does not delay the end of the process.
    connection._thread.daemon = True  # noqa: SLF001  as SQLAlchemy does
    try:
        return await connection
    except Exception:
        # The thread reports its end to the event loop, which a command may have closed by then.
        await asyncio.to_thread(connection._thread.join)  # noqa: SLF001
        raise


def _prepare_sqlite(connection: Any, _: ConnectionPoolEntry) -> None:
    # The driver's BEGIN is deferred, which lets two writers read the same row; _begin_sqlite sends ours.
    connection.isolation_level = None
    # Another program may have written text that is not UTF-8; it must not make other rows unreadable.
    connection.driver_connection.text_factory = TEXT
    cursor = connection.cursor()
    # Acknowledged commits must be on disk; in WAL mode, NORMAL may lose the last ones in a power failure.
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _read_json(text: str) -> Any:
    """Return the value of a JSON column; empty if another program has written something that is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return {}


def _begin_sqlite(connection: Any) -> None:
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
