"""The service as tests see it: a real database, migrated once a worker and emptied after each test; a clock of ours.

A test runs on SQLite. One marked `both_databases` runs on MySQL as well, and so does every test with `ALL_DATABASES=1`.
Mark what databases do differently: locks, races, collations, unique keys, times, migrations, search, and the first test
of a statement.
"""

import asyncio
import os
import pickle
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from shutil import copyfile
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import URL

from gatepost.app import create_app
from gatepost.composition.services import Services, build_services
from gatepost.core.db.database import Database, create_engine
from gatepost.core.db.migrations import migrate
from gatepost.core.outbound import Outbound
from gatepost.core.settings import LogLevel, Settings
from tests.support.api import Api
from tests.support.clock import FakeClock
from tests.support.databases import ENGINES, emptied, repeats_on_mysql
from tests.support.mysql import mysql_server, run_sql
from tests.support.temporary import prefer_memory

SECRET = "tests-only-0123456789-abcdefghijklmnopqrstuvwxyz"
ADDRESS = "203.0.113.7"


def pytest_configure() -> None:
    """Do what comes before any test."""
    prefer_memory()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what would only repeat a test on MySQL."""
    if os.environ.get("ALL_DATABASES") == "1":
        return
    left_out = {item: None for item in items if repeats_on_mysql(item)}
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=list(left_out))


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    """Keep the settings of whoever runs the tests out of them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in Settings.model_fields:
            patch.delenv(name.upper(), raising=False)
        yield


@pytest.fixture(scope="session")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> URL:
    """Return an SQLite database with the newest schema."""
    url = URL.create("sqlite+aiosqlite", database=str(tmp_path_factory.mktemp("database") / "gatepost.db"))
    asyncio.run(_migrated(url))
    return url


@pytest.fixture(scope="session")
def mysql_url() -> Iterator[URL]:
    """Give a MySQL or MariaDB database with the newest schema, and drop it at the end."""
    with mysql_server() as server:
        name = f"gatepost_test_{uuid.uuid4().hex[:12]}"
        # A default that is not ours, as on many servers: the tables must not depend on it.
        asyncio.run(run_sql(server, f"CREATE DATABASE {name} CHARACTER SET latin1"))
        try:
            url = server.set(drivername="mysql+aiomysql", database=name)
            asyncio.run(_migrated(url))
            yield url
        finally:
            asyncio.run(run_sql(server, f"DROP DATABASE {name}"))


@pytest.fixture(params=["sqlite", pytest.param("mysql", marks=pytest.mark.mysql)])
def database_url(request: pytest.FixtureRequest) -> URL:
    """Return an SQLite database; a MySQL one in turn where the test is marked `both_databases`."""
    url: URL = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def clock() -> FakeClock:
    """Return the clock that the service under test reads."""
    return FakeClock()


MakeSettings = Callable[..., Settings]
MakeServices = Callable[..., Services]


@pytest.fixture
def make_settings(database_url: URL, tmp_path: Path) -> MakeSettings:
    """Return a maker of settings; its arguments replace the tests' defaults."""

    def make(**changes: Any) -> Settings:
        update = {name: value for name, value in _own(tmp_path).items() if name not in changes}
        return _settings(**_values(database_url) | changes).model_copy(update=update)

    return make


@pytest.fixture
async def make_services(
    request: pytest.FixtureRequest, make_settings: MakeSettings, clock: FakeClock, database_url: URL
) -> AsyncIterator[MakeServices]:
    """Give a maker of services, started by nobody; all are stopped, and the database emptied, after the test.

    Mail leaves when a test reads it, or by itself in a test marked `sends_mail`.
    """
    made: list[Services] = []
    sends_mail = request.node.get_closest_marker("sends_mail") is not None

    def make(*, own_clock: FakeClock | None = None, outbound: Outbound | None = None, **changes: Any) -> Services:
        settings = make_settings(**changes)
        made.append(
            build_services(settings, clock=own_clock or clock, engine=ENGINES.lend(settings), outbound=outbound)
        )
        if not sends_mail:
            made[-1].flows.outbox.woken = asyncio.Event()
        return made[-1]

    yield make
    for services in made:
        await services.stop()
        ENGINES.take_back(services.settings, services.platform.database.engine)
    await emptied(database_url)


@pytest.fixture
async def services(make_services: MakeServices) -> Services:
    """Return the services of the app under test."""
    return make_services()


@pytest.fixture
def database(services: Services) -> Database:
    """Return the database of the app under test."""
    return services.platform.database


@pytest.fixture
async def app(services: Services) -> AsyncIterator[FastAPI]:
    """Give the app, started."""
    async with started(services) as app:
        yield app


@pytest.fixture
async def api(app: FastAPI) -> AsyncIterator[Api]:
    """Give the API of the app under test."""
    async with http_client(app) as client:
        yield Api(client)


@pytest.fixture(scope="module")
async def module_app(sqlite_url: URL, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FastAPI]:
    """Give one app on its own database for all tests of a module, for tests that do not affect each other's state."""
    folder = tmp_path_factory.mktemp("module")
    url = sqlite_url.set(database=str(folder / "gatepost.db"))
    copyfile(str(sqlite_url.database), str(url.database))
    services = build_services(_settings(**_values(url)).model_copy(update=_own(folder)), clock=FakeClock())
    async with started(services) as app:
        yield app


@pytest.fixture(scope="module")
async def module_api(module_app: FastAPI) -> AsyncIterator[Api]:
    """Give its API."""
    async with http_client(module_app) as client:
        yield Api(client)


def started(services: Services) -> "StartedApp":
    """Return an async context manager: the app of these services, with its lifespan entered."""
    return StartedApp(services)


class StartedApp:
    """An app within its lifespan."""

    def __init__(self, services: Services) -> None:
        self._app = create_app(services=services)
        self._lifespan = self._app.router.lifespan_context(self._app)

    async def __aenter__(self) -> FastAPI:
        await self._lifespan.__aenter__()
        return self._app

    async def __aexit__(self, *error: Any) -> None:
        await self._lifespan.__aexit__(*error)


def http_client(app: FastAPI, *, keeps_cookies: bool = False, **options: Any) -> httpx.AsyncClient:
    """Return a client of the app, with a fixed address, and without a cookie jar unless it is asked for."""
    cookies = None if keeps_cookies else CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    transport = httpx.ASGITransport(app, client=(ADDRESS, 50000), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8080", cookies=cookies, **options)


async def _migrated(url: URL) -> None:
    engine = create_engine(url, timeout_seconds=30)
    await migrate(engine)
    await engine.dispose()


def _values(url: URL) -> dict[str, Any]:
    return {
        "database_url": SecretStr(url.render_as_string(hide_password=False)),
        "secret_key": SecretStr(SECRET),
        "bcrypt_rounds": 4,
        # A busy machine must not fail a test; those that are about this limit set their own.
        "db_timeout_seconds": 10.0,
        "log_level": LogLevel.ERROR,
    }


def _own(folder: Path) -> dict[str, Any]:
    return {"data_dir": folder, "mail_url": SecretStr(f"file:{folder / 'mail'}")}


def _settings(**values: Any) -> Settings:
    """Read settings; it takes milliseconds, and thousands of tests want the same ones."""
    key = pickle.dumps(values)
    if key not in _read:
        _read[key] = Settings(_env_file=None, **values)
    return _read[key]


_read: dict[bytes, Settings] = {}
