"""Gatepost with few and with very many accounts and sessions: filled by SQL, measured in turn."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from benchmarks.bench.databases import execute

DIGITS = "(" + " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10)) + ")"
# Statements of this many rows: one of a million would need a log of its own size.
BATCH = 50_000
SPREAD = 7919  # a prime: the accounts that are asked for lie all over the table


def fill(url: str, *, accounts: int, password_hash: str, key_id: str) -> None:
    """Insert so many accounts, each with its role and one session; their numbers follow those that are there."""
    for start in range(0, accounts, BATCH):
        count = min(BATCH, accounts - start)
        execute(url, *_statements(start, count, password_hash, key_id))
    execute(url, "ANALYZE TABLE users, user_roles, sessions")


def numbers(accounts: int, *, count: int) -> list[int]:
    """Return the numbers of accounts that lie all over the table."""
    return [1 + (index * SPREAD) % accounts for index in range(count)]


def hash_of(password: str, *, python: Path, cost: int, env: Mapping[str, str]) -> str:
    """Return Gatepost's hash of a password."""
    program = (
        "import sys; from passlib.context import CryptContext; "
        "print(CryptContext(['bcrypt_sha256'], bcrypt_sha256__rounds=int(sys.argv[1])).hash(sys.argv[2]))"
    )
    command = [str(python), "-W", "ignore", "-c", program, str(cost), password]
    return subprocess.run(command, env=dict(env), check=True, capture_output=True, text=True).stdout.strip()


def _statements(start: int, count: int, password_hash: str, key_id: str) -> list[str]:
    digits = " CROSS JOIN ".join(f"{DIGITS} AS t{place}" for place in range(5))
    number = " + ".join(f"t{place}.d * {10**place}" for place in range(5))
    numbered = f"(SELECT {start} + 1 + {number} AS n FROM {digits} HAVING n <= {start + count}) AS numbered"
    now, text = "UTC_TIMESTAMP(6)", "'{}'".format
    user = {
        "id": "n", "username": "CONCAT('many', n)", "username_canonical": "CONCAT('many', n)",
        "email": "CONCAT('many', n, '@example.com')", "email_canonical": "CONCAT('many', n, '@example.com')",
        "language": text("en"), "password_hash": text(password_hash), "token_version": "0", "version": "1",
        "created_at": now, "updated_at": now,
    }  # fmt: skip
    session = {
        "id": "n", "user_id": "n", "generation": "0", "rotated_at": now, "created_at": now, "last_used_at": now,
        "idle_expires_at": f"{now} + INTERVAL 30 DAY", "absolute_expires_at": f"{now} + INTERVAL 90 DAY",
        "access_expires_at": f"{now} + INTERVAL 1 DAY", "key_id": text(key_id), "amr": text("pwd"),
        "address": text("127.0.0.1"), "user_agent": text(""), "device": text("Unknown device"),
    }  # fmt: skip
    return [
        _insert("users", user, numbered),
        _insert("user_roles", {"user_id": "n", "role_id": "1"}, numbered),
        _insert("sessions", session, numbered),
    ]


def _insert(table: str, values: Mapping[str, str], numbered: str) -> str:
    names, expressions = ", ".join(values), ", ".join(values.values())
    return f"INSERT INTO {table} ({names}) SELECT {expressions} FROM {numbered} ORDER BY n"
