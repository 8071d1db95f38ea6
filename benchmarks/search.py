"""How long a search for people takes on SQLite and on MySQL or MariaDB, beside the queries of earlier versions.

    python benchmarks/search.py --accounts 1000000

Makes databases of its own, one in a temporary folder and one on the server of `--server`, fills them by SQL, measures
in turns, prints a table for each, and drops them again. `beginning` is the query of before (names and addresses
that begin so, the first 1,000 of each), `inside` one with LIKE for anything inside; both find other accounts.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import URL, make_url, text

from gatepost.admin.accounts.lists import AccountList, Place
from gatepost.admin.accounts.search import Filter, Search, Sort, Status
from gatepost.core.db.database import Database, create_engine
from gatepost.core.db.migrations import migrate

ROUNDS = 5
SIZE = 21
TIMEOUT_SECONDS = 600.0
PART = 50_000
FIRST_NAMES = 300
LAST_NAMES = 20_000
# The first tenth of the accounts has the domain of an old firm, and no other: nothing that is newest is found there.
DOMAIN = """CASE WHEN n <= :accounts / 10 THEN 'oldfirm.example'
    WHEN n % 3 = 0 THEN 'firm' || (n % 5000) || '.example' ELSE 'mail.example' END"""


@dataclass(frozen=True)
class Question:
    """What somebody looks for."""

    text: str
    sort: Sort = Sort.CREATED_DOWN
    status: Status | None = None

    @property
    def wanted(self) -> Filter:
        """It as the list takes it."""
        return Filter(Search.of(self.text), status=self.status)


QUESTIONS = [
    Question("#302"),
    Question("302"),
    Question("fam77"),
    Question("fam77", Sort.USERNAME),
    Question("ann5 fam777"),
    Question("ann5.fam777.777@mail.example"),
    Question("firm4321.example"),
    Question("nobody"),
    Question("ann5"),
    Question("a"),
    Question("mail.example"),
    Question("mail.example", Sort.ID),
    Question("mail.example", Sort.USERNAME),
    Question("mail.example", Sort.LAST_SIGN_IN_DOWN),
    Question("oldfirm"),
    Question("oldfirm", Sort.ID_DOWN),
    Question("oldfirm", Sort.USERNAME_DOWN),
    Question("example"),
    Question("ann mail.example"),
    Question("mail oldfirm"),
    Question("mail.example", status=Status.DISABLED),
]
USERS = """
INSERT INTO users (id, username, username_canonical, email, email_canonical, email_verified_at, language, password_hash,
    token_version, version, disabled_at, created_at, updated_at, last_sign_in_at)
SELECT n, name, name, address, address, NULL, 'en', '!', 0, 1,
    CASE WHEN n % 200 = 0 THEN '2025-01-01 00:00:00.000000' END, at, at, CASE WHEN n % 4 > 0 THEN at END
FROM (SELECT n, ('ann' || (n % {first}) || ' fam' || (n % {last}) || ' ' || n) AS name,
    ('ann' || (n % {first}) || '.fam' || (n % {last}) || '.' || n || '@' || ({domain})) AS address,
    {moment} AS at
    FROM numbers WHERE n BETWEEN :low AND :high) AS made
"""
WORDS = (
    "'ann' || (n % {first})",
    "'fam' || (n % {last})",
    "n || ''",
    "'ann' || (n % {first}) || '.fam' || (n % {last}) || '.' || n",
    "'fam' || (n % {last}) || '.' || n",
    "{domain}",
    "'example'",
)
WORD = """
INSERT INTO search_words (user_id, word) SELECT n, {word} FROM numbers WHERE n BETWEEN :low AND :high AND :accounts > 0
"""
NUMBERS = """
INSERT INTO numbers SELECT n FROM (SELECT 1 + a.d + 100 * b.d + 10000 * c.d + 1000000 * e.d AS n
    FROM digits a, digits b, digits c, digits e WHERE e.d <= :accounts / 1000000) AS counted WHERE n <= :accounts
"""
BEGINNING = """
SELECT users.id FROM users JOIN (
    SELECT id FROM (SELECT id FROM users WHERE username_canonical >= :low AND username_canonical < :high
        ORDER BY username_canonical LIMIT 1000) AS names
    UNION SELECT id FROM (SELECT id FROM users WHERE email_canonical >= :low AND email_canonical < :high
        ORDER BY email_canonical LIMIT 1000) AS addresses
) AS matches ON matches.id = users.id ORDER BY created_at DESC, users.id DESC LIMIT 21
"""
INSIDE = """
SELECT id FROM users WHERE username_canonical LIKE :word OR email_canonical LIKE :word
ORDER BY created_at DESC, id DESC LIMIT 21
"""
MOMENTS = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%S.000000', 1262304000 + n * 450, 'unixepoch')",
    "mysql": "DATE_ADD('2010-01-01', INTERVAL n * 450 SECOND)",
}


@asynccontextmanager
async def throw_away(url: URL) -> AsyncIterator[Database]:
    """Give a database with our tables; on a server a new one, which is dropped at the end."""
    root = None
    if url.get_backend_name() != "sqlite":
        url = url.set(drivername="mysql+aiomysql", database=f"gatepost_bench_{uuid.uuid4().hex[:12]}")
        root = create_engine(url.set(database=""), timeout_seconds=TIMEOUT_SECONDS)
        async with root.connect() as connection:
            await connection.execute(text(f"CREATE DATABASE {url.database}"))
    engine = create_engine(url, timeout_seconds=TIMEOUT_SECONDS)
    try:
        await migrate(engine)
        yield Database(engine, timeout_seconds=TIMEOUT_SECONDS)
    finally:
        await engine.dispose()
        if root is not None:
            async with root.connect() as connection:
                await connection.execute(text(f"DROP DATABASE {url.database}"))
            await root.dispose()


async def fill(database: Database, accounts: int) -> None:
    """Insert accounts and their words, and let the database look at how they are spread."""
    kind = "sqlite" if database.engine.dialect.name == "sqlite" else "mysql"
    given = {"first": FIRST_NAMES, "last": LAST_NAMES, "domain": DOMAIN, "moment": MOMENTS[kind]}
    users = USERS.format(**given)
    async with database.begin() as tx:
        await tx.execute(text("CREATE TABLE numbers (n INTEGER PRIMARY KEY)"))
        await tx.execute(text("CREATE TABLE digits (d INTEGER PRIMARY KEY)"))
        await tx.execute(text("INSERT INTO digits (d) VALUES (:d)"), [{"d": digit} for digit in range(100)])
        await tx.execute(text(NUMBERS), {"accounts": accounts})
    for low in range(1, accounts + 1, PART):
        part = {"low": low, "high": min(low + PART - 1, accounts), "accounts": accounts}
        async with database.begin() as tx:
            if kind == "mysql":
                await tx.execute(text("SET SESSION sql_mode = CONCAT(@@sql_mode, ',PIPES_AS_CONCAT')"))
            await tx.execute(text(users), part)
            for word in WORDS:
                await tx.execute(text(WORD.format(word=word.format(**given))), part)
    async with database.begin() as tx:
        await tx.execute(text("DROP TABLE numbers"))
        await tx.execute(text("DROP TABLE digits"))
    async with database.begin() as tx:
        await tx.execute(text("ANALYZE" if kind == "sqlite" else "ANALYZE TABLE users, search_words"))


async def measure(works: list[Callable[[], Awaitable[object]]]) -> list[float]:
    """Do works in turns; return the median of each, in milliseconds."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, times in zip(works, taken, strict=True):
            began = time.perf_counter()
            await work()
            times.append((time.perf_counter() - began) * 1000)
    return [statistics.median(times) for times in taken]


async def ask(database: Database, question: Question) -> list[str]:
    """Return the cells of a row."""
    word = question.text.lower()

    async def now() -> tuple[str, int]:
        async with database.read() as tx:
            accounts = await AccountList.of(tx, question.wanted)
            total = await accounts.total()
            page = await accounts.page(Place(question.sort, size=SIZE))
        return f"{total.count:,}{'' if total.is_exact else '+'}", len(page)

    async def old(query: str, **values: str) -> None:
        async with database.read() as tx:
            (await tx.execute(text(query), values)).all()

    works: list[Callable[[], Awaitable[object]]] = [
        now,
        lambda: old(BEGINNING, low=word, high=word + "\U0010ffff"),
        lambda: old(INSIDE, word=f"%{word}%"),
    ]
    here, beginning, inside = await measure(works)
    total, shown = await now()
    name = f"{question.text}, {question.sort}" + (f", {question.status}" if question.status else "")
    return [
        name, total, str(shown), f"{here:.1f}", f"{beginning:.1f}", f"{inside:.1f}", f"{inside / here:.1f}",
    ]  # fmt: skip


async def run(url: URL, accounts: int) -> None:
    """Fill, ask, and print."""
    async with throw_away(url) as database:
        began = time.perf_counter()
        await fill(database, accounts)
        seconds = time.perf_counter() - began
        title = f"{database.engine.dialect.name}: {accounts:,} accounts, filled in {seconds:.0f} s; milliseconds"
        table = Table(title=title)
        for column in ("search", "total", "shown", "search_words", "beginning", "inside", "inside / search_words"):
            table.add_column(column, justify="left" if column == "search" else "right")
        for question in QUESTIONS:
            table.add_row(*await ask(database, question))
        Console(width=140).print(table)


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--server", type=make_url, default=make_url("mysql://root@127.0.0.1:3306"))
    parser.add_argument("--only", choices=["sqlite", "mysql"])
    arguments = parser.parse_args()
    if arguments.only != "mysql":
        with tempfile.TemporaryDirectory() as folder:
            file = URL.create("sqlite+aiosqlite", database=str(Path(folder) / "search.db"))
            asyncio.run(run(file, arguments.accounts))
    if arguments.only != "sqlite":
        asyncio.run(run(arguments.server, arguments.accounts))


if __name__ == "__main__":
    main()
