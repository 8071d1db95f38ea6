"""A service on each of the databases, in which many accounts can live and which refuses nobody for asking too often."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import URL

from gatepost.composition.services import Services, build_services
from gatepost.core.settings import Settings
from tests.conftest import SECRET, http_client, started
from tests.fuzz.budget import UNLIMITED
from tests.support.api import Api
from tests.support.clock import FakeClock
from tests.support.databases import emptied


@pytest.fixture(scope="module", params=["sqlite", pytest.param("mysql", marks=pytest.mark.mysql)])
def one_url(request: pytest.FixtureRequest) -> URL:
    """Return each of the databases in turn."""
    url: URL = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(scope="module")
async def running(one_url: URL, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Services, Api]]:
    """Give a service and its API."""
    services = build_services(settings_of(one_url, tmp_path_factory.mktemp("texts")), clock=FakeClock())
    async with started(services) as app, http_client(app) as client:
        yield services, Api(client)
    await emptied(one_url)


@pytest.fixture(scope="module")
def everywhere(running: tuple[Services, Api]) -> Api:
    """Return the API of that service."""
    return running[1]


def settings_of(url: URL, folder: Path) -> Settings:
    """Return the settings of a service with this database."""
    return Settings(
        _env_file=None, database_url=SecretStr(url.render_as_string(hide_password=False)), data_dir=folder,
        secret_key=SecretStr(SECRET), bcrypt_rounds=4, mail_url=SecretStr(f"file:{folder}"), db_timeout_seconds=10.0,
        **UNLIMITED,
    )  # fmt: skip
