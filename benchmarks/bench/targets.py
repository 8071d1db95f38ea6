"""What is measured: Gatepost as it is run, its peers, and the limits."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from benchmarks.bench import apis
from benchmarks.bench.apis import Api

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "benchmarks" / ".build"
PEERS = ROOT / "benchmarks" / "peers"
# Gatepost and the limits run on Gatepost's own environment, the Python peers on theirs.
OURS = ROOT / ".venv" / "bin"
THEIRS = Path(sys.prefix) / "bin"
CORES = os.cpu_count() or 1
SECRET = "of the benchmark: 0123456789-abcdefghijklmnop"
UVICORN = ("-m", "uvicorn", "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")


class Op(StrEnum):
    """An operation; the value is its name in the table."""

    PUBLIC = "public GET"
    VERIFIED = "verified GET"
    NEW_TOKEN = "verified GET, every token new"
    ROLE = "role-guarded GET"
    JWKS = "JWKS"
    SIGN_IN = "sign-in"
    SIGN_UP = "sign-up"
    REFRESH = "refresh"
    SIGN_OUT = "sign-out"
    HERD = "verified GET in a herd of sign-ins"


ALL_OPS = tuple(Op)
LIMIT_OPS = (Op.VERIFIED,)


@dataclass(frozen=True)
class Target:
    """A server to measure, or a limit; `{port}` in the command is where it listens."""

    name: str
    label: str
    api: Api
    command: tuple[str, ...]
    cwd: Path = ROOT
    env: Mapping[str, str] = field(default_factory=dict)
    ops: tuple[Op, ...] = ALL_OPS
    # Run once on a new database, before the first start.
    prepare: tuple[str, ...] = ()
    database: str = "mysql"

    @property
    def is_gatepost(self) -> bool:
        """Whether it is Gatepost, in whatever setting."""
        return self.api is apis.GATEPOST


def gatepost(name: str, label: str, *, workers: int = 1, database: str = "mysql", ops: tuple[Op, ...] = ALL_OPS,
             **env: str) -> Target:  # fmt: skip
    """Return Gatepost with these settings beside its defaults.

    Limits of rates, and of the line of passwords, would stop the load program, which is one address and never
    comes back later; requests are not logged, as at the peers.
    """
    return Target(
        name=name,
        label=label,
        api=apis.GATEPOST,
        command=(str(OURS / "gatepost"), "serve", "--port", "{port}", "--workers", str(workers)),
        env={
            "SECRET_KEY": SECRET,
            "MAIL_URL": "console:",
            "RATE_LIMITS": "false",
            "PASSWORD_QUEUE_TIMEOUT_SECONDS": "60",
            "DRAIN_SECONDS": "0",
            "LOG_LEVEL": "warning",
            **env,
        },
        ops=ops,
        prepare=(str(OURS / "gatepost"), "migrate"),
        database=database,
    )


def uvicorn(name: str, label: str, app: str) -> Target:
    """Return one of the limits of a GET."""
    return Target(
        name=name,
        label=label,
        api=apis.LIMIT,
        command=(str(OURS / "python"), *UVICORN, "--port", "{port}", app),
        cwd=PEERS / "limits",
        ops=LIMIT_OPS,
        database="",
    )


EXPRESS_OPS = tuple(op for op in Op if op not in (Op.NEW_TOKEN, Op.SIGN_OUT, Op.JWKS))

TARGETS: tuple[Target, ...] = (
    uvicorn("asgi", "raw ASGI", "raw_asgi:app"),
    uvicorn("fastapi", "bare FastAPI route", "bare_fastapi:app"),
    gatepost("gatepost", "Gatepost, 1 worker, MariaDB"),
    gatepost("gatepost-all", f"Gatepost, {CORES} workers, MariaDB", workers=CORES),
    gatepost("gatepost-log", "Gatepost, 1 worker, MariaDB, requests logged (its default)",
             ops=(Op.VERIFIED, Op.ROLE, Op.REFRESH), LOG_LEVEL="info"),
    gatepost("gatepost-sqlite", "Gatepost, 1 worker, SQLite", database="sqlite"),
    gatepost("gatepost-sqlite-all", f"Gatepost, {CORES} workers, SQLite", workers=CORES, database="sqlite"),
    gatepost(
        "gatepost-cost8", "Gatepost, 1 worker, MariaDB, bcrypt cost 8",
        ops=(Op.SIGN_IN, Op.SIGN_UP, Op.HERD), BCRYPT_ROUNDS="8",
    ),
    Target("express", "Express, SQL logging off", apis.EXPRESS, ("node", "server.js"), PEERS / "express",
           {"SQL_LOG": "0"}, EXPRESS_OPS),
    Target("express-log", "Express, SQL logging on (its default)", apis.EXPRESS, ("node", "server.js"),
           PEERS / "express", {"SQL_LOG": "1"}, (Op.VERIFIED, Op.ROLE, Op.SIGN_IN, Op.REFRESH)),
    Target("fastapi-users", "fastapi-users, bcrypt cost 12", apis.FASTAPI_USERS,
           (str(THEIRS / "python"), *UVICORN, "--port", "{port}", "app:app"), PEERS / "fastapi_users_app",
           {"BCRYPT_COST": "12"},
           tuple(op for op in Op if op not in (Op.NEW_TOKEN, Op.REFRESH, Op.JWKS))),
    Target("django", f"Django REST framework + simplejwt, gunicorn with {CORES} workers, bcrypt cost 12", apis.DJANGO,
           (str(THEIRS / "gunicorn"), "--workers", str(CORES), "--bind", "127.0.0.1:{port}", "--log-level", "warning",
            "django_site:application"), PEERS / "django_app", {},
           tuple(op for op in Op if op not in (Op.NEW_TOKEN, Op.JWKS)),
           (str(THEIRS / "python"), "django_site.py")),
    Target("better-auth", "better-auth (scrypt, its default)", apis.BETTER_AUTH, ("node", "server.js"),
           PEERS / "better_auth", {"NODE_ENV": "production"},
           tuple(op for op in Op if op not in (Op.NEW_TOKEN, Op.REFRESH))),
)  # fmt: skip
BY_NAME = {target.name: target for target in TARGETS}
