"""Where one request ends and the next begins: httptools' parser, kept from becoming anything but a parser of requests.

httptools stops at a request that offers to upgrade, or asks for a tunnel, and leaves its body in the connection. Here
an offer is as if absent (RFC 9110, section 7.8): the head is read again without it, by a new parser, and what follows
is its body. A tunnel is refused. What cannot be read ends the reading for good: no byte after it is read as a request.
"""

import re
from typing import Protocol

import httptools

from gatepost.core.errors import AppError
from gatepost.http.body_guard import MAX_BODY_BYTES
from gatepost.http.problems import BodyTooLarge, HeadersTooLarge
from gatepost.http.server.request_head import Head, Headers, MalformedRequest, checked

MAX_HEAD_BYTES = 16 * 1024
MAX_HEADERS = 100
# A body on the wire: small chunks have more frame than content.
MAX_FRAMED_BYTES = 8 * MAX_BODY_BYTES
# Of a request that offers to upgrade, what only the offer needs.
OFFER = (b"upgrade", b"http2-settings")
OTHER_PROTOCOLS = (b"RTSP/", b"ICE/")


class Listener(Protocol):
    """Who is told what was read; what a call raises ends the reading, too."""

    def on_message_begin(self) -> None:
        """The first byte of a request is there."""

    def on_head(self, head: Head) -> bool:
        """Its head is there; returns whether another request may follow this one."""

    def on_body(self, body: bytes) -> None:
        """A piece of its body is there."""

    def on_message_complete(self) -> None:
        """All of it is there."""


class NothingMoreError(Exception):
    """What follows is not read."""


class RequestParser:
    """Reads the requests of one connection, in whatever pieces they come."""

    def __init__(self, listener: Listener) -> None:
        self.is_in_head = False
        self.is_in_body = False
        # Whether nothing more is read.
        self.is_stopped = False
        self._listener = listener
        self._parser = httptools.HttpRequestParser(self)
        # A head with an offer was read, and is to be read again without it.
        self._is_again = False
        self._is_last = False
        self._head: Head
        self._target = b""
        self._headers: Headers = []
        self._head_bytes = 0
        self._unparsed_bytes = 0
        # The pieces in which the newest head came.
        self._pieces = b""
        # Whether the piece that is being read ends a request.
        self._is_whole = False

    def feed_data(self, data: bytes) -> None:
        """Read on.

        Raises:
            AppError: it cannot be read; what follows is dropped.
        """
        before = (self.is_in_head, self.is_in_body)
        self._is_whole = False
        self._pieces = self._pieces + data if self.is_in_head else data
        try:
            left = data
            while left:
                left = self._feed(left)
            if self._is_whole or before != (self.is_in_head, self.is_in_body):
                self._unparsed_bytes = 0
            else:
                self._count_unparsed(len(data))
        except (httptools.HttpParserError, AppError) as error:
            if not self.is_stopped:
                self.is_stopped = True
                raise _cause(error) from error

    @property
    def path(self) -> str:
        """The path of the newest request, as far as it was read."""
        return self._target.partition(b"?")[0].decode("latin-1")

    def stop(self) -> None:
        """Read nothing more, also of a request that has begun."""
        self.is_stopped = True
        self.is_in_head = self.is_in_body = False

    def get_method(self) -> bytes:
        """Return the method of the newest request; this and what follows is what uvicorn asks of a parser."""
        return self._head.method

    def get_http_version(self) -> str:
        """Return the version of the newest request."""
        return self._head.version

    def should_keep_alive(self) -> bool:
        """Return whether the newest request lets another one follow."""
        return self._head.keeps_alive

    def should_upgrade(self) -> bool:
        """Return False: no offer to upgrade is taken."""
        return False

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._target, self._headers, self._head_bytes = b"", [], 0
        if self._is_again:
            return
        if self.is_stopped:
            raise NothingMoreError
        self.is_in_head = True
        self._listener.on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        self._target += url
        self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those that follow a body in chunks are dropped, since the application has the headers."""
        self._count_head(len(name) + len(value) + len(": \r\n"))
        if not self.is_in_head:
            return
        self._headers.append((name.lower(), value))
        if len(self._headers) > MAX_HEADERS:
            raise HeadersTooLarge

    def on_headers_complete(self) -> None:
        """Hand the head on, unless it offers to upgrade: then it is read again."""
        if not self._is_again:
            self._require_http()
        self._head = head = checked(
            Head(
                self._parser.get_method(),
                self._target,
                self._parser.get_http_version(),
                self._headers,
                self._parser.should_keep_alive(),
            )
        )
        self._is_again = self._parser.should_upgrade()
        if self._is_again:
            return
        self.is_in_head, self.is_in_body = False, True
        self._is_last = not self._listener.on_head(head)

    def on_body(self, body: bytes) -> None:
        """Hand on a piece of the body."""
        self._listener.on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        if self._is_again:
            return
        self.is_in_body = False
        self._is_whole = True
        if self._is_last:
            self.stop()
        self._listener.on_message_complete()

    def _feed(self, data: bytes) -> bytes:
        """Read on, and return what is left behind a head that offers to upgrade."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._parser = httptools.HttpRequestParser(self)
            self._parser.feed_data(_without_offer(self._head))
            return data[offer.args[0] :]
        return b""

    def _require_http(self) -> None:
        # The parser takes other protocols as well, and says only the version.
        if any(protocol in self._pieces for protocol in OTHER_PROTOCOLS):
            method, target = map(re.escape, (self._parser.get_method(), self._target))
            if re.search(b"%b +%b +(?!HTTP/)[A-Z]+/" % (method, target), self._pieces):
                raise MalformedRequest

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            raise HeadersTooLarge

    def _count_unparsed(self, size: int) -> None:
        # The parser keeps a header that has not ended yet, and tells of it only at its end.
        self._unparsed_bytes += size
        if self.is_in_head and self._unparsed_bytes > MAX_HEAD_BYTES:
            raise HeadersTooLarge
        if self._unparsed_bytes > MAX_FRAMED_BYTES:
            raise BodyTooLarge


def _without_offer(head: Head) -> bytes:
    """Return the text of a head as it would be without its offer to upgrade."""
    lines = [b"%b %b HTTP/%b" % (head.method, head.target, head.version.encode())]
    for name, value in head.headers:
        if name == b"connection":
            value = b", ".join(option for option in map(bytes.strip, value.split(b",")) if option.lower() not in OFFER)
        if name not in OFFER:
            lines.append(b"%b: %b" % (name, value))
    return b"\r\n".join([*lines, b"", b""])


def _cause(error: Exception) -> AppError:
    """Return what a call raised, which the parser wraps; what the parser itself does not understand is malformed."""
    cause = error.__context__ if isinstance(error, httptools.HttpParserCallbackError) else error
    return cause if isinstance(cause, AppError) else MalformedRequest()
