"""Requests as bytes, of every kind that servers parse differently, with the right result for each."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

# A body that a server parses as a request if it misjudges where the body begins.
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
AFTER = b"GET /after HTTP/1.1\r\nHost: x\r\n\r\n"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "CONNECT")


class Fate(Enum):
    """What happens to a request, and to the bytes after it."""

    SERVED = "it is served as if nothing was odd, and so is the next one"
    LAST = "it is served, and the connection ends"
    REFUSED = "it is answered with a 4xx, and the connection ends"


@dataclass(frozen=True)
class Wire:
    """One request: its bytes, and how a server has to parse them."""

    name: str
    sent: bytes
    fate: Fate
    method: str
    body: bytes


def chunks(*pieces: bytes, ext: bytes = b"", trailer: bytes = b"") -> bytes:
    """Return a body in chunks."""
    return b"".join(b"%x%s\r\n%s\r\n" % (len(piece), ext, piece) for piece in pieces) + b"0\r\n" + trailer + b"\r\n"


FRAMINGS: dict[str, tuple[str, bytes, bytes]] = {
    "none": ("", b"", b""),
    "length": (f"Content-Length: {len(SMUGGLED)}", SMUGGLED, SMUGGLED),
    "length 0": ("Content-Length: 0", b"", b""),
    "chunked": ("Transfer-Encoding: chunked", chunks(SMUGGLED[:9], SMUGGLED[9:]), SMUGGLED),
    "chunked, in capitals": ("TRANSFER-ENCODING:CHUNKED", chunks(SMUGGLED), SMUGGLED),
    "chunked with extensions and trailers": (
        "Transfer-Encoding: chunked",
        chunks(SMUGGLED, ext=b';a=b;c="d;e";f', trailer=b"X-Check: a\r\nUpgrade: x\r\n"),
        SMUGGLED,
    ),
    "chunked and empty": ("Transfer-Encoding: chunked", chunks(), b""),
}

CONTINUE = "Expect: 100-continue"
S, L, R = Fate.SERVED, Fate.LAST, Fate.REFUSED
# With any framing.
HEADERS: list[tuple[str, Fate]] = [
    ("Connection: Upgrade\r\nUpgrade: h2c", S),
    ("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA", S),
    ("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBs", S),
    ("Upgrade: websocket\r\nConnection: keep-alive, upgrade", S),
    ("connection: UPGRADE\r\nupgrade: x", S),
    ("Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: TLS/1.0, HTTP/2.0", S),
    ("Upgrade: h2c", S),
    ("Connection: Upgrade", S),
    ("Upgrade:\r\nConnection: ,upgrade,", S),
    ("Connection: upgrade, close\r\nUpgrade: x", L),
    ("Connection: close", L),
    ("Connection: keep-alive", S),
    ("Connection: Content-Length, Transfer-Encoding, Host", S),
    ("Proxy-Connection: close", L),
    (CONTINUE, S),
    ("Expect: something", S),
    ("Keep-Alive: timeout=0", S),
    ("TE: trailers", S),
    ("Trailer: Content-Length", S),
    ("X-Empty:", S),
    ("X-Tabs:\t a\tb \t", S),
    ("X-Text: \xe4\xf6\xfc", S),
    ("Content-Encoding: gzip", S),
    ("Transfer_Encoding: chunked", S),
    ("Transfer-Encoding: gzip, chunked", R),
    ("Transfer-Encoding: chunked, gzip", R),
    ("Transfer-Encoding: identity", R),
    ("Transfer-Encoding: xchunked", R),
    ("Transfer-Encoding: chunked;q=1", R),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", R),
    ("Transfer-Encoding: chunked, chunked", R),
    ("Transfer-Encoding: \x0bchunked", R),
    ("Transfer-Encoding:", R),
    ("Transfer-Encoding : chunked", R),
    ("Transfer-Encoding\t: chunked", R),
    (" Transfer-Encoding: chunked", R),
    ("Transfer-Encoding: chun\x00ked", R),
    ("Content-Length : 5", R),
    ("Content-Length: +5", R),
    ("Content-Length: -0", R),
    ("Content-Length: 0x5", R),
    ("Content-Length: 5 5", R),
    ("Content-Length: 5, 5", R),
    ("Content-Length: 5,", R),
    ("Content-Length: 1_0", R),
    ("Content-Length: 5.0", R),
    ("Content-Length:", R),
    ("Content-Length: \xb2", R),
    ("Content-Length: 99999999999999999999", R),
    ("X: a\r\n folded: b", R),
    ("X: a\r\n\tfolded", R),
    ("X: a\nY: b", R),
    ("X: a\rY: b", R),
    ("X: a\r\r\nY: b", R),
    ("X: a\n\r\nY: b", R),
    ("X: a\x00b", R),
    ("X: a\x7f", R),
    ("X\x00: a", R),
    ("X a: b", R),
    ("X", R),
    (": a", R),
    ("\x00", R),
    ("X\xe4: b", R),
    ("Host: x", R),
    ("Host: y", R),
    ("host: x\r\nHOST: x", R),
]
# A second statement of the length, beside a length or chunks.
TWICE = [
    "Content-Length: %d",
    "content-length: 5",
    "Content-Length: 0",
    "Transfer-Encoding: chunked",
    "transfer-encoding:CHUNKED",
]


def wires() -> Iterator[Wire]:
    """Yield every request of the matrix."""
    for method in METHODS:
        for framing in FRAMINGS:
            yield _wire(method, framing, "", Fate.SERVED)
            yield _wire(method, framing, "", Fate.LAST, version="1.0")
            for header, fate in HEADERS:
                yield _wire(method, framing, header, fate)
        for header in TWICE:
            for framing in ("length", "chunked"):
                yield _wire(method, framing, header, Fate.REFUSED)
                yield _wire(method, framing, header, Fate.REFUSED, version="1.0")


def _wire(method: str, framing: str, header: str, fate: Fate, *, version: str = "1.1") -> Wire:
    length, body, content = FRAMINGS[framing]
    lines = [f"{method} /first HTTP/{version}", "Host: x", *filter(None, [header, length])]
    if method in ("CONNECT", "get") or (version == "1.0" and "chunked" in framing):
        fate = Fate.REFUSED
    elif header == CONTINUE and body:
        fate = Fate.LAST
    sent = "\r\n".join([*lines, "", ""]).encode("latin-1") + body
    return Wire(f"{method} HTTP/{version}, {framing}: {header!r}", sent, fate, method, content)
