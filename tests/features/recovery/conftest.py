"""The service without its work in the background, so that a mail leaves when a test says so."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gatepost.app import create_app
from gatepost.composition.services import Services
from tests.conftest import http_client
from tests.support.api import Api


@asynccontextmanager
async def unattended(services: Services) -> AsyncIterator[Api]:
    """Give the API of these services; no mail leaves by itself."""
    await services.start()
    async with http_client(create_app(services=services)) as client:
        yield Api(client)


@pytest.fixture
async def quiet_api(services: Services) -> AsyncIterator[Api]:
    """Give the API of the app under test; no mail leaves by itself."""
    async with unattended(services) as api:
        yield api
