"""A client that sends first and reads later gets the answer that ends its connection, and holds nothing for ever."""

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from gatepost.app import create_app
from gatepost.composition.services import Services
from gatepost.http.server import lingering, protocol
from tests.support.server import served

SIGN_IN = "/api/auth/signin"
POST = b"POST /api/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNK = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
SECONDS = 60
TRIES = 5


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest) -> object:
    """Return SQLite alone: connections are the same before either."""
    return request.getfixturevalue("sqlite_url")


@pytest.fixture
async def url(services: Services) -> AsyncIterator[str]:
    """Give where the service listens."""
    async with served(create_app(services=services)) as url:
        yield url


@pytest.fixture
async def client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client that sends a request whole before it reads."""
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=SECONDS) as client:
        yield client


async def pieces(size: int) -> AsyncIterator[bytes]:
    """Yield a body in pieces of 32 KiB."""
    for start in range(0, size, 0x8000):
        yield b"x" * min(0x8000, size - start)


@pytest.mark.parametrize("size", [200_000, 5_000_000])
@pytest.mark.parametrize("way", ["announced", "in chunks"])
async def test_client_that_sends_it_all_first_is_told_that_it_is_too_much(
    client: httpx.AsyncClient, way: str, size: int
) -> None:
    for path in (SIGN_IN, "/nothing"):
        for _ in range(TRIES):
            body = b"x" * size if way == "announced" else pieces(size)
            answer = await client.post(path, content=body, headers={"Content-Type": "application/json"})

            assert answer.status_code == 413
            assert answer.headers["connection"] == "close"


async def send_all_then_read(url: str, sent: bytes) -> bytes:
    """Send everything, whatever comes back, and only then read to the end."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    try:
        async with asyncio.timeout(SECONDS):
            for start in range(0, len(sent), 0x8000):
                writer.write(sent[start : start + 0x8000])
                await writer.drain()
            writer.transport.resume_reading()  # type: ignore[attr-defined]
            return await reader.read()
    finally:
        writer.close()


MORE = b"x" * 2_000_000


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"\x00\r\n\r\n" + MORE, b"400", id="no HTTP"),
        pytest.param(POST + b"Content-Length: x\r\n\r\n" + MORE, b"400", id="no length"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n" + MORE, b"400", id="no host"),
        pytest.param(POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + MORE, b"400", id="another coding"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + MORE, b"400", id="no chunk"),
        pytest.param(b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n" + MORE, b"405", id="a tunnel"),
        pytest.param(POST + b"X: " + MORE, b"431", id="an endless header"),
        pytest.param(POST + b"X: y\r\n" * 300_000, b"431", id="endless headers"),
        pytest.param(POST + b"Content-Length: 2000000\r\n\r\n" + MORE, b"413", id="a body too large"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNK * 60, b"413", id="chunks too large"),
        pytest.param(
            b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n" + MORE, b"413", id="one nobody reads"
        ),
        pytest.param(
            b"GET /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNK * 60, b"200",
            id="chunks nobody reads",
        ),
        pytest.param(
            b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + MORE, b"200", id="the last one"
        ),
        pytest.param(b"GET /healthz HTTP/1.0\r\n\r\n" + MORE, b"200", id="an old one"),
    ],
)  # fmt: skip
async def test_answer_that_ends_a_connection_reaches_whoever_is_still_sending(
    url: str, sent: bytes, status: bytes
) -> None:
    for _ in range(TRIES):
        answer = await send_all_then_read(url, sent)

        assert answer.startswith(b"HTTP/1.1 " + status), answer[:200]
        assert answer.count(b"HTTP/1.1 ") == 1


async def test_slow_client_is_told_though_it_goes_on(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "SEND_SECONDS", 0.1)
    host, _, port = url.removeprefix("http://").partition(":")
    for _ in range(TRIES):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        reading = asyncio.create_task(reader.read())
        async with asyncio.timeout(SECONDS):
            while not reading.done():
                writer.write(b"a: b\r\n")
                await asyncio.wait([reading], timeout=0.01)
        writer.close()

        assert reading.result().startswith(b"HTTP/1.1 408 ")


async def until_reset(writer: asyncio.StreamWriter, piece: bytes, *, pause: float = 0) -> int:
    """Send the piece again and again until the connection is gone; return how many bytes went."""
    sent = 0
    async with asyncio.timeout(SECONDS):
        try:
            while True:
                writer.write(piece)
                sent += len(piece)
                await writer.drain()
                await asyncio.sleep(pause)
        except ConnectionError:
            return sent


async def test_client_that_goes_on_for_ever_is_cut_off(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    host, _, port = url.removeprefix("http://").partition(":")

    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"nonsense\r\n\r\n")
    assert await until_reset(writer, MORE) < 4 * protocol.MAX_DROPPED_BYTES

    monkeypatch.setattr(protocol, "SEND_SECONDS", 0.2)
    monkeypatch.setattr(protocol, "LINGER_SECONDS", 0.2)
    unread = b"GET /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    for first, then in ((b"nonsense\r\n\r\n", b""), (unread, CHUNK * 3 + b"0\r\n\r\n")):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(first)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(then)
        assert await until_reset(writer, b"x", pause=0.02) < 1000


async def test_stop_does_not_wait_for_clients_that_linger(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "SEND_SECONDS", 3600.0)
    monkeypatch.setattr(protocol, "LINGER_SECONDS", 3600.0)
    assert protocol.LAST_SECONDS <= 1
    async with asyncio.timeout(SECONDS):
        async with served(create_app(services=services)) as url:
            host, _, port = url.removeprefix("http://").partition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"nonsense\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    writer.close()


@pytest.mark.parametrize("is_taking", [False, True])
async def test_client_that_takes_nothing_of_its_last_answer_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, is_taking: bool
) -> None:
    monkeypatch.setattr(lingering, "TAKE_SECONDS", 0.1)
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    loop = asyncio.get_running_loop()
    lost: asyncio.Future[Exception | None] = loop.create_future()

    class Connection(asyncio.Protocol):
        def connection_lost(self, exc: Exception | None) -> None:
            lost.set_result(exc)

    plain, _ = await loop.create_connection(Connection, sock=ours)
    transport = lingering.LingeringTransport(plain, on_close=lambda: None)
    transport.write(MORE)
    assert plain.get_write_buffer_size() > 0
    transport.close_whole()

    taken = 0
    async with asyncio.timeout(SECONDS):
        while is_taking and taken < len(MORE):
            taken += len(await loop.sock_recv(theirs, 0x20000))
            await asyncio.sleep(0.03)
        await lost
    theirs.close()

    assert taken == (len(MORE) if is_taking else 0)
