"""Two worker processes and the database that they share, of their own: other tests empty theirs."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from pydantic import SecretStr
from sqlalchemy import URL

from gatepost.composition.services import Services, build_services
from gatepost.core.settings import Settings
from tests.support.mysql import run_sql
from tests.support.server import GatepostServer, run_gatepost, server_env
from tests.support.workers import SECRET, Workers, api_of, two_servers


@pytest.fixture(scope="session", params=["sqlite", pytest.param("mysql", marks=pytest.mark.mysql)])
def shared_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    """Give an empty SQLite file, which the processes bring up to date, or a migrated MySQL database."""
    folder = tmp_path_factory.mktemp("shared")
    if request.param == "sqlite":
        yield URL.create("sqlite", database=str(folder / "gatepost.db"))
        return
    server: URL = request.getfixturevalue("mysql_url")
    url = server.set(drivername="mysql", database=f"{server.database}_workers")
    asyncio.run(run_sql(server, f"CREATE DATABASE {url.database}"))
    try:
        environment = server_env(DATABASE_URL=url.render_as_string(hide_password=False))
        run_gatepost("migrate", folder=folder, env=environment)
        yield url
    finally:
        asyncio.run(run_sql(server, f"DROP DATABASE {url.database}"))


@pytest.fixture(scope="session")
def servers(
    shared_url: URL, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[GatepostServer, GatepostServer]]:
    """Give the two processes; that they start at once on a database without keys is a race of its own."""
    with two_servers(tmp_path_factory.mktemp("servers"), shared_url) as pair:
        yield pair


@pytest.fixture
async def workers(servers: tuple[GatepostServer, GatepostServer], shared_url: URL) -> AsyncIterator[Workers]:
    """Give the APIs of the two processes, and the services of a third worker."""
    office = _office(shared_url)
    async with api_of(servers[0]) as first, api_of(servers[1]) as second:
        await office.start()
        yield Workers(first, second, office)
        await office.stop()


def _office(url: URL) -> Services:
    settings = Settings(
        _env_file=None,
        database_url=SecretStr(url.render_as_string(hide_password=False)),
        secret_key=SecretStr(SECRET),
        bcrypt_rounds=4,
    )
    return build_services(settings)
