"""The head of a request: its grammar, and what it says of the body and of the connection (RFC 9110 and 9112)."""

import ipaddress
import re
from typing import NamedTuple

from gatepost.core.errors import AppError, BadRequest
from gatepost.http.problems import MethodNotAllowed

MAX_HEADERS = 100

TOKEN = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# Bytes are removed and what is left is looked at: several times as fast as a regular expression.
BLANK = b" \t"
TEXT = BLANK + bytes([*range(0x21, 0x7F), *range(0x80, 0x100)])
REQUEST_LINE = re.compile(rb"([^ ]++) ([!\"$-~]++) HTTP/1\.([01])")
ABSOLUTE_FORM = re.compile(rb"https?://([^/?]++)(/[^?]*+)?(\?.*+)?", re.IGNORECASE)
HOST = re.compile(rb"(?:[A-Za-z0-9._-]{1,255}|\[([0-9A-Fa-f:.]{2,45})\])(?::[0-9]{0,5})?")
LENGTH = re.compile(rb"[0-9]{1,18}")
# These say whom a request is for, where it ends, and what comes after it.
DECISIVE = frozenset({b"host", b"content-length", b"transfer-encoding", b"connection", b"expect"})
SERVED = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

Headers = list[tuple[bytes, bytes]]


class MalformedRequest(BadRequest):
    """What came in is not HTTP, or could be read in two ways."""

    code = "malformed_request"
    title = "Malformed request"
    message = "This is not an HTTP request."


class HeadersTooLarge(AppError):
    """The request line and the headers are longer than any request of ours needs."""

    status = 431
    code = "headers_too_large"
    title = "Headers too large"
    message = "The address and the headers of the request are too large."


class Head(NamedTuple):
    """What a head says: the target is a path with its query, or `*`; names of headers are in small letters."""

    method: bytes
    target: bytes
    version: str
    headers: Headers
    # Of the body in bytes; None where it comes in chunks.
    length: int | None
    keeps_alive: bool
    expects_continue: bool


def read_head(text: bytes) -> Head:
    """Read a head, given without the empty line that ends it.

    Raises:
        MalformedRequest: it is none, or another parser could see another body or another host in it.
        HeadersTooLarge: it has too many headers.
        MethodNotAllowed: it asks for a tunnel, after which no request would come.
    """
    line, *lines = text.split(b"\r\n")
    request_line = REQUEST_LINE.fullmatch(line)
    if request_line is None or request_line[1].translate(None, TOKEN):
        raise MalformedRequest
    method, target, minor = request_line.groups()
    if method == b"CONNECT":
        raise MethodNotAllowed(headers={"Allow": SERVED})
    headers, decisive = _fields(lines)
    is_newer = minor == b"1"
    _require_host(decisive.get(b"host", []), is_newer=is_newer)
    if not target.startswith(b"/"):
        target = _in_origin_form(method, target, headers)
    length = _length(decisive, is_newer=is_newer)
    expected = decisive.get(b"expect", [])
    return Head(
        method=method,
        target=target,
        version="1.1" if is_newer else "1.0",
        headers=headers,
        length=length,
        keeps_alive=is_newer and not _closes(decisive.get(b"connection", [])),
        expects_continue=is_newer and length != 0 and b"100-continue" in [value.lower() for value in expected],
    )


def read_fields(lines: list[bytes]) -> Headers:
    """Read lines of the head, or of what follows a body in chunks.

    Raises:
        MalformedRequest: one is no header.
    """
    parts = [line.partition(b":") for line in lines]
    names, values = b"".join([part[0] for part in parts]), b"".join([part[2] for part in parts])
    if names.translate(None, TOKEN) or values.translate(None, TEXT) or not all(part[0] and part[1] for part in parts):
        raise MalformedRequest
    return [(name.lower(), value.strip(BLANK)) for name, _, value in parts]


def _fields(lines: list[bytes]) -> tuple[Headers, dict[bytes, list[bytes]]]:
    """Return all headers, and by their names those that are decisive."""
    if len(lines) > MAX_HEADERS:
        raise HeadersTooLarge
    headers = read_fields(lines)
    decisive: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        if name in DECISIVE:
            decisive.setdefault(name, []).append(value)
    return headers, decisive


def _require_host(hosts: list[bytes], *, is_newer: bool) -> None:
    # RFC 9112, section 3.2; only HTTP/1.0 may leave it out.
    if len(hosts) > 1 or not all(map(_is_host, hosts)) or (is_newer and not hosts):
        message = "A request has exactly one Host header, which names a host."
        raise MalformedRequest(message)


def _is_host(value: bytes) -> bool:
    host = HOST.fullmatch(value)
    if host is None or host[1] is None:
        return host is not None
    try:
        ipaddress.IPv6Address(host[1].decode())
    except ValueError:
        return False
    return True


def _in_origin_form(method: bytes, target: bytes, headers: Headers) -> bytes:
    """Return the path and the query of another target; the host that it names is the request's (RFC 9112, 3.2.2)."""
    if target == b"*" and method == b"OPTIONS":
        return target
    absolute = ABSOLUTE_FORM.fullmatch(target)
    if absolute is None or not _is_host(absolute[1]):
        raise MalformedRequest
    headers[:] = [(name, absolute[1] if name == b"host" else value) for name, value in headers]
    return (absolute[2] or b"/") + (absolute[3] or b"")


def _length(decisive: dict[bytes, list[bytes]], *, is_newer: bool) -> int | None:
    """Return how long the body is, None where it comes in chunks; two answers to that are none (RFC 9112, 6.3)."""
    lengths, codings = decisive.get(b"content-length", []), decisive.get(b"transfer-encoding", [])
    match lengths, [coding.lower() for coding in codings]:
        case [], []:
            return 0
        case [length], [] if LENGTH.fullmatch(length):
            return int(length)
        case [], [b"chunked"] if is_newer:
            return None
    message = "The length of the body is not clear: send one Content-Length, or one Transfer-Encoding: chunked."
    raise MalformedRequest(message)


def _closes(connection: list[bytes]) -> bool:
    return any(option.strip(b" \t").lower() == b"close" for value in connection for option in value.split(b","))
