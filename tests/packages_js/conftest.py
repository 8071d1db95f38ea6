"""The service on a clock of ours behind a network that loses answers, and what tests of packages/js need besides."""

import asyncio
import json
import subprocess
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, update
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatepost.app import create_app
from gatepost.composition.services import Services
from gatepost.identity.accounts.models import User
from tests.conftest import MakeServices
from tests.support.clock import FakeClock
from tests.support.missing import program

PACKAGE = Path(__file__).parents[2] / "packages/js"
REFRESH = "/api/auth/refreshtoken"
# Where a test that runs elsewhere reaches what is not the service: its clock and its network.
CONTROL = "/control/"
# The service once more, below a path as behind a proxy.
BELOW = "/below/auth"
# After so long, something waits for what never comes.
PATIENCE_SECONDS = 300


@dataclass
class Network:
    """An app whose next answers at a path do not arrive as they were meant; `calls` has the status and path of each.

    `lost`: the service does its work, and the connection breaks off. `unheard`: the request is never answered.
    `held`: the answer comes once `release` is called. A number: a proxy answers so in the place of the service.
    `portal`: 200 and a page, as from a hotel's network.
    """

    app: ASGIApp
    services: Services
    clock: FakeClock
    calls: list[str] = field(default_factory=list)
    faults: dict[str, deque[str]] = field(default_factory=dict)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    def spoil(self, path: str, *faults: str) -> None:
        """Spoil the next answers at a path, one by one."""
        self.released.clear()
        self.reached.clear()
        self.faults[path] = deque(faults)

    async def wait(self, **time: float) -> None:
        """Let time pass, in which the service has done what it does every second."""
        self.clock.advance(**time)
        await self.services.identity.revocations.poll()

    async def verify(self, user_id: int) -> None:
        """Let the address of an account be proved."""
        async with self.services.platform.database.begin() as tx:
            await tx.execute(update(User).where(User.id == user_id).values(email_verified_at=self.clock.now()))

    def refreshes(self) -> list[str]:
        """Return the calls that were refreshes."""
        return [call for call in self.calls if call.endswith(REFRESH)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["path"].startswith(CONTROL):
            await (await self._control(Request(scope, receive)))(scope, receive, send)
            return
        if scope["path"].startswith(BELOW):
            path = scope["path"].removeprefix(BELOW)
            scope = {**scope, "path": path, "raw_path": path.encode()}
        if scope["method"] == "OPTIONS":
            await self.app(scope, receive, send)
            return
        waiting = self.faults.get(scope["path"])
        await self._answer(waiting.popleft() if waiting else "", scope, receive, send)

    async def _answer(self, fault: str, scope: Scope, receive: Receive, send: Send) -> None:
        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.calls.append(f"{message['status']} {scope['path']}")
                if fault == "held":
                    self.reached.set()
                    await self.released.wait()
            # Where the rest never comes, the server breaks the connection off.
            if fault != "lost" or message["type"] == "http.response.start":
                await send(message)

        origin = dict(scope["headers"]).get(b"origin", b"*").decode()
        shared = {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true"}
        if fault == "unheard":
            self.reached.set()
            while (await receive())["type"] != "http.disconnect":
                pass
        elif fault == "portal":
            await Response("<p>Welcome to our hotel", media_type="text/html", headers=shared)(scope, receive, told)
        elif fault.isdecimal():
            await Response(status_code=int(fault), headers={**shared, "Retry-After": "7"})(scope, receive, told)
        else:
            await self.app(scope, receive, told)

    async def _control(self, request: Request) -> Response:
        asked: dict[str, Any] = json.loads(await request.body() or b"{}")
        match request.url.path.removeprefix(CONTROL):
            case "wait":
                await self.wait(**asked)
            case "spoil":
                self.spoil(asked["path"], *asked["faults"])
            case "verify":
                await self.verify(asked["id"])
            case "reached":
                await self.reached.wait()
            case "release":
                self.released.set()
            case "redirect":
                return RedirectResponse(request.query_params["to"])
        calls, self.calls = self.calls, []
        return JSONResponse(calls)


@pytest.fixture
def database_url(sqlite_url: URL) -> URL:
    """Return the one database that these tests need: what differs between databases is tested elsewhere."""
    return sqlite_url


@pytest.fixture
def network(make_services: MakeServices, clock: FakeClock) -> Network:
    """Return the service behind its network, served by nobody yet."""
    # The clock leaps by weeks, and what reads the revocations in the background may be on its way just then.
    staleness = timedelta(days=365).total_seconds()
    services = make_services(revocation_max_staleness_seconds=staleness, passkey_origins="http://localhost:8081")
    return Network(create_app(services=services), services, clock)


@pytest.fixture
def run_node() -> Callable[..., Awaitable[str]]:
    """Return what runs `node --test` on a file beside this one and fails with what it prints."""
    node = program("node", package="Node.js 20 or newer")

    async def run(*files: Path | str, cwd: Path, **env: str) -> str:
        process = await asyncio.create_subprocess_exec(
            node, "--test", "--test-reporter=tap", *map(str, files), cwd=cwd,
            env={"PATH": str(Path(node).parent), **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode == 0, output.decode()
        return output.decode()

    return run
