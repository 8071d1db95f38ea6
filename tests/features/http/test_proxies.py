"""Behind real proxies, where many people share a connection: everybody gets their own answer."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from gatepost.app import create_app
from gatepost.composition.services import Services
from tests.features.http.test_desync import UPGRADES
from tests.support.api import PASSWORD, Api
from tests.support.proxies import WAYS, proxy
from tests.support.server import served
from tests.support.wire import SMUGGLED

ROUNDS = 3
SECONDS = 60
SIGN_IN = "/api/auth/signin"
# An answer that the attacker waits for, and is not to come: what is inside goes out in several packets of any proxy.
INSIDE = b"\r\n" * 8000 + SMUGGLED


class Witness:
    """The app, and the paths that it was asked for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.paths: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            self.paths.append(scope["path"])
        await self.app(scope, receive, send)


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest) -> object:
    """Return SQLite alone: connections are the same before either."""
    return request.getfixturevalue("sqlite_url")


@pytest.fixture
async def witness(services: Services) -> Witness:
    """Return the app, watched."""
    return Witness(create_app(services=services))


@pytest.fixture(params=WAYS)
async def address(request: pytest.FixtureRequest, witness: Witness, tmp_path: Path) -> AsyncIterator[tuple[str, int]]:
    """Give where each proxy listens, in front of the app."""
    async with served(witness) as url:
        with proxy(request.param, tmp_path / request.param, url) as listening:
            yield listening


def post(body: bytes, *headers: str) -> tuple[bytes, bytes]:
    """Return head and body of a sign-in."""
    lines = [f"POST {SIGN_IN} HTTP/1.1", "Host: localhost", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode(), body


async def ask(address: tuple[str, int], *pieces: bytes) -> bytes:
    """Send the pieces one after the other on a connection, and return the first answer and whatever follows at once."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        async with asyncio.timeout(SECONDS):
            answer = await reader.readuntil(b"\r\n\r\n")
            return answer + await reader.read(65536)
    finally:
        writer.close()


async def test_next_person_gets_their_own_answer_and_nothing_inside_a_body_is_asked(
    address: tuple[str, int], witness: Witness
) -> None:
    wrong = []
    async with httpx.AsyncClient(
        base_url=f"http://{address[0]}:{address[1]}", trust_env=False, timeout=SECONDS
    ) as client:
        api = Api(client)
        person = await api.sign_up()
        for round_ in range(ROUNDS):
            for upgrade in UPGRADES:
                attack = post(INSIDE, *upgrade.split("\r\n"))
                sign_in = {"username": person.username, "password": PASSWORD}
                attacked, answer, board = await asyncio.gather(
                    ask(address, *attack), client.post(SIGN_IN, json=sign_in), api.user_board(person.access_token)
                )
                own = (answer.status_code, answer.json().get("username"), board.text)
                if own != (200, person.username, "User Content.") or b"malformed_body" not in attacked:
                    wrong.append((round_, upgrade, own, attacked))

    assert wrong == []
    assert "/smuggled" not in witness.paths


async def test_sign_in_that_offers_an_upgrade_is_a_sign_in(address: tuple[str, int]) -> None:
    async with httpx.AsyncClient(
        base_url=f"http://{address[0]}:{address[1]}", trust_env=False, timeout=SECONDS
    ) as client:
        person = await Api(client).sign_up()
    body = json.dumps({"username": person.username, "password": PASSWORD}).encode()

    answers = {upgrade: await ask(address, *post(body, *upgrade.split("\r\n"))) for upgrade in UPGRADES}

    refused = {upgrade: answer for upgrade, answer in answers.items() if not answer.startswith(b"HTTP/1.1 200")}
    assert refused == {}
