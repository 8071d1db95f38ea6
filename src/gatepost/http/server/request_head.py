"""What a head must say so that nobody reads it in two ways: the host, the length of the body, the target (RFC 9112)."""

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
    """What a head says: the target is a path with its query, or `*`; names of headers are in small letters."""

    method: bytes
    target: bytes
    version: str
    headers: Headers
    keeps_alive: bool

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits to be told to send the body."""
        has_body = any(
            name == b"transfer-encoding" or (name == b"content-length" and int(value) > 0)
            for name, value in self.headers
        )
        is_asked = any(name == b"expect" and value.lower() == b"100-continue" for name, value in self.headers)
        return has_body and is_asked and self.version == "1.1"


def checked(head: Head) -> Head:
    """Return a head that the parser took, with its target in origin form.

    Raises:
        MalformedRequest: another parser could see another body or another host in it.
        MethodNotAllowed: it asks for a tunnel, after which no request would come.
    """
    if head.version not in VERSIONS or b"#" in head.target:
        raise MalformedRequest
    if head.method == b"CONNECT":
        raise MethodNotAllowed(headers={"Allow": SERVED})
    is_newer = head.version == "1.1"
    _require_host([value for name, value in head.headers if name == b"host"], is_newer=is_newer)
    codings = [value.lower() for name, value in head.headers if name == b"transfer-encoding"]
    # Content-Length beside it, or twice, the parser refuses itself.
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
    """Return the path and the query as target; the host that it names is the request's (RFC 9112, section 3.2.2)."""
    if head.target == b"*" and head.method == b"OPTIONS":
        return head
    absolute = ABSOLUTE_FORM.fullmatch(head.target)
    if absolute is None or not _is_host(absolute[1]):
        raise MalformedRequest
    headers = [(name, absolute[1] if name == b"host" else value) for name, value in head.headers]
    return head._replace(target=(absolute[2] or b"/") + (absolute[3] or b""), headers=headers)
