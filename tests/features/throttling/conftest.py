"""Guessers: clients from other addresses than the owner's."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
import pytest
from fastapi import FastAPI

from tests.support.api import Api

MakeApi = Callable[[str], Api]


@pytest.fixture
async def api_from(app: FastAPI) -> AsyncIterator[MakeApi]:
    """Give a maker of APIs, each called from an address of its own, without a memory for cookies."""
    async with AsyncExitStack() as stack:
        clients: list[httpx.AsyncClient] = []

        def make(address: str) -> Api:
            transport = httpx.ASGITransport(app, client=(address, 50000), raise_app_exceptions=False)
            cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
            clients.append(httpx.AsyncClient(transport=transport, base_url="http://localhost:8080", cookies=cookies))
            stack.push_async_callback(clients[-1].aclose)
            return Api(clients[-1])

        yield make
