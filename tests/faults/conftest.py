"""A MariaDB server and services that may be harmed: no other test uses them."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import URL, text

from gatepost.composition.services import build_services
from gatepost.core.db.database import Database, create_engine
from gatepost.core.db.migrations import migrate
from gatepost.core.settings import Settings
from gatepost.identity.accounts.names import parse_email, parse_username
from gatepost.identity.accounts.roles import RoleName
from gatepost.identity.registration.service import NewAccount
from tests.support.ledger import Ledger
from tests.support.missing import lacking
from tests.support.mysql import PROGRAMS, PrivateServer, can_start_server, private_server, run_sql
from tests.support.server import GatepostServer, gatepost_server
from tests.support.workers import SECRET

ADMIN = {"username": "admin", "password": "an admin's password"}
# The longest wait for something to happen, on a busy machine.
WAIT_SECONDS = 60.0
PAUSE_SECONDS = 0.05
# The long form harms for longer, and more often.
LONG = os.environ.get("FAULTS") == "long"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.faults)


@dataclass(frozen=True)
class Place:
    """A service under harm, its client, and the database behind it as the test sees it."""

    server: GatepostServer
    client: httpx.AsyncClient
    database: Database
    admin_token: str

    def ledger(self, name: str, *, breaks: bool = False) -> Ledger:
        """Return a ledger of its own."""
        return Ledger(self.client, admin_token=self.admin_token, name=name, breaks=breaks)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something has come about."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():
            await asyncio.sleep(PAUSE_SECONDS)


async def until_acknowledged(ledger: Ledger, more: int = 4) -> None:
    """Wait until so many more changes are acknowledged."""
    enough = ledger.answers["acknowledged"] + more
    await until(lambda: ledger.answers["acknowledged"] >= enough)


async def until_locked_out(place: Place, clients: int) -> None:
    """Wait until so many connections wait for a table that is locked."""
    query = text("SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for table%'")
    async with asyncio.timeout(WAIT_SECONDS):
        waiting = 0
        while waiting < clients:
            async with place.database.read() as tx:
                waiting = int(await tx.scalar(query) or 0)


OpenPlace = Callable[[GatepostServer, URL], AbstractAsyncContextManager[Place]]


@pytest.fixture(scope="session")
def maria() -> Iterator[PrivateServer]:
    """Give a MariaDB server that may be harmed."""
    if not can_start_server():
        reason = f"not installed: {' and '.join(name for name in PROGRAMS if not shutil.which(name))} (mariadb-server)"
        lacking(reason)
    with private_server() as server:
        yield server


@pytest.fixture(scope="session")
def maria_url(maria: PrivateServer) -> URL:
    """Return a migrated database with an administrator, on that server."""
    asyncio.run(run_sql(maria.url, "CREATE DATABASE gatepost"))
    url = maria.url.set(database="gatepost")
    asyncio.run(prepare(url))
    return url


@pytest.fixture(scope="session")
def maria_service(maria_url: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatepostServer]:
    """Give a service on that database."""
    with gatepost_server(tmp_path_factory.mktemp("faults"), **settings_of(maria_url)) as server:
        yield server


@pytest.fixture
async def place(maria_service: GatepostServer, maria_url: URL) -> AsyncIterator[Place]:
    """Give that service with a client."""
    async with open_place(maria_service, maria_url) as place:
        yield place


@asynccontextmanager
async def open_place(server: GatepostServer, url: URL) -> AsyncIterator[Place]:
    """Give a service with a client, which is signed in as the administrator."""
    driver = "mysql+aiomysql" if url.get_backend_name() == "mysql" else "sqlite+aiosqlite"
    database = Database(create_engine(url.set(drivername=driver), timeout_seconds=10), timeout_seconds=10)
    limits = httpx.Limits(max_connections=None, keepalive_expiry=2)
    cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    async with httpx.AsyncClient(
        base_url=server.url, trust_env=False, timeout=WAIT_SECONDS, limits=limits, cookies=cookies
    ) as client:
        signed_in = await client.post("/api/auth/signin", json=ADMIN)
        # The first connections to the database take their time on a busy machine.
        while signed_in.status_code == 503:
            signed_in = await client.post("/api/auth/signin", json=ADMIN)
        yield Place(server, client, database, signed_in.raise_for_status().json()["accessToken"])
    await database.dispose()


def settings_of(url: URL) -> dict[str, str]:
    """Return the settings of a service on this database."""
    database = url.render_as_string(hide_password=False)
    # All requests come from one address, and are more than people send.
    return {"DATABASE_URL": database, "SECRET_KEY": SECRET, "RATE_LIMITS": "false"}


async def prepare(url: URL) -> None:
    """Bring a database to the newest schema and make an administrator."""
    settings = Settings(
        _env_file=None,
        database_url=SecretStr(url.render_as_string(hide_password=False)),
        secret_key=SecretStr(SECRET),
        bcrypt_rounds=4,
        db_timeout_seconds=30,
    )
    services = build_services(settings)
    await migrate(services.platform.database.engine)
    admin = NewAccount(
        parse_username(ADMIN["username"]), parse_email("admin@example.com"), ADMIN["password"], is_verified=True
    )
    await services.identity.accounts.create(admin, roles=[RoleName.USER, RoleName.ADMIN])
    await services.stop()
