"""What a client can do to a socket, and not to a call inside the test."""

import asyncio
import json

import pytest

from gatepost.app import create_app
from gatepost.composition.services import Services
from tests.support.server import served

GOOD = json.dumps({"username": "Abbey Salami", "password": "x"}).encode()


async def exchange(url: str, request: bytes, *, then_leave: bool = False) -> bytes:
    """Send bytes and return all that comes back; leaving closes our side first."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    if then_leave:
        writer.write_eof()
    async with asyncio.timeout(60):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def post(length: str, body: bytes) -> bytes:
    """Return a sign-in as it travels."""
    head = f"POST /api/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{length}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode("latin-1") + body


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(post(f"Content-Length: {len(GOOD)}", GOOD), b"401", id="good"),
        pytest.param(post("Content-Length: 104857600", b"{"), b"413", id="100 MiB announced, one byte sent"),
        pytest.param(post("Content-Length: -1", GOOD), b"400", id="negative length"),
        pytest.param(post(f"Content-Length: {'9' * 5000}", GOOD), b"400", id="endless length"),
        pytest.param(
            post("Transfer-Encoding: chunked", b"11000\r\n" + b" " * 0x11000 + b"\r\n0\r\n\r\n"), b"413", id="big chunk"
        ),
        pytest.param(b"GET /%00%ff%fe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"404", id="odd path"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400", id="TLS to a plain port"),
    ],
)
async def test_odd_request_gets_its_answer(services: Services, request_bytes: bytes, status: bytes) -> None:
    async with served(create_app(services=services)) as url:
        answer = await exchange(url, request_bytes)

    assert answer.startswith(b"HTTP/1.1 " + status), answer[:200]


async def test_client_that_goes_in_the_middle_of_its_body_is_no_error(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(create_app(services=services)) as url:
        await exchange(url, post("Content-Length: 1000", GOOD), then_leave=True)
        alive = await exchange(url, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert alive.startswith(b"HTTP/1.1 200")
    assert [record for record in caplog.records if record.name == "gatepost"] == []
