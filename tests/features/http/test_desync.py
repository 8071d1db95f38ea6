"""As many answers as requests, in their order: nothing inside a request is ever taken for a request."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from gatepost.app import create_app
from gatepost.composition.services import Services
from tests.support.api import PASSWORD, Api
from tests.support.server import served
from tests.support.wire import AFTER, HEADERS, Fate, Wire, wires

END = b"GET /end HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
AT_ONCE = 32
SECONDS = 60
UPGRADES = [header for header, fate in HEADERS if "pgrade" in header and fate is Fate.SERVED]
# Every method, and every place to cut at, are in unit/test_request_parser.py.
WIRES = [wire for wire in wires() if wire.method in ("GET", "HEAD", "POST", "CONNECT")]
OFFERS = [wire for wire in WIRES if wire.method == "POST" and "pgrade" in wire.name]


@dataclass
class Echo:
    """An application that answers with what it was asked."""

    seen: dict[str, list[tuple[str, str, bytes]]] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or start and stop."""
        if scope["type"] == "lifespan":
            for done in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{done}.complete"})
            return
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        asked = (scope["method"], scope["path"], body)
        self.seen.setdefault(f"{scope['client'][1]}", []).append(asked)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture(scope="module")
async def echo() -> AsyncIterator[tuple[Echo, int]]:
    """Give an echo, and the port at which our server serves it."""
    app = Echo()
    async with served(app) as url:
        yield app, int(url.rpartition(":")[2])


async def talk(port: int, pieces: Iterable[bytes]) -> tuple[str, bytes]:
    """Send the pieces; return our own port, and all that comes back until the service closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    own = str(writer.get_extra_info("sockname")[1])
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(0)
    try:
        return own, await reader.read()
    finally:
        writer.close()


def statuses(answers: bytes, methods: list[str]) -> list[int]:
    """Return the status of each answer, but for the interim ones; those to HEAD have no body."""
    found: list[int] = []
    while answers:
        head, end, rest = answers.partition(b"\r\n\r\n")
        assert end, answers
        status = int(head.split()[1])
        answers = rest
        if status == 100:
            continue
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        if not (len(found) < len(methods) and methods[len(found)] == "HEAD"):
            answers = rest[length:]
        found.append(status)
    return found


async def wrong(echo: Echo, port: int, wire: Wire, pieces: Iterable[bytes]) -> object:
    """Return what is wrong, or nothing."""
    own, answers = await talk(port, pieces)
    seen = echo.seen.pop(own, [])
    first, others = (wire.method, "/first", wire.body), [("GET", "/after", b""), ("GET", "/end", b"")]
    due = {Fate.SERVED: [first, *others], Fate.LAST: [first], Fate.REFUSED: []}[wire.fate]
    told = statuses(answers, [method for method, _, _ in seen])
    is_right = told == [200] * len(due) if due else len(told) == 1 and told[0] in (400, 405)
    return None if seen == due and is_right else (wire.name, seen, answers)


def whole(wire: Wire) -> list[bytes]:
    """Return everything in one piece."""
    return [wire.sent + AFTER + END]


def head_and_body(wire: Wire) -> list[bytes]:
    """Return the head of the request, and what comes after it."""
    at = wire.sent.index(b"\r\n\r\n") + 4
    return [wire.sent[:at], wire.sent[at:] + AFTER + END]


def byte_for_byte(wire: Wire) -> list[bytes]:
    """Return each byte separately."""
    return [bytes([byte]) for byte in wire.sent + AFTER + END]


@pytest.mark.parametrize(("way", "chosen"), [(whole, WIRES), (head_and_body, WIRES), (byte_for_byte, OFFERS)])
async def test_answers_are_as_many_as_requests(
    echo: tuple[Echo, int], way: Callable[[Wire], list[bytes]], chosen: list[Wire]
) -> None:
    app, port = echo
    turn = asyncio.Semaphore(AT_ONCE)

    async def try_one(wire: Wire) -> object:
        async with turn:
            return await wrong(app, port, wire, way(wire))

    async with asyncio.timeout(SECONDS):
        found = await asyncio.gather(*map(try_one, chosen))

    assert [one for one in found if one] == []


async def test_sign_in_that_offers_an_upgrade_is_a_sign_in(services: Services) -> None:
    body = json.dumps({"username": "Abbey Salami", "password": PASSWORD}).encode()
    failed = []
    async with served(create_app(services=services)) as url:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            await Api(client).sign_up()
        for upgrade in UPGRADES:
            head = (
                "POST /api/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                f"{upgrade}\r\nContent-Length: {len(body)}\r\n\r\n"
            ).encode()
            for at in (0, len(head) - 1, len(head), len(head) + 1, len(head + body) - 1):
                pieces = [(head + body)[:at], (head + body)[at:], END]
                _, answers = await talk(int(url.rpartition(":")[2]), pieces)
                if statuses(answers, []) != [200, 404] or b"accessToken" not in answers:
                    failed.append((upgrade, at, answers))

    assert UPGRADES
    assert failed == []


HOSTS = [
    [], ["Host: x", "Host: x"], ["Host: x", "Host: y"], ["Host:"], ["Host: x, y"], ["Host: x y"], ["Host: x/y"],
    ["Host: x@y"], ["Host: http://x"], ["Host: x:y"], ["Host: x:80:80"], ["Host: x:123456"], ["Host: [::1"],
    ["Host: ::1"], ["Host: [x]"], ["Host: [:::]"], ["Host: [::1]x"], ["Host: x?y"], ["Host: x#y"], ["Host: x\\y"],
    ["Host: \xe4"], ["Host: <x>"], ["Host: %00"], [f"Host: {'x' * 300}"], ["X-Host: x"], ["Host: :80"],
]  # fmt: skip


async def test_request_without_exactly_one_host_is_refused(echo: tuple[Echo, int]) -> None:
    app, port = echo
    failed = []
    for lines in HOSTS:
        for version in ("1.1", "1.0") if lines and lines != ["X-Host: x"] else ("1.1",):
            for target in ("/healthz", "http://x/healthz"):
                sent = "\r\n".join([f"GET {target} HTTP/{version}", *lines, "", ""]).encode("latin-1")
                own, answers = await talk(port, [sent + AFTER])
                if statuses(answers, []) != [400] or b"exactly one Host" not in answers or own in app.seen:
                    failed.append((sent, answers))

    assert failed == []


async def test_host_is_a_name_or_an_address(echo: tuple[Echo, int]) -> None:
    for host in ("x", "auth.example.com", "a_b-c.d.", "127.0.0.1:8080", "[::1]", "[2001:db8::1]:8080", "x:"):
        _, answers = await talk(echo[1], [f"GET /a HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() + END])

        assert statuses(answers, []) == [200, 200], host


async def test_old_request_needs_no_host(echo: tuple[Echo, int]) -> None:
    _, answers = await talk(echo[1], [b"GET /a HTTP/1.0\r\n\r\n"])

    assert statuses(answers, []) == [200]


async def test_every_address_of_visible_characters_is_served(echo: tuple[Echo, int]) -> None:
    failed = []
    for character in (chr(code) for code in range(0x21, 0x7F) if chr(code) != "#"):
        targets = [f"/{character}{place}{character}" for place in ("", "?", "/", "//")]
        pieces = [f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for target in targets]
        _, answers = await talk(echo[1], [*pieces, END])
        if statuses(answers, []) != [200] * 5:
            failed.append((character, answers))

    assert failed == []


async def test_malformed_request_takes_no_answer_of_an_earlier_one(echo: tuple[Echo, int]) -> None:
    bad = b"POST /bad HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nzz\r\n"

    at_once, answers = await talk(echo[1], [AFTER + AFTER + bad + END])
    assert statuses(answers, []) == [200, 200]
    in_turn, answers = await talk(echo[1], [AFTER, AFTER, bad[:-4], bad[-4:] + END])
    assert statuses(answers, []) in ([200, 200], [200, 200, 400])
    assert echo[0].seen.pop(at_once) == echo[0].seen.pop(in_turn) == [("GET", "/after", b"")] * 2


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest) -> object:
    """Return SQLite alone: connections are the same before either."""
    return request.getfixturevalue("sqlite_url")
