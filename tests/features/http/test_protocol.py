"""The limits of a connection: sizes of heads and bodies, slow clients, and pipelined requests."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from gatepost.app import create_app
from gatepost.composition.services import Services
from gatepost.http.server import protocol
from tests.support.server import served

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
LAST = b"Connection: close\r\n\r\n"
POST = b"POST /api/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
BODY = json.dumps({"username": "Abbey Salami", "password": "x"}).encode()
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"
PATIENCE_SECONDS = 0.3
SECONDS = 60


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest) -> object:
    """Return SQLite alone: connections are the same before either."""
    return request.getfixturevalue("sqlite_url")


@pytest.fixture
async def port(services: Services) -> AsyncIterator[int]:
    """Give the port of the service."""
    async with served(create_app(services=services)) as url:
        yield int(url.rpartition(":")[2])


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let slow clients be told sooner."""
    monkeypatch.setattr(protocol, "SEND_SECONDS", PATIENCE_SECONDS)


async def talk(port: int, *pieces: bytes, pause: float = 0.0) -> bytes:
    """Send the pieces and return all that comes back until the service closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(SECONDS):
            reading = asyncio.create_task(_read(reader))
            for piece in pieces:
                if reading.done():
                    break
                writer.write(piece)
                await asyncio.wait([reading], timeout=pause)
            return await reading
    finally:
        writer.close()


async def _read(reader: asyncio.StreamReader) -> bytes:
    """Return all that comes; a reset says that a piece was on its way when the service had closed."""
    answers = b""
    with suppress(ConnectionResetError):
        while piece := await reader.read(65_536):
            answers += piece
    return answers


def codes(answers: bytes) -> list[str]:
    """Return the status of each answer, and the code of those that are problems."""
    found = []
    while answers:
        head, _, rest = answers.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        assert length is not None, answers[:500]
        body, answers = rest[: int(length[1])], rest[int(length[1]) :]
        found.append(" ".join([head.split()[1].decode(), *([json.loads(body)["code"]] if b"problem" in head else [])]))
    return found


def header(size: int) -> bytes:
    """Return a header of so many bytes."""
    return b"X-Filler: " + b"x" * (size - len(b"X-Filler: \r\n")) + b"\r\n"


@pytest.mark.parametrize("way", ["whole", "in pieces", "never ending"])
@pytest.mark.parametrize("part", ["address", "header", "many headers"])
async def test_head_over_16_kib_is_refused(port: int, part: str, way: str) -> None:
    filler = {
        "address": b"GET /" + b"x" * 17000 + b" HTTP/1.1\r\nHost: x\r\n",
        "header": GET + header(17000),
        "many headers": GET + header(100) * 170,
    }[part]
    head = filler + (LAST if way == "whole" else b"")
    pieces = [head] if way == "whole" else [head[start : start + 1000] for start in range(0, len(head), 1000)]

    answer = await talk(port, *pieces, *([b"x" * 1000] * 20 if way == "never ending" else [LAST]), pause=0.002)

    assert codes(answer) == ["431 headers_too_large"]
    assert b"content-type: application/problem+json" in answer
    assert b"connection: close" in answer


async def test_more_headers_than_any_client_sends_are_refused(port: int) -> None:
    assert codes(await talk(port, GET + b"a: b\r\n" * 101 + LAST)) == ["431 headers_too_large"]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        (b"a: b\r\n" * 101, "headers_too_large"),
        (header(17000), "headers_too_large"),
        (b"a: \x01\r\n", "malformed_request"),
    ],
)
async def test_head_that_a_proxy_asks_about_is_refused_as_proxies_understand(
    port: int, headers: bytes, code: str
) -> None:
    for query in (b"", b"?role=admin"):
        answer = await talk(port, b"GET /api/auth/check" + query + b" HTTP/1.1\r\nHost: x\r\n" + headers + LAST)

        assert codes(answer) == [f"403 {code}"]
        assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")


async def test_head_of_nearly_16_kib_is_read_in_one_piece_and_in_many(port: int) -> None:
    head = GET + header(15000) + LAST

    assert codes(await talk(port, head)) == ["200"]
    assert codes(await talk(port, *(head[start : start + 500] for start in range(0, len(head), 500)))) == ["200"]


@pytest.mark.parametrize(
    "trailer",
    [
        pytest.param(header(17000), id="one"),
        pytest.param(b"a: " + b"x" * 700_000, id="never ending"),
    ],
)
async def test_endless_trailer_is_refused(port: int, trailer: bytes) -> None:
    pieces = [trailer[start : start + 60_000] for start in range(0, len(trailer), 60_000)]

    answer = await talk(port, CHUNKED + b"\r\n1\r\n{\r\n0\r\n", *pieces, b"\r\n\r\n", pause=0.01)

    assert codes(answer) in (["431 headers_too_large"], ["413 body_too_large"])


async def test_trailer_does_not_become_a_header(port: int) -> None:
    asked = b"POST /nothing HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"

    answer = await talk(port, asked + b"X-Request-ID: from-the-trailer\r\n\r\n", GET + LAST)

    assert codes(answer) == ["404 not_found", "200"]
    assert b"from-the-trailer" not in answer


@pytest.mark.parametrize("way", ["announced", "chunked"])
async def test_100_mib_that_nobody_reads_are_cut_off(port: int, way: str) -> None:
    length = b"Content-Length: 104857600" if way == "announced" else b"Transfer-Encoding: chunked"
    piece = b"x" * 65536 if way == "announced" else b"10000\r\n" + b"x" * 65536 + b"\r\n"
    sent = 0

    async def send_all() -> None:
        nonlocal sent
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET + length + b"\r\n\r\n")
        while sent < 1600:
            writer.write(piece)
            sent += 1
            await writer.drain()

    with pytest.raises(ConnectionError):
        await send_all()

    assert sent < 800


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    ("start", "trickle", "told"),
    [
        pytest.param(b"", b"", [], id="nothing at all"),
        pytest.param(b"", b"\r\n", [], id="empty lines"),
        pytest.param(b"G", b"", ["408 request_timeout"], id="one byte"),
        pytest.param(GET, b"a: b\r\n", ["408 request_timeout"], id="headers that trickle"),
        pytest.param(GET + b"x: ", b"x", ["408 request_timeout"], id="a header that trickles"),
        pytest.param(POST + b"Content-Length: 900\r\n\r\n", b" ", ["408 request_timeout"], id="a body that trickles"),
        pytest.param(POST + b"Content-Length: 900\r\n\r\n", b"", ["408 request_timeout"], id="a body that never comes"),
        pytest.param(CHUNKED + b"\r\n", b"1\r\n \r\n", ["408 request_timeout"], id="chunks that trickle"),
        pytest.param(GET + b"\r\n" + GET, b"a: b\r\n", ["200", "408 request_timeout"], id="a second request"),
        pytest.param(
            GET + b"Content-Length: 900\r\n\r\n", b" ", ["200"], id="a body that nobody reads, after the answer"
        ),
    ],
)
async def test_slow_client_is_told_and_closed(port: int, start: bytes, trickle: bytes, told: list[str]) -> None:
    answer = await talk(port, start, *([trickle] * 100), pause=PATIENCE_SECONDS / 10)

    assert codes(answer) == told


@pytest.mark.usefixtures("hurried")
async def test_connection_that_rests_between_requests_is_left_open(port: int) -> None:
    answer = await talk(port, GET + b"\r\n", GET + LAST, pause=PATIENCE_SECONDS * 2)

    assert codes(answer) == ["200", "200"]


async def test_requests_sent_ahead_are_answered_in_order_up_to_a_number(port: int) -> None:
    few = await talk(port, (GET + b"\r\n") * 9 + GET + LAST)
    many = await talk(port, (GET + b"\r\n") * 5000)

    assert codes(few) == ["200"] * 10
    assert len(codes(many)) <= protocol.MAX_AHEAD + 1


async def test_nonsense_after_a_request_does_not_take_its_answer(port: int) -> None:
    good = POST + f"Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY

    answer = await talk(port, good + b"\x00\xff nonsense\r\n\r\n")

    assert codes(answer) == ["401 invalid_credentials"]


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", id="TLS to a plain port"),
        pytest.param(b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n", id="an address that is none"),
        pytest.param(POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="two lengths"),
        pytest.param(POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}", id="two different lengths"),
        pytest.param(b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", id="a version that is none"),
        pytest.param(CHUNKED + b"\r\nzz\r\n", id="a chunk without a length"),
    ],
)
async def test_what_is_not_http_is_a_problem(port: int, request_bytes: bytes) -> None:
    answer = await talk(port, request_bytes)

    assert codes(answer) == ["400 malformed_request"]
    assert b"content-type: application/problem+json" in answer


@pytest.mark.usefixtures("hurried")
async def test_slow_client_has_one_time_for_all_parts_of_a_request(port: int) -> None:
    length = b"Content-Length: %d\r\n\r\n" % len(BODY)

    answer = await talk(port, POST, length, BODY, pause=PATIENCE_SECONDS * 2 / 3)

    assert codes(answer) == ["408 request_timeout"]
