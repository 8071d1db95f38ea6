"""A service with one other provider, and a browser."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from gatepost.composition.services import Services
from tests.conftest import http_client
from tests.features.admin.conftest import (  # noqa: F401  fixtures
    _no_role_work_in_the_background,
    admin,
    person_with,
)
from tests.features.transfer.conftest import other_database  # noqa: F401  a fixture
from tests.support.external import FakeProvider, Visitor, set_up


@pytest.fixture
def provider(services: Services) -> FakeProvider:
    provider = FakeProvider()
    set_up(services, provider)
    return provider


@pytest.fixture
async def visitor(app: FastAPI, provider: FakeProvider) -> AsyncIterator[Visitor]:
    async with http_client(app, keeps_cookies=True) as client:
        yield Visitor(client, provider)


@pytest.fixture
async def stranger(app: FastAPI, provider: FakeProvider) -> AsyncIterator[Visitor]:
    """Another browser."""
    async with http_client(app, keeps_cookies=True) as client:
        yield Visitor(client, provider)
