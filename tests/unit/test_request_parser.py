"""Where requests end, however they are cut into pieces: what is sent is what is read, or reading stops."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import h11
import pytest

from gatepost.core.errors import AppError
from gatepost.http.server.request_head import Head
from gatepost.http.server.request_parser import RequestParser
from tests.support.wire import AFTER, FRAMINGS, Fate, Wire, chunks, wires

WIRES = list(wires())
MUTATIONS = 4000
# What hides in requests, to be put anywhere.
BITS = [
    b"\r\n", b"\n", b"\r", b" ", b"\t", b"\x00", b":", b",", b";", b"0", b"5", b"\r\n\r\n", b"chunked", b"close", b"/",
    b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: Upgrade\r\nUpgrade: x\r\n", b"HTTP/1.0",
    b"Host: y\r\n", b"0\r\n\r\n", b"CONNECT ", b"\xff", b"#", b"?", b"http://x",
]  # fmt: skip


@dataclass
class Seen:
    """What a parser has read: method, target and body of each whole request, and why it refused the rest."""

    requests: list[tuple[bytes, bytes, bytes]] = field(default_factory=list)
    refusal: str = ""
    _head: Head | None = None
    _body: bytes = b""

    def on_message_begin(self) -> None:
        """Forget the request before."""
        self._head, self._body = None, b""

    def on_head(self, head: Head) -> bool:
        """Keep the head; the connection goes on where it may."""
        self._head = head
        return head.keeps_alive and not head.expects_continue

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """Keep the request."""
        assert self._head is not None
        self.requests.append((self._head.method, self._head.target, self._body))


def read(pieces: Iterable[bytes]) -> Seen:
    """Feed the pieces to a parser, as long as it reads."""
    seen = Seen()
    parser = RequestParser(seen)
    for piece in pieces:
        try:
            parser.feed_data(piece)
        except AppError as error:
            seen.refusal = error.code
        if parser.is_stopped:
            break
    return seen


def cuts(data: bytes) -> Iterator[list[bytes]]:
    """Yield the data whole, byte for byte, and in two at each place."""
    yield [data]
    yield [data[at : at + 1] for at in range(len(data))]
    for at in range(1, len(data)):
        yield [data[:at], data[at:]]


def due(wire: Wire) -> Seen:
    """Return what is to be read of a request and the one after it."""
    first, after = (wire.method.encode(), b"/first", wire.body), (b"GET", b"/after", b"")
    match wire.fate:
        case Fate.SERVED:
            return Seen([first, after])
        case Fate.LAST:
            return Seen([first])
    return Seen([], "method_not_allowed" if wire.method == "CONNECT" else "malformed_request")


def differs(found: Seen, expected: Seen) -> bool:
    """Whether other requests were read, or another refusal made; of a method never asked before, any."""
    return found.requests != expected.requests or bool(found.refusal) != bool(expected.refusal)


def test_every_request_is_read_as_it_was_sent_and_so_is_the_next() -> None:
    wrong = [
        (wire.name, cut, found)
        for wire in WIRES
        for cut, pieces in (("whole", [wire.sent + AFTER]), ("bytes", [bytes([byte]) for byte in wire.sent + AFTER]))
        if differs(found := read(pieces), due(wire))
    ]

    assert wrong == []


@pytest.mark.parametrize("framing", FRAMINGS)
def test_place_at_which_a_request_is_cut_changes_nothing(framing: str) -> None:
    chosen = [wire for wire in WIRES if wire.name.startswith(("POST", "CONNECT")) and f", {framing}:" in wire.name]

    wrong = [
        (wire.name, pieces[0], found)
        for wire in chosen
        for pieces in cuts(wire.sent + AFTER)
        if differs(found := read(pieces), due(wire))
    ]

    assert chosen
    assert wrong == []


def by_h11(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield method and body of the requests that h11 reads, a strict parser that others wrote."""
    # It takes one empty line before a request; ours takes any number.
    while data := data.lstrip(b"\r\n"):
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=2**20)
        connection.receive_data(data)
        method, body = b"", b""
        try:
            while not isinstance(event := connection.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    return
                method = getattr(event, "method", method)
                body += getattr(event, "data", b"")
        except h11.RemoteProtocolError:
            return
        yield method, body
        data = connection.trailing_data[0]


def test_what_is_read_of_damaged_requests_another_parser_reads_alike() -> None:
    dice = random.Random(9112)
    good = [wire for wire in WIRES if wire.fate is not Fate.REFUSED]
    wrong: list[object] = []
    whole = 0
    for _ in range(MUTATIONS):
        wire = dice.choice(good)
        data = wire.sent + AFTER
        for _ in range(dice.randint(1, 3)):
            at, length = dice.randrange(len(data)), dice.choice([0, 0, 1, 2, 8])
            data = data[:at] + dice.choice([*BITS, bytes([dice.randrange(256)]), b""]) + data[at + length :]
        if b"  " in data:
            continue  # two spaces in a request line are read as one (RFC 9112, section 3), and h11 refuses them
        ours = [(method, body) for method, _, body in read([data]).requests]
        theirs = list(islice(by_h11(data), len(ours)))
        whole += len(ours)
        if ours != theirs:
            wrong.append((data, ours, theirs))

    assert wrong == []
    assert whole > MUTATIONS / 4


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"zz\r\n", id="no number"),
        pytest.param(b"\r\n", id="nothing"),
        pytest.param(b"-1\r\n", id="negative"),
        pytest.param(b"+1\r\na\r\n0\r\n\r\n", id="signed"),
        pytest.param(b"0x1\r\na\r\n0\r\n\r\n", id="prefixed"),
        pytest.param(b"1 \r\na\r\n0\r\n\r\n", id="a space after it"),
        pytest.param(b"1 ;a\r\na\r\n0\r\n\r\n", id="a space before an extension"),
        pytest.param(b'1;a="b\r\na\r\n0\r\n\r\n', id="an open quotation"),
        pytest.param(b"1;\r\na\r\n0\r\n\r\n", id="an empty extension"),
        pytest.param(b" 1\r\na\r\n0\r\n\r\n", id="a space before it"),
        pytest.param(b"1\n a\r\n0\r\n\r\n", id="a bare line feed"),
        pytest.param(b"1;a\nb\r\na\r\n0\r\n\r\n", id="a bare line feed in an extension"),
        pytest.param(b"1;a\rb\r\na\r\n0\r\n\r\n", id="a bare carriage return in an extension"),
        pytest.param(b"1;a=\x00\r\na\r\n0\r\n\r\n", id="a NUL in an extension"),
        pytest.param(b"1\r\nab\r\n0\r\n\r\n", id="more than it said"),
        pytest.param(b"1\r\na0\r\n\r\n", id="no end of the chunk"),
        pytest.param(b"1\r\na\n0\r\n\r\n", id="a line feed at its end"),
        pytest.param(b"0\r\nX: a\nY: b\r\n\r\n", id="a bare line feed in the trailer"),
        pytest.param(b"0\r\n folded\r\n\r\n", id="a folded trailer"),
        pytest.param(b"0\r\nGET /smuggled HTTP/1.1\r\n\r\n", id="a request for a trailer"),
        pytest.param(b"0\r\nContent-Length: 5\r\n\r\n", id="a trailer with a length"),
        pytest.param(b"0\r\nX: " + b"a" * 17000 + b"\r\n\r\n", id="a long trailer"),
        pytest.param(b"0\r\n" + b"X: a\r\n" * 100_000, id="a trailer without an end"),
        pytest.param(b"1;aa\r\na\r\n" * (64 * 1024), id="more frame than any body needs"),
    ],
)
def test_chunks_that_could_be_read_in_two_ways_end_the_reading(body: bytes) -> None:
    sent = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body + AFTER

    for pieces in ([sent], [sent[at : at + 7] for at in range(0, len(sent), 7)]):
        seen = read(pieces)
        assert seen.refusal
        assert seen.requests == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"1;" + b"a" * 300 + b"\r\na\r\n0\r\n\r\n", id="a long extension"),
        pytest.param(b"0000000000001\r\na\r\n0\r\n\r\n", id="many digits"),
        pytest.param(b"1\r\na\r\n0\r\nHost: y\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", id="a trailer"),
    ],
)
def test_chunks_with_one_reading_are_read_and_their_trailers_change_nothing(body: bytes) -> None:
    sent = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body + AFTER

    for pieces in cuts(sent):
        seen = read(pieces)
        assert (seen.requests, seen.refusal) == ([(b"POST", b"/", b"a"), (b"GET", b"/after", b"")], "")


def test_nothing_is_read_after_a_trailer_that_closes() -> None:
    body = b"1\r\na\r\n0\r\nConnection: close\r\n\r\n"
    sent = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body + AFTER

    for pieces in cuts(sent):
        assert read(pieces).requests == [(b"POST", b"/", b"a")]


@pytest.mark.parametrize(
    "line",
    [
        "GET / HTTP/1.1 ", " GET / HTTP/1.1", "GET\t/ HTTP/1.1", "GET / HTTP/1.2",
        "GET / HTTP/2.0", "PRI * HTTP/2.0", "GET / HTTP/0.9", "GET / HTTP/1.10", "GET / http/1.1", "GET / HTTP/1,1",
        "GET /", "GET HTTP/1.1", "GET", "G(T / HTTP/1.1", "GET /\xe4 HTTP/1.1", "GET /\x00 HTTP/1.1",
        "GET /\x7f HTTP/1.1",
        "GET /a b HTTP/1.1", "GET /#a HTTP/1.1", "GET x HTTP/1.1", "GET x:80 HTTP/1.1", "GET * HTTP/1.1",
        "GET http:///a HTTP/1.1", "GET http://a@x/ HTTP/1.1", "GET http://x:y/ HTTP/1.1", "GET ftp://x/ HTTP/1.1",
        "GET //x/ HTTP/1.1\n", "HTTP/1.1 200 OK",
        "GET / RTSP/1.1", "POST /a RTSP/1.0", "OPTIONS *  RTSP/1.0", "GET http://x/ RTSP/1.1", "SOURCE / ICE/1.0",
    ],
)  # fmt: skip
def test_request_line_that_is_none_ends_the_reading(line: str) -> None:
    sent = line.encode("latin-1") + b"\r\nHost: x\r\n\r\n" + AFTER

    for pieces in cuts(sent):
        seen = read(pieces)
        assert (seen.refusal, seen.requests) == ("malformed_request", []), pieces


def test_other_protocol_in_a_header_or_a_body_is_a_text_like_any() -> None:
    body = b"POST /b RTSP/1.0"
    head = b"POST / HTTP/1.1\r\nHost: x\r\nVia: GET / RTSP/1.0\r\nContent-Length: %d\r\n\r\n" % len(body)

    for pieces in cuts(head + body + AFTER):
        assert read(pieces).requests == [(b"POST", b"/", body), (b"GET", b"/after", b"")], pieces


@pytest.mark.parametrize(
    ("target", "is_read_as"),
    [
        ("/", "/"), ("//x/y?z", "//x/y?z"), ("/?", "/?"), ("/a?b?c", "/a?b?c"), ("http://x", "/"), ("http://x/", "/"),
        ("http://x?a", "/?a"), ("HTTP://x:80/a?b", "/a?b"), ("https://[::1]:8080/a", "/a"), ("http://x//y", "//y"),
    ],
)  # fmt: skip
def test_target_is_read_as_a_path_in_each_of_its_forms(target: str, is_read_as: str) -> None:
    seen = read([f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode()])

    assert seen.requests == [(b"GET", is_read_as.encode(), b"")]


def test_host_of_the_target_is_the_host_of_the_request() -> None:
    seen = read([b"GET http://a.example:81/b HTTP/1.1\r\nA: b\r\nHost: c.example\r\n\r\n"])

    assert seen._head is not None
    assert seen._head.headers == [(b"a", b"b"), (b"host", b"a.example:81")]


def test_body_of_single_bytes_is_read() -> None:
    content = b"x" * 65536
    sent = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(*(bytes([b]) for b in content))

    assert read([sent]).requests == [(b"POST", b"/", content)]
