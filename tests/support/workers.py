"""Two worker processes on one database, and what the races between them need."""

import asyncio
import base64
import json
import time
from asyncio import Future
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any, TypeVar

import httpx
from sqlalchemy import URL, func, select, text

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.core.settings import Settings
from gatepost.identity.sessions.models import Revocation, Session
from tests.support.api import Api
from tests.support.server import GatepostServer, gatepost_server

# The longest wait for something to happen, on a busy machine.
WAIT_SECONDS = 60.0
PAUSE_SECONDS = 0.05
FREE_GUESSES = 10
# The server refreshes its view of locks only if it is read less often than this.
LOCKS_SECONDS = 0.2
Result = TypeVar("Result")
SECRET = "races-only-0123456789-abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Workers:
    """Two `gatepost serve` processes behind their APIs; `office` is a third worker's services, in the test itself."""

    first: Api
    second: Api
    office: Services

    @property
    def database(self) -> Database:
        """The database that all share."""
        return self.office.platform.database

    @property
    def both(self) -> tuple[Api, Api]:
        """Each of the processes."""
        return self.first, self.second

    def in_turn(self, count: int) -> list[Api]:
        """Return so many APIs, one process after the other."""
        return [self.both[index % 2] for index in range(count)]

    async def session(self, session_id: int) -> Session:
        """Return the row of a session."""
        async with self.database.read() as tx:
            return (await tx.scalars(select(Session).where(Session.id == session_id))).one()

    async def sessions_of(self, user_id: int) -> int:
        """Count the sessions of an account."""
        async with self.database.read() as tx:
            return await tx.scalar(select(func.count()).where(Session.user_id == user_id)) or 0

    async def revocations(self, user_id: int) -> Sequence[Revocation]:
        """Return the feed's entries for an account, except the one that names its random id."""
        query = select(Revocation).where(Revocation.user_id == user_id, Revocation.random_id.is_(None))
        async with self.database.read() as tx:
            return (await tx.scalars(query)).all()


@contextmanager
def two_servers(folder: Path, url: URL, **env: str) -> Iterator[tuple[GatepostServer, GatepostServer]]:
    """Run two `gatepost serve` on one database, one secret and one data folder, started at the same moment."""
    shared = {
        "DATABASE_URL": url.render_as_string(hide_password=False),
        "SECRET_KEY": SECRET,
        "DATA_DIR": str(folder / "data"),
        # Races come from one address, with more requests than people send.
        "RATE_LIMITS": "false",
        "DB_TIMEOUT_SECONDS": "10",
        "GUESSES_PER_ADDRESS": "1000000",
        "GUESSES_PER_ACCOUNT": str(FREE_GUESSES),
        **env,
    }
    with ExitStack() as stack, ThreadPoolExecutor(2) as threads:

        def start(name: str) -> AbstractContextManager[GatepostServer]:
            (folder / name).mkdir()
            return gatepost_server(folder / name, **shared)

        first, second = threads.map(stack.enter_context, [start("first"), start("second")])
        yield first, second
    for server in (first, second):
        assert "database is locked" not in server.log, server.log


@asynccontextmanager
async def api_of(server: GatepostServer) -> AsyncIterator[Api]:
    """Give the API of a process, on as many connections as requests are made at once."""
    async with httpx.AsyncClient(
        base_url=server.url,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        # Uvicorn closes an idle connection after 5 s; no request may be on its way at that moment.
        limits=httpx.Limits(max_connections=None, keepalive_expiry=2),
        trust_env=False,
        timeout=30,
    ) as client:
        yield Api(client)


async def at_once(calls: Iterable[Awaitable[httpx.Response]]) -> list[httpx.Response]:
    """Send requests at the same moment; none may end in a fault of the service."""
    answers = await asyncio.gather(*calls)
    for answer in answers:
        assert answer.status_code < 500, answer.text
    return answers


async def refused_everywhere(workers: Workers, access_tokens: Sequence[str], *, code: str) -> None:
    """Wait until both processes refuse these access tokens; they read the feed every second."""
    assert Settings.model_fields["revocation_poll_seconds"].default <= 1
    deadline = time.monotonic() + WAIT_SECONDS
    waiting = [(api, token) for api in workers.both for token in access_tokens]
    while waiting:
        in_time = time.monotonic() < deadline
        answers = await at_once(api.user_board(token) for api, token in waiting)
        for answer in answers:
            assert answer.status_code == 200 or (answer.status_code, answer.json()["code"]) == (401, code), answer.text
        waiting = [pair for pair, answer in zip(waiting, answers, strict=True) if answer.status_code == 200]
        assert in_time or not waiting, f"{len(waiting)} access tokens are still admitted"
        await asyncio.sleep(PAUSE_SECONDS if waiting else 0)


async def until_waiting_for_a_lock(database: Database) -> None:
    """Return when a transaction waits for a row that another one holds; only MySQL and MariaDB can tell."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not await _waiting(database):
        assert time.monotonic() < deadline, "nobody waits"


async def held_up(database: Database, call: Awaitable[Result], *, waiting: int = 1) -> Future[Result]:
    """Start something within a transaction of the test; return when so many wait for its rows, or it is done.

    On SQLite, where a transaction holds everything, it has begun.
    """
    task = asyncio.ensure_future(call)
    while database.engine.dialect.name != "sqlite" and not task.done() and await _waiting(database) < waiting:
        pass
    return task


async def _waiting(database: Database) -> int:
    query = text(
        "SELECT COUNT(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p "
        "ON p.id = t.trx_mysql_thread_id WHERE t.trx_state = 'LOCK WAIT' AND p.db = DATABASE()"
    )
    await asyncio.sleep(LOCKS_SECONDS)
    async with database.read() as tx:
        return await tx.scalar(query) or 0


def claims(access_token: str) -> dict[str, Any]:
    """Return what an access token says, unchecked."""
    payload = access_token.split(".")[1]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return read


def session_id(access_token: str) -> int:
    """Return the id of the session of an access token."""
    return int(claims(access_token)["sid"])


def expires_at(access_token: str) -> datetime:
    """Return when an access token ends."""
    return datetime.fromtimestamp(claims(access_token)["exp"], UTC)


def codes(answers: Iterable[httpx.Response]) -> list[str]:
    """Return the codes of the answers that are problems, sorted."""
    return sorted(answer.json()["code"] for answer in answers if not answer.is_success)
