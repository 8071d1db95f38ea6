"""Another service, in this process, that verifies the tokens of the service under test."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from sqlalchemy import URL

from gatepost.composition.services import Services
from gatepost.identity.tokens.principal import Acr
from gatepost.sdk import Gatepost, UserPrincipal, issuer
from tests.support.api import Api
from tests.support.clock import FakeClock

ISSUER = "http://localhost:8080"


@pytest.fixture
def database_url(sqlite_url: URL) -> URL:
    """Return the one database that these tests need: another service sees none."""
    return sqlite_url


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the issuer to wait for news as shortly as can be: what a test changes is seen at the next question."""
    monkeypatch.setattr(issuer, "WAIT_SECONDS", 1)


class Network(httpx.AsyncBaseTransport):
    """The way to the issuer: it can be down, and it counts what was asked."""

    def __init__(self, app: FastAPI) -> None:
        self._way = httpx.ASGITransport(app)
        self.is_down = False
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        self.asked.append(request.url.path)
        if self.is_down:
            raise httpx.ConnectError("connection refused", request=request)
        return await self._way.handle_async_request(request)

    def times(self, path: str) -> int:
        """Return how often a path was asked for."""
        return self.asked.count(path)


@dataclass
class Notes:
    """The other service: `api` calls it."""

    gatepost: Gatepost
    api: Api
    network: Network

    async def me(self, access_token: str) -> httpx.Response:
        """Ask it who holds a token."""
        return await self.api.get("/me", headers={"Authorization": f"Bearer {access_token}"})


def notes_app(gatepost: Gatepost) -> FastAPI:
    """Return an app with a route for each thing that `Gatepost` gives."""
    app = FastAPI(lifespan=gatepost.lifespan)

    @app.get("/me")
    async def me(user: Annotated[UserPrincipal, Depends(gatepost.current_user)]) -> dict[str, Any]:
        return {"id": user.user_id, "name": user.username, "roles": user.roles}

    @app.get("/admin")
    async def admin(user: Annotated[UserPrincipal, Depends(gatepost.require_role("admin"))]) -> dict[str, Any]:
        return {"id": user.user_id}

    @app.get("/fresh")
    async def fresh(user: Annotated[UserPrincipal, Depends(gatepost.require_fresh(20))]) -> dict[str, Any]:
        return {"acr": user.acr}

    @app.get("/sure")
    async def sure(user: Annotated[UserPrincipal, Depends(gatepost.require_acr())]) -> dict[str, Any]:
        return {"acr": user.acr}

    @app.get("/vault", dependencies=[Depends(gatepost.require_fresh(20))])
    async def vault(
        user: Annotated[UserPrincipal, Depends(gatepost.require_acr(Acr.PHISHING_RESISTANT))],
    ) -> dict[str, Any]:
        return {"acr": user.acr}

    return app


@pytest.fixture
def network(app: FastAPI) -> Network:
    """Return the way from the other service to the issuer."""
    return Network(app)


MakeGatepost = Callable[..., Gatepost]


@pytest.fixture
async def make_gatepost(network: Network, services: Services, clock: FakeClock) -> AsyncIterator[MakeGatepost]:
    """Give a maker of a `Gatepost` that is registered at the issuer; its arguments are what a test wants otherwise."""
    secret = await services.flows.clients.add("notes", name="Notes")

    async with httpx.AsyncClient(transport=network) as http:

        def make(**changes: Any) -> Gatepost:
            options = {
                "issuer": ISSUER,
                "client_id": "notes",
                "client_secret": secret,
                "retry_seconds": 0.05,
                "http": http,
                "clock": clock,
            }
            return Gatepost(**{**options, **changes})

        yield make


@pytest.fixture
async def notes(make_gatepost: MakeGatepost, network: Network) -> AsyncIterator[Notes]:
    """Give the other service, which follows the issuer."""
    async with notes_of(make_gatepost(), network) as notes:
        yield notes


@asynccontextmanager
async def notes_of(gatepost: Gatepost, network: Network) -> AsyncIterator[Notes]:
    """Run the other service on this `Gatepost`."""
    app = notes_app(gatepost)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://notes") as client,
    ):
        yield Notes(gatepost, Api(client), network)


async def until_it_answers(ask: Callable[[], Awaitable[httpx.Response]], status: int) -> httpx.Response:
    """Ask until the background work has caught up."""
    deadline = time.monotonic() + 60
    while (answer := await ask()).status_code != status:
        assert time.monotonic() < deadline, f"{answer.status_code}: {answer.text}"
        await asyncio.sleep(0.02)
    return answer
