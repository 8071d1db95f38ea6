"""How long the pages of accounts take, and by which index each is found.

    python benchmarks/admin_pages.py --accounts 1000000

Makes a database of its own on the server of `--server`, fills it, measures, prints a table, and drops it again.
"""

import argparse
import asyncio
import hashlib
import statistics
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from rich.console import Console
from rich.progress import Progress
from rich.table import Table as Printed
from sqlalchemy import URL, Table, event, insert, make_url, text

from gatepost.admin.accounts.lists import AccountList, Place
from gatepost.admin.accounts.search import Cursor, Filter, Sort, Status
from gatepost.core.db.database import Database, create_engine
from gatepost.core.db.migrations import migrate
from gatepost.identity.accounts.models import User, user_roles

BATCH = 5_000
ROUNDS = 5
SIZE = 20
START = datetime(2020, 1, 1, tzinfo=UTC)
USER, MODERATOR, ADMIN = 1, 2, 3
TIMEOUT_SECONDS = 120.0


@dataclass(frozen=True)
class Question:
    """One page that somebody asks for."""

    name: str
    wanted: Filter = Filter()  # noqa: RUF009  it is frozen
    sort: Sort = Sort.ID
    offset: int = 0
    by_cursor: bool = False


@dataclass(frozen=True)
class Answer:
    """What it took, in milliseconds: the count, the page."""

    question: Question
    total: str
    count_ms: float
    page_ms: float
    plan: str


def questions(accounts: int) -> list[Question]:
    """Return what is measured: for each order the first page, a deep one by number, the same by cursor; filters."""
    deep = accounts * 9 // 10
    asked = []
    for sort in (Sort.ID, Sort.USERNAME, Sort.EMAIL, Sort.CREATED_DOWN):
        asked += [
            Question(f"{sort}: first page", sort=sort),
            Question(f"{sort}: row {deep:,}, by number", sort=sort, offset=deep),
            Question(f"{sort}: row {deep:,}, by cursor", sort=sort, offset=deep, by_cursor=True),
        ]
    newest = Sort.CREATED_DOWN
    return [
        *asked,
        Question("role user (everybody)", Filter(role="user"), newest),
        Question("role moderator (1 in 1,000)", Filter(role="moderator"), newest),
        Question("role admin (3)", Filter(role="admin"), newest),
        Question("status active", Filter(status=Status.ACTIVE), newest),
        Question("status disabled (1 in 200)", Filter(status=Status.DISABLED), newest),
        Question("status unverified (1 in 5)", Filter(status=Status.UNVERIFIED), newest),
        Question("role user, unverified", Filter(role="user", status=Status.UNVERIFIED), Sort.USERNAME),
        Question("role moderator, disabled", Filter(role="moderator", status=Status.DISABLED), Sort.USERNAME),
    ]


def accounts_of(count: int) -> Iterator[dict[str, Any]]:
    """Yield accounts; in the order of their ids neither names nor moments are sorted."""
    for number in range(1, count + 1):
        shuffled = int.from_bytes(hashlib.sha256(str(number).encode()).digest()[:4])
        yield {
            "id": number,
            "username": f"Person {shuffled} {number}",
            "username_canonical": f"person {shuffled} {number}",
            "email": f"mail{number}@example.com",
            "email_canonical": f"mail{number}@example.com",
            "email_verified_at": None if number % 5 == 0 else START,
            "language": "en",
            "password_hash": "!",
            "token_version": 0,
            "version": 1,
            "disabled_at": START if number % 200 == 0 else None,
            "created_at": START + timedelta(seconds=shuffled % (6 * 365 * 86400)),
            "updated_at": START,
        }


def roles_of(row: dict[str, Any]) -> Iterator[dict[str, int]]:
    """Yield the roles of an account."""
    number = row["id"]
    yield {"user_id": number, "role_id": USER}
    if number % 1000 == 0:
        yield {"user_id": number, "role_id": MODERATOR}
    if number <= 3:
        yield {"user_id": number, "role_id": ADMIN}


@asynccontextmanager
async def throw_away_database(server: URL) -> AsyncIterator[Database]:
    """Give a new database with our tables, and drop it at the end."""
    name = f"gatepost_bench_{uuid.uuid4().hex[:12]}"
    root = create_engine(server.set(drivername="mysql+aiomysql", database=""), timeout_seconds=TIMEOUT_SECONDS)
    engine = create_engine(server.set(drivername="mysql+aiomysql", database=name), timeout_seconds=TIMEOUT_SECONDS)
    async with root.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        await migrate(engine)
        yield Database(engine, timeout_seconds=TIMEOUT_SECONDS)
    finally:
        await engine.dispose()
        async with root.connect() as connection:
            await connection.execute(text(f"DROP DATABASE {name}"))
        await root.dispose()


async def fill(database: Database, count: int, console: Console) -> None:
    """Insert the accounts and their roles, and let the server look at how they are spread."""
    rows: list[dict[str, Any]] = []

    async def write() -> None:
        async with database.begin() as tx:
            await tx.execute(insert(cast("Table", User.__table__)), rows)
            await tx.execute(insert(user_roles), [role for row in rows for role in roles_of(row)])
        rows.clear()

    with Progress(console=console) as progress:
        task = progress.add_task("accounts", total=count)
        for row in accounts_of(count):
            rows.append(row)
            if len(rows) == BATCH:
                await write()
                progress.advance(task, BATCH)
        if rows:
            await write()
            progress.update(task, completed=count)
    async with database.begin() as tx:
        await tx.execute(text("ANALYZE TABLE users, user_roles"))


async def milliseconds(work: Callable[[], Awaitable[object]]) -> float:
    """Return the median of some rounds."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await work()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


async def plan_of(database: Database, work: Callable[[], Awaitable[object]]) -> str:
    """Return by which index each table is read, as EXPLAIN says of the statement that finds the page."""
    asked: list[tuple[str, Any]] = []

    def note(_c: object, _k: object, statement: str, values: Any, *_: object) -> None:
        if statement.startswith("SELECT users.id \n"):
            asked.append((statement, values))

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        await work()
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)
    statement, values = asked[-1]
    async with database.read() as tx:
        connection = await tx.connection()
        rows = (await connection.exec_driver_sql(f"EXPLAIN {statement}", values)).mappings().all()
    sorts = any("filesort" in (row["Extra"] or "") for row in rows)
    tables = [
        f"{row['table']}: {row['key'] or row['type']}"
        for row in rows
        if row["table"] and not row["table"].startswith("<") and row["table"] != "roles"
    ]
    return ", ".join(dict.fromkeys(tables)) + (", then sorted" if sorts else "")


async def answer(database: Database, question: Question) -> Answer:
    """Ask once for the plan, and some rounds for the time."""
    wanted, sort = question.wanted, question.sort
    after: Cursor | None = None
    if question.by_cursor:
        async with database.read() as tx:
            accounts = await AccountList.of(tx, wanted)
            (account,) = await accounts.page(Place(sort, size=1, offset=question.offset - 1))
        after = Cursor.at(account.user, sort)
    async with database.read() as tx:
        total = await (await AccountList.of(tx, wanted)).total()
    offset = 0 if after is not None else question.offset

    async def count() -> None:
        async with database.read() as tx:
            await (await AccountList.of(tx, wanted)).total()

    async def page() -> None:
        async with database.read() as tx:
            await (await AccountList.of(tx, wanted)).page(Place(sort, size=SIZE + 1, offset=offset, after=after))

    return Answer(
        question,
        total=f"{total.count:,}" if total.is_exact else f"over {total.count:,}",
        count_ms=0.0 if after is not None else await milliseconds(count),
        page_ms=await milliseconds(page),
        plan=await plan_of(database, page),
    )


async def run(server: URL, accounts: int) -> None:
    """Fill, ask, and print."""
    console = Console()
    table = Printed(title=f"{accounts:,} accounts, {SIZE} a page; milliseconds, median of {ROUNDS}")
    for column in ("page", "total", "count", "page itself", "found by"):
        table.add_column(column, justify="right" if column in ("count", "page itself") else "left")
    async with throw_away_database(server) as database:
        await fill(database, accounts, console)
        for question in questions(accounts):
            found = await answer(database, question)
            count = f"{found.count_ms:.1f}" if found.count_ms else "–"
            table.add_row(question.name, found.total, count, f"{found.page_ms:.1f}", found.plan)
    Console(width=160).print(table)


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--server", type=make_url, default=make_url("mysql://root@127.0.0.1:3306"))
    arguments = parser.parse_args()
    asyncio.run(run(arguments.server, arguments.accounts))


if __name__ == "__main__":
    main()
