"""A service with one other provider, and a browser."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from gatepost.composition.services import Services
from tests.conftest import http_client
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
