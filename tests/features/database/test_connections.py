"""Connections that are cut off while they are made."""

import asyncio
import gc
import threading
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from sqlalchemy import URL, event, make_url, text
from sqlalchemy.util import await_only

from gatepost.core.db import idle_connections
from gatepost.core.db.database import Database, DatabaseUnavailable, Transaction, create_engine

pytestmark = pytest.mark.both_databases


@pytest.mark.parametrize("milliseconds", [1, 4, 16])
async def test_connection_that_is_cut_off_while_it_is_made_is_closed(database_url: URL, milliseconds: int) -> None:
    """A connection that only the garbage collector finds warns, and a warning fails a test."""

    async def look(database: Database, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds), database.read() as tx:
                await tx.execute(text("SELECT 1"))
        except TimeoutError:
            return

    database = Database(create_engine(database_url, timeout_seconds=10), timeout_seconds=10)
    await asyncio.gather(*(look(database, milliseconds / 1000 * part / 5) for part in range(1, 11)))
    await database.dispose()
    gc.collect()


async def test_connection_that_comes_back_after_its_pool_has_gone_is_closed(database_url: URL) -> None:
    """A connection that only the garbage collector finds warns, and a warning fails a test."""
    database = Database(create_engine(database_url, timeout_seconds=10), timeout_seconds=10)
    is_lent, may_end = asyncio.Event(), asyncio.Event()

    async def look() -> None:
        async with database.read() as tx:
            await tx.execute(text("SELECT 1"))
            is_lent.set()
            await may_end.wait()

    looking = asyncio.create_task(look())
    await is_lent.wait()
    await database.dispose()
    may_end.set()
    await looking
    gc.collect()

    async with database.read() as tx:  # the engine goes on
        assert await tx.scalar(text("SELECT 1")) == 1
    await database.dispose()
    gc.collect()


async def test_connection_that_is_being_made_while_its_pool_goes_is_closed(database_url: URL) -> None:
    """A connection that only the garbage collector finds warns, and a warning fails a test."""
    engine = create_engine(database_url, timeout_seconds=10)
    database = Database(engine, timeout_seconds=10)
    disposing: list[asyncio.Task[None]] = []

    async def dispose() -> None:
        disposing.append(asyncio.create_task(database.dispose()))
        await asyncio.wait(disposing)

    def prepare(*_: object) -> None:
        if not disposing:
            await_only(dispose())

    # Before what else is done with a new connection.
    event.listen(engine.sync_engine, "connect", prepare, insert=True)
    async with database.read() as tx:
        assert await tx.scalar(text("SELECT 1")) == 1
    await database.dispose()
    gc.collect()
    assert disposing


async def test_file_that_cannot_be_opened_leaves_no_thread_behind(tmp_path: Path) -> None:
    """Such a thread would still call the loop, which at the end of a command is closed: a traceback."""
    before = threading.active_count()
    database = Database(create_engine(make_url(f"sqlite+aiosqlite:///{tmp_path}/none/x.db")), timeout_seconds=10)

    for _ in range(20):
        with pytest.raises(DatabaseUnavailable):
            async with database.read() as tx:
                await tx.execute(text("SELECT 1"))
        assert [thread for thread in threading.enumerate() if "_connection_worker" in thread.name] == []

    await database.dispose()
    assert threading.active_count() <= before + 1  # one that waits for the others


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_every_connection_to_sqlite_waits_until_a_commit_is_on_the_disk(database_url: URL) -> None:
    database = Database(create_engine(database_url, pool_size=2, max_overflow=1), timeout_seconds=10)

    async def ask(pragma: str, transaction: AbstractAsyncContextManager[Transaction]) -> object:
        async with transaction as tx:
            await together.wait()
            return await tx.scalar(text(f"PRAGMA {pragma}"))

    wanted: dict[str, object] = {"synchronous": 2, "journal_mode": "wal", "foreign_keys": 1}
    for pragma, value in wanted.items():
        together = asyncio.Barrier(3)
        asked = [ask(pragma, transaction) for transaction in (database.begin(), database.read(), database.read())]
        assert await asyncio.gather(*asked) == [value] * 3
    await database.dispose()


@pytest.mark.mysql
async def test_connection_that_a_firewall_forgot_is_replaced(mysql_url: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle_connections, "PING_AFTER_SECONDS", 0)
    forgotten = asyncio.Event()
    ends: list[asyncio.StreamWriter] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_old: bool) -> None:
        ends.append(writer)
        while data := await reader.read(65536):
            if not (is_old and forgotten.is_set()):
                writer.write(data)
        writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_old = not forgotten.is_set()
        theirs, ours = await asyncio.open_connection(mysql_url.host, mysql_url.port or 3306)
        await asyncio.gather(pump(reader, ours, is_old=is_old), pump(theirs, writer, is_old=is_old))

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    database = Database(create_engine(mysql_url.set(host="127.0.0.1", port=port)), timeout_seconds=5)
    for _ in range(2):
        async with database.read() as tx:
            assert await tx.scalar(text("SELECT 1")) == 1
        forgotten.set()

    assert database.timeouts == 0
    await database.dispose()
    server.close()
    for end in ends:
        end.close()
