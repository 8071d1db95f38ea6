"""What it costs that SQLite waits for the disk: commits a second with `synchronous = FULL` beside NORMAL, in turns.

    .venv/bin/python -m benchmarks.sqlite_commits [FOLDER]

Each commit is a transaction of the service, with an insert and an update, one after the other. The folder lies on the
disk that is measured; the present one by default.
"""

import asyncio
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import URL, event, text

from gatepost.core.db.database import Database, create_engine

ROUNDS = 6
SECONDS = 2.0
MODES = ("NORMAL", "FULL")


async def commits_a_second(path: Path, mode: str) -> float:
    """Return how many transactions one writer commits."""
    engine = create_engine(URL.create("sqlite+aiosqlite", database=str(path)))
    event.listen(
        engine.sync_engine, "connect", lambda connection, _: connection.execute(f"PRAGMA synchronous = {mode}")
    )
    database = Database(engine, timeout_seconds=60)
    async with database.begin() as tx:
        await tx.execute(text("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, filling TEXT, n INTEGER)"))
    count, end = 0, time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        async with database.begin() as tx:
            await tx.execute(text("INSERT INTO t (filling, n) VALUES (:filling, 0)"), {"filling": "x" * 200})
            await tx.execute(text("UPDATE t SET n = n + 1 WHERE id = :id"), {"id": count // 2 + 1})
        count += 1
    await database.dispose()
    return count / SECONDS


def main() -> None:
    """Measure, and print the medians and their ratio."""
    rates: dict[str, list[float]] = {mode: [] for mode in MODES}
    with TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else ".") as folder:
        for _ in range(ROUNDS):
            for mode in MODES:
                rates[mode].append(asyncio.run(commits_a_second(Path(folder) / f"{mode}.db", mode)))
    for mode, found in rates.items():
        rounds = ", ".join(f"{rate:.0f}" for rate in found)
        sys.stdout.write(f"{mode:<7} {statistics.median(found):8.0f} a second; {rounds}\n")
    ratio = statistics.median(rates["NORMAL"]) / statistics.median(rates["FULL"])
    sys.stdout.write(f"NORMAL / FULL = {ratio:.1f}\n")


if __name__ == "__main__":
    main()
