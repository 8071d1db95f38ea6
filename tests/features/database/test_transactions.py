"""Transactions: what is kept, what is undone, what is tried again, and what is answered when nothing works."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import URL, func, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import (
    ATTEMPTS,
    Database,
    DatabaseUnavailable,
    after_commit,
    create_engine,
    retry_conflicts,
)
from gatepost.identity.accounts.models import Role, User
from tests.conftest import MakeServices, http_client, started
from tests.support.api import Api, assert_problem

pytestmark = pytest.mark.both_databases

NOON = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
DEADLOCK = (1213, "Deadlock found when trying to get lock; try restarting transaction")


def entry(event: str = "test") -> AuditEntry:
    """Return a row that nothing else minds."""
    return AuditEntry(at=NOON, event=event, address="", request_id="", details={})


async def events(database: Database) -> list[str]:
    """Return what is in the table now."""
    async with database.read() as tx:
        return list((await tx.scalars(select(AuditEntry.event).order_by(AuditEntry.id))).all())


@pytest.fixture
async def impatient(database_url: URL, services: Services) -> AsyncIterator[Callable[..., Database]]:
    """Give a maker of databases that wait for a short time, and close them."""
    made: list[Database] = []

    def make(seconds: float = 0.2, **options: int) -> Database:
        made.append(Database(create_engine(database_url, timeout_seconds=seconds, **options), timeout_seconds=seconds))
        return made[-1]

    yield make
    for database in made:
        await database.dispose()


async def test_end_of_the_block_keeps_what_was_written(database: Database) -> None:
    async with database.begin() as tx:
        tx.add(entry())

    assert await events(database) == ["test"]


async def test_exception_undoes_what_was_written(database: Database) -> None:
    async def fail() -> None:
        async with database.begin() as tx:
            tx.add(entry())
            await tx.flush()
            raise LookupError

    with pytest.raises(LookupError):
        await fail()

    assert await events(database) == []


async def test_callback_runs_once_the_transaction_is_kept(database: Database) -> None:
    called: list[list[str]] = []
    async with database.begin() as tx:
        tx.add(entry())
        after_commit(tx, lambda: called.append(["first"]))
        after_commit(tx, lambda: called.append(["second"]))
        await tx.flush()
        assert called == []

    assert called == [["first"], ["second"]]


async def test_callback_of_an_undone_transaction_never_runs(database: Database) -> None:
    called: list[str] = []
    with contextlib.suppress(LookupError):
        async with database.begin() as tx:
            after_commit(tx, lambda: called.append("called"))
            raise LookupError

    assert called == []


async def test_transaction_that_takes_too_long_is_undone(
    database: Database, impatient: Callable[..., Database]
) -> None:
    async def wait() -> None:
        async with impatient().begin() as tx:
            tx.add(entry())
            await tx.flush()
            await asyncio.Event().wait()

    with pytest.raises(DatabaseUnavailable):
        await wait()

    assert await events(database) == []


async def test_wait_for_a_free_connection_has_an_end(impatient: Callable[..., Database]) -> None:
    crowded = impatient(0.3, pool_size=1, max_overflow=0)

    async def ask() -> None:
        async with crowded.read() as tx:
            await tx.execute(text("SELECT 1"))

    async with crowded.engine.connect():
        with pytest.raises(DatabaseUnavailable):
            await ask()

    await ask()


async def test_wait_for_a_row_of_another_writer_has_an_end(
    make_services: MakeServices, services: Services, database: Database
) -> None:
    async with started(services) as app, http_client(app) as client:
        person = await Api(client).sign_up()
    hasty = make_services(db_timeout_seconds=0.3)
    async with started(hasty) as app, http_client(app) as client:
        async with database.begin() as tx:
            await tx.execute(update(User).where(User.id == person.id).values(token_version=0))
            blocked = await client.post(
                "/api/auth/signin", json={"username": person.username, "password": person.password}
            )
        freed = await Api(client).sign_in()

    assert_problem(blocked, 503, "database_unavailable")
    assert blocked.headers["retry-after"] == "1"
    assert freed.id == person.id


@pytest.mark.mysql
async def test_server_that_is_not_there_is_unavailable(mysql_url: URL) -> None:
    nowhere = Database(create_engine(mysql_url.set(port=1)), timeout_seconds=5)

    async def ask() -> None:
        async with nowhere.read() as tx:
            await tx.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailable):
        await ask()


@pytest.mark.mysql
async def test_connection_that_the_server_closes_is_unavailable_and_then_replaced(mysql_url: URL) -> None:
    database = Database(create_engine(mysql_url, pool_size=2), timeout_seconds=5)

    async def be_cut_off() -> None:
        async with database.read() as tx:
            mine = await tx.scalar(text("SELECT CONNECTION_ID()"))
            async with database.read() as other:
                await other.execute(text(f"KILL {mine}"))
            await tx.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailable):
        await be_cut_off()

    async with database.read() as tx:
        assert await tx.scalar(text("SELECT 1")) == 1
    await database.dispose()


@pytest.mark.mysql
async def test_idle_connection_that_the_server_closed_is_not_noticed(mysql_url: URL) -> None:
    database = Database(create_engine(mysql_url, pool_size=2), timeout_seconds=5)
    async with database.read() as tx, database.read() as other:
        mine = await tx.scalar(text("SELECT CONNECTION_ID()"))
        await other.execute(text("SELECT 1"))
    killer = create_engine(mysql_url)
    async with killer.connect() as connection:
        await connection.execute(text(f"KILL {mine}"))
        is_there = text(f"SELECT COUNT(*) FROM information_schema.processlist WHERE id = {mine}")
        while await connection.scalar(is_there):  # it ends a moment after the KILL
            await asyncio.sleep(0.01)
    await killer.dispose()

    async with database.read() as tx, database.read() as other:
        for each in (tx, other):
            assert await each.scalar(text("SELECT 1")) == 1
    await database.dispose()


@pytest.mark.mysql
@pytest.mark.parametrize("number", [1047, 1180, 1290, 1836, 3100])
async def test_server_that_cannot_write_is_unavailable_and_its_connection_is_left(mysql_url: URL, number: int) -> None:
    """As a node answers that has lost its cluster, and a primary that has become a replica."""
    database = Database(create_engine(mysql_url, pool_size=1, max_overflow=0), timeout_seconds=5)
    seen: list[int | None] = []

    async def write(statement: str) -> None:
        async with database.begin() as tx:
            seen.append(await tx.scalar(text("SELECT CONNECTION_ID()")))
            await tx.execute(text(statement))

    with pytest.raises(DatabaseUnavailable):
        await write(f"SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = 'not here'")
    await write("SELECT 1")

    assert len(set(seen)) == 2
    await database.dispose()


@pytest.mark.mysql
async def test_deadlock_is_run_again(mysql_url: URL) -> None:
    database = Database(create_engine(mysql_url), timeout_seconds=10)
    both_hold_one = asyncio.Barrier(2)
    runs: list[int] = []

    @retry_conflicts
    async def swap(first: int, second: int) -> None:
        is_first_run = runs.count(first) == 0
        runs.append(first)
        async with database.begin() as tx:
            await tx.execute(update(Role).where(Role.id == first).values(name=Role.name))
            await tx.scalar(select(Role.id).where(Role.id == first).with_for_update())
            if is_first_run:
                await both_hold_one.wait()
            await tx.scalar(select(Role.id).where(Role.id == second).with_for_update())

    await asyncio.gather(swap(1, 2), swap(2, 1))

    assert sorted(set(runs)) == [1, 2]
    assert len(runs) == 3
    await database.dispose()


@pytest.mark.parametrize(
    "arguments",
    [DEADLOCK, (1205, "Lock wait timeout"), (1020, "Record has changed"), (3101, "Plugin instructed the server")],
)
async def test_conflict_is_run_three_times_and_then_told(arguments: tuple[int, str]) -> None:
    runs: list[int] = []

    @retry_conflicts
    async def lose(until: int) -> str:
        runs.append(until)
        if len(runs) < until:
            raise OperationalError("UPDATE", {}, Exception(*arguments))
        return "done"

    assert await lose(ATTEMPTS) == "done"
    assert len(runs) == ATTEMPTS
    runs.clear()
    with pytest.raises(DatabaseUnavailable):
        await lose(ATTEMPTS + 1)
    assert len(runs) == ATTEMPTS


async def test_all_runs_together_have_the_time_of_one(impatient: Callable[..., Database]) -> None:
    database = impatient(0.4)

    @retry_conflicts
    async def lose() -> None:
        async with database.begin():
            await asyncio.sleep(0.3)
            raise OperationalError("UPDATE", {}, Exception(*DEADLOCK))

    with pytest.raises(DatabaseUnavailable):
        await lose()

    assert database.timeouts == 1


@pytest.mark.parametrize("failing_run", [1, ATTEMPTS])
async def test_other_errors_are_not_run_again(failing_run: int) -> None:
    runs: list[int] = []

    @retry_conflicts
    async def fail() -> None:
        runs.append(1)
        arguments = (1064, "You have an error in your SQL syntax") if len(runs) == failing_run else DEADLOCK
        raise OperationalError("UPDATE", {}, Exception(*arguments))

    with pytest.raises(OperationalError, match="syntax"):
        await fail()

    assert len(runs) == failing_run


async def test_error_of_the_statement_is_told_as_it_is(database: Database) -> None:
    async def add_twice() -> None:
        async with database.begin() as tx:
            tx.add_all([Role(name="twice"), Role(name="twice")])

    with pytest.raises(IntegrityError):
        await add_twice()

    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(Role)) == 3


async def test_writer_on_sqlite_holds_the_only_pen_from_its_first_line(sqlite_url: URL) -> None:
    first, second = (Database(create_engine(sqlite_url, timeout_seconds=0.2), timeout_seconds=0.5) for _ in range(2))

    async def write() -> None:
        async with second.begin() as tx:
            await tx.scalar(select(func.count()).select_from(Role))

    try:
        async with first.begin() as reading:
            await reading.scalar(select(func.count()).select_from(Role))
            with pytest.raises((OperationalError, DatabaseUnavailable)):
                await write()
            async with second.read() as tx:
                assert await tx.scalar(select(func.count()).select_from(Role)) == 3
        await write()
    finally:
        for database in (first, second):
            await database.dispose()


async def test_sqlite_keeps_its_promises(sqlite_url: URL) -> None:
    engine = create_engine(sqlite_url)
    async with engine.connect() as connection:
        assert await connection.scalar(text("PRAGMA foreign_keys")) == 1
        assert await connection.scalar(text("PRAGMA journal_mode")) == "wal"
    await engine.dispose()


@pytest.mark.mysql
async def test_mysql_is_strict_and_reads_what_is_committed(mysql_url: URL) -> None:
    engine = create_engine(mysql_url)
    async with engine.connect() as connection:
        row = (await connection.execute(text("SELECT @@sql_mode, @@time_zone, @@character_set_client"))).one()
        # MySQL 8 calls it transaction_isolation, MariaDB before 11.1 tx_isolation.
        levels = (
            await connection.execute(
                text("SHOW VARIABLES WHERE Variable_name IN ('transaction_isolation', 'tx_isolation')")
            )
        ).all()
    await engine.dispose()

    assert "STRICT_TRANS_TABLES" in row[0]
    assert tuple(row[1:]) == ("+00:00", "utf8mb4")
    assert {level for _, level in levels} == {"READ-COMMITTED"}


async def test_moments_keep_their_microseconds_and_their_zone(database: Database) -> None:
    in_kolkata = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    async with database.begin() as tx:
        tx.add(AuditEntry(at=in_kolkata, event="test", address="", request_id="", details={"a": "ü"}))

    async with database.read() as tx:
        found = (await tx.scalars(select(AuditEntry))).one()

    assert (found.at, found.at.tzinfo, found.details) == (NOON, UTC, {"a": "ü"})


async def test_moment_without_a_zone_is_refused(database: Database) -> None:
    async def add() -> None:
        async with database.begin() as tx:
            tx.add(AuditEntry(at=NOON.replace(tzinfo=None), event="test", address="", request_id="", details={}))

    with pytest.raises(StatementError, match="a moment without a zone"):
        await add()
