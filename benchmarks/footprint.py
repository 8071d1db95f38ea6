"""What an account, a session, an audit entry and a line of the feed take, and what that makes at a size.

Fills a database of its own on MySQL or MariaDB with rows as the service writes them, and drops it at the end; measures
a sign-in by the processor time that it uses, which other work on the machine does not change much. Prints the tables
of docs/scaling.md.

    python benchmarks/footprint.py --url mysql://root@127.0.0.1:3306 --rows 20000
"""

import argparse
import asyncio
import math
import secrets
import sys
import time
import tracemalloc
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import bcrypt
from rich.progress import track
from sqlalchemy import URL, Table, func, insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gatepost.audit.models import AuditEntry
from gatepost.core.db.database import create_engine
from gatepost.core.db.migrations import migrate
from gatepost.core.db.url import read_database_url
from gatepost.core.ids import LARGEST_ID
from gatepost.flows.oauth.schemas import RevocationOut
from gatepost.identity.accounts.models import User, user_roles
from gatepost.identity.sessions.devices import describe
from gatepost.identity.sessions.models import Revocation, Session
from gatepost.identity.tokens.principal import Principal
from gatepost.identity.tokens.revocation_list import RevocationEntry, RevocationList

BATCH = 1000
LINES = 100_000
VERIFICATIONS = 8
AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
TABLES = ("users", "user_roles", "sessions", "audit_log", "revocations")
SIZES = (1_000_000, 10_000_000, 100_000_000)
# The people that the second table is made for; change them to yours.
ACTIVE_A_DAY = 0.1
SESSIONS_EACH = 1.5
SIGN_INS_A_MONTH = 1
ENTRIES_A_YEAR = 30
SIGN_OUTS_A_MONTH = 0.5
# Of a day's requests in its busiest second, against an even day.
PEAK = 5
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Footprint:
    """What was measured: bytes a row with its indexes, and the rest."""

    row_bytes: dict[str, int]
    line_memory: int
    line_json: int
    hash_seconds: float


def main() -> None:
    """Measure, and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="mysql://root@127.0.0.1:3306")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=12, help="cost of a password hash")
    arguments = parser.parse_args()
    footprint = Footprint(
        row_bytes=asyncio.run(_row_bytes(make_url(arguments.url), rows=arguments.rows)),
        line_memory=_line_memory(),
        line_json=len(RevocationOut.of(_line(10_000_000)).model_dump_json(by_alias=True)) + 1,
        hash_seconds=_hash_seconds(rounds=arguments.rounds),
    )
    sys.stdout.write("\n".join([*_measured(footprint, rounds=arguments.rounds), "", *_at_sizes(footprint), ""]))


async def _row_bytes(server: URL, *, rows: int) -> dict[str, int]:
    name = f"gatepost_footprint_{uuid.uuid4().hex[:12]}"
    bare = create_async_engine(server.set(drivername="mysql+aiomysql"))
    async with bare.begin() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    url = read_database_url(server.set(database=name).render_as_string(hide_password=False))
    engine = create_engine(url, timeout_seconds=60)
    try:
        await migrate(engine)
        await _fill(engine, rows=rows)
        return await _sizes(engine)
    finally:
        await engine.dispose()
        async with bare.begin() as connection:
            await connection.execute(text(f"DROP DATABASE {name}"))
        await bare.dispose()


async def _fill(engine: AsyncEngine, *, rows: int) -> None:
    for start in track(range(1, rows + 1, BATCH), description="rows"):
        batch = range(start, min(start + BATCH, rows + 1))
        async with engine.begin() as connection:
            for table, values in _rows(batch):
                await connection.execute(insert(table), values)


def _rows(ids: range) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """Yield rows as the service writes them, of as many accounts."""
    yield _table(User), [_user(id_) for id_ in ids]
    yield user_roles, [{"user_id": id_, "role_id": 1} for id_ in ids]
    yield _table(Session), [_session(id_) for id_ in ids]
    yield _table(AuditEntry), [_entry(id_) for id_ in ids]
    yield (
        _table(Revocation),
        [{"session_id": id_, "user_id": id_, "created_at": NOW, "expires_at": NOW + timedelta(days=1)} for id_ in ids],
    )


def _user(id_: int) -> dict[str, Any]:
    name, address = f"Given Family {id_:08}", f"given.family.{id_:08}@example.com"
    return {
        "username": name,
        "username_canonical": name.lower(),
        "email": address,
        "email_canonical": address,
        "email_verified_at": NOW + timedelta(seconds=id_),
        "language": "en",
        # The form of bcrypt_sha256, with which passwords are kept.
        "password_hash": "$bcrypt-sha256$v=2,t=2b,r=12$" + secrets.token_hex(27)[:54],
        "token_version": 0,
        "version": 1,
        "created_at": NOW + timedelta(seconds=id_),
        "updated_at": NOW + timedelta(seconds=id_),
    }


def _session(id_: int) -> dict[str, Any]:
    at = NOW + timedelta(seconds=id_)
    return {
        "user_id": id_,
        "generation": 3,
        "rotated_at": at,
        "created_at": at,
        "last_used_at": at,
        "idle_expires_at": at + timedelta(days=30),
        "absolute_expires_at": at + timedelta(days=90),
        "access_expires_at": at + timedelta(days=1),
        "key_id": "9bYk2mSxW3dQ8tLr",
        "amr": "pwd",
        "address": f"203.0.{id_ // 250 % 250}.{id_ % 250}",
        "user_agent": AGENT,
        "device": describe(AGENT),
    }


def _entry(id_: int) -> dict[str, Any]:
    return {
        "at": NOW + timedelta(seconds=id_),
        "event": "signed_in",
        "user_id": id_,
        "session_id": id_,
        "address": f"203.0.{id_ // 250 % 250}.{id_ % 250}",
        "request_id": uuid.uuid4().hex,
        "details": {"amr": "pwd"},
        "seal_id": id_ // 10 + 1,
    }


async def _sizes(engine: AsyncEngine) -> dict[str, int]:
    """Return the bytes a row, of the table and its indexes, by the server's own account."""
    size = text(
        "SELECT data_length + index_length FROM information_schema.tables "
        "WHERE table_schema = DATABASE() AND table_name = :name"
    )
    sizes = {}
    async with engine.connect() as connection:
        for name in TABLES:
            await connection.execute(text(f"ANALYZE TABLE {name}"))
            count = await connection.scalar(select(func.count()).select_from(text(name))) or 1
            sizes[name] = round((await connection.scalar(size, {"name": name}) or 0) / count)
    return sizes


def _line(id_: int) -> RevocationEntry:
    return RevocationEntry(
        id=id_,
        session_id=LARGEST_ID - id_,
        user_id=id_ + 1,
        expires_at=NOW + timedelta(days=1, seconds=id_ % DAY_SECONDS),
    )


def _line_memory() -> int:
    tracemalloc.start()
    revoked = RevocationList(max_staleness=timedelta(seconds=30))
    before = tracemalloc.get_traced_memory()[0]
    for id_ in range(LINES):
        revoked.note(_line(10_000_000 + id_), elapsed=None)
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    revoked.mark_read(at=NOW, elapsed=timedelta())
    revoked.check(_somebody(), now=NOW)
    return round(used / LINES)


def _somebody() -> Principal:
    return Principal(
        user_id=1, random_id=None, username="Abbey", roles=("user",), permissions=(), session_id=1, token_version=0,
        authenticated_at=NOW, issued_at=NOW, expires_at=NOW + timedelta(days=1),
    )  # fmt: skip


def _hash_seconds(*, rounds: int) -> float:
    known = bcrypt.hashpw(b"correct horse", bcrypt.gensalt(rounds))
    samples = []
    for _ in track(range(VERIFICATIONS), description="passwords"):
        began = time.process_time()
        bcrypt.checkpw(b"correct horse", known)
        samples.append(time.process_time() - began)
    # The least disturbed: what else runs on the core's other thread takes from it.
    return min(samples)


def _measured(found: Footprint, *, rounds: int) -> Iterator[str]:
    yield "| what | measured |"
    yield "|---|---|"
    account = found.row_bytes["users"] + found.row_bytes["user_roles"]
    yield f"| an account, with its role and all indexes | {account:,} bytes |"
    yield f"| a session | {found.row_bytes['sessions']:,} bytes |"
    yield f"| an entry of the audit log | {found.row_bytes['audit_log']:,} bytes |"
    yield f"| a line of the revocation feed, in the database | {found.row_bytes['revocations']:,} bytes |"
    yield f"| … in the memory of each process | {found.line_memory:,} bytes |"
    yield f"| … in the answer to another service | {found.line_json:,} bytes |"
    yield f"| a password at cost {rounds} | {found.hash_seconds * 1000:.0f} ms of a core |"
    yield f"| sign-ins a second a core | {1 / found.hash_seconds:.1f} |"


def _at_sizes(found: Footprint) -> Iterator[str]:
    yield "| | " + " | ".join(f"{size // 1_000_000:,} million" for size in SIZES) + " |"
    yield "|---" * (len(SIZES) + 1) + "|"
    for name, one in _lines(found).items():
        yield f"| {name} | " + " | ".join(one(size) for size in SIZES) + " |"


def _lines(found: Footprint) -> dict[str, Any]:
    account = found.row_bytes["users"] + found.row_bytes["user_roles"]
    lines_each = SIGN_OUTS_A_MONTH / 30
    per_second = PEAK / DAY_SECONDS
    return {
        "accounts": lambda size: _size(size * account),
        "sessions": lambda size: _size(size * SESSIONS_EACH * found.row_bytes["sessions"]),
        "audit log, 400 days": lambda size: _size(size * ENTRIES_A_YEAR * 400 / 365 * found.row_bytes["audit_log"]),
        "sign-ins a second at the peak": lambda size: f"{size * SIGN_INS_A_MONTH / 30 * per_second:,.0f}",
        "cores for their passwords": lambda size: (
            f"{math.ceil(size * SIGN_INS_A_MONTH / 30 * per_second * found.hash_seconds):,}"
        ),
        "refreshes a second at the peak": lambda size: f"{size * ACTIVE_A_DAY * per_second:,.0f}",
        "live lines of the feed": lambda size: f"{size * lines_each:,.0f}",
        "… memory of each process": lambda size: _size(size * lines_each * found.line_memory),
        "… first answer to another service": lambda size: _size(size * lines_each * found.line_json),
    }


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:,.0f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"


def _table(model: type[Any]) -> Table:
    table: Table = model.__table__
    return table


if __name__ == "__main__":
    main()
