"""Checks that the head of a request is unambiguous: the host, the length of the body, the target (RFC 9112)."""

import ipaddress
import re
from typing import NamedTuple

from gatepost.core.errors import BadRequest
from gatepost.http.problems import MethodNotAllowed

ABSOLUTE_FORM = re.compile(rb"https?://([^/?#]++)(/[^?]*+)?(\?.*+)?", re.IGNORECASE)
HOST = re.compile(rb"(?:[A-Za-z0-9._-]{1,255}|\[([0-9A-Fa-f:.]{2,45})\])(?::[0-9]{0,5})?")
VERSIONS = ("1.0", "1.1")
SERVED = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

Headers = list[tuple[bytes, bytes]]


class MalformedRequest(BadRequest):
    """The request is not valid HTTP, or is ambiguous."""

    code = "malformed_request"
    title = "Malformed request"
    message = "This is not an HTTP request."


class Head(NamedTuple):
    """The head of a request. The target is a path with its query, or `*`; header names are in lower case."""

    method: bytes
    target: bytes
    version: str
    headers: Headers
    keeps_alive: bool

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for `100 Continue` before it sends the body."""
        has_body = any(
            name == b"transfer-encoding" or (name == b"content-length" and int(value) > 0)
            for name, value in self.headers
        )
        is_asked = any(name == b"expect" and value.lower() == b"100-continue" for name, value in self.headers)
        return has_body and is_asked and self.version == "1.1"


def checked(head: Head) -> Head:
    """Return a head that the parser accepted, with its target in origin form.

    Raises:
        MalformedRequest: another parser could find a different body or host in it.
        MethodNotAllowed: it requests a tunnel (CONNECT), after which no HTTP would follow.
    """
    if head.version not in VERSIONS or b"#" in head.target:
        raise MalformedRequest
    if head.method == b"CONNECT":
        raise MethodNotAllowed(headers={"Allow": SERVED})
    is_newer = head.version == "1.1"
    _require_host([value for name, value in head.headers if name == b"host"], is_newer=is_newer)
    codings = [value.lower() for name, value in head.headers if name == b"transfer-encoding"]
    # The parser itself refuses a Content-Length beside it, or two of them.
    if codings and not (is_newer and codings == [b"chunked"]):
        message = "The length of the body is ambiguous. Send one Content-Length, or one Transfer-Encoding: chunked."
        raise MalformedRequest(message)
    return head if head.target.startswith(b"/") else _in_origin_form(head)


def _require_host(hosts: list[bytes], *, is_newer: bool) -> None:
    # RFC 9112, section 3.2; only HTTP/1.0 may leave it out.
    if len(hosts) > 1 or not all(map(_is_host, hosts)) or (is_newer and not hosts):
        message = "A request must have exactly one Host header, with the name of a host."
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


def _in_origin_form(head: Head) -> Head:
    """Reduce an absolute target to path and query; its host replaces the Host header (RFC 9112, section 3.2.2)."""
    if head.target == b"*" and head.method == b"OPTIONS":
        return head
    absolute = ABSOLUTE_FORM.fullmatch(head.target)
    if absolute is None or not _is_host(absolute[1]):
        raise MalformedRequest
    headers = [(name, absolute[1] if name == b"host" else value) for name, value in head.headers]
    return head._replace(target=(absolute[2] or b"/") + (absolute[3] or b""), headers=headers)
