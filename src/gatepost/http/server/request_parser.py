"""Separates the requests of a connection, with httptools' parser and without its protocol upgrades.

httptools stops at a request that offers an upgrade or requests a tunnel, and leaves its body unread. Here the offer is
ignored (RFC 9110, section 7.8): a new parser reads the head again without it, and what follows is its body. A tunnel is
refused. After input that cannot be parsed, nothing more is read: no later byte is taken for a request.
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
# A body as transferred: small chunks have more framing than content.
MAX_FRAMED_BYTES = 8 * MAX_BODY_BYTES
# The headers that only belong to the offer of an upgrade.
OFFER = (b"upgrade", b"http2-settings")
OTHER_PROTOCOLS = (b"RTSP/", b"ICE/")


class Listener(Protocol):
    """Receives what was read. An exception from any of its methods also ends the reading."""

    def on_message_begin(self) -> None:
        """The first byte of a request has arrived."""

    def on_head(self, head: Head) -> bool:
        """Its head has arrived; return whether another request may follow this one."""

    def on_body(self, body: bytes) -> None:
        """A piece of its body has arrived."""

    def on_message_complete(self) -> None:
        """The request is complete."""


class NothingMoreError(Exception):
    """Further input is not read."""


class RequestParser:
    """Reads the requests of one connection, in whatever pieces they arrive."""

    def __init__(self, listener: Listener) -> None:
        self.is_in_head = False
        self.is_in_body = False
        # Whether nothing more is read.
        self.is_stopped = False
        self._listener = listener
        self._parser = httptools.HttpRequestParser(self)
        # A head with an offer was read, and will be read again without it.
        self._is_again = False
        self._is_last = False
        self._head: Head
        self._target = b""
        self._headers: Headers = []
        self._head_bytes = 0
        self._unparsed_bytes = 0
        # The input that contains the newest head.
        self._pieces = b""
        # Whether the current piece of input ends a request.
        self._is_whole = False

    def feed_data(self, data: bytes) -> None:
        """Parse more input.

        Raises:
            AppError: the request cannot be parsed; all further input is dropped.
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
        """The path of the newest request, as far as it has been read."""
        return self._target.partition(b"?")[0].decode("latin-1")

    def stop(self) -> None:
        """Read nothing more, not even the rest of a request."""
        self.is_stopped = True
        self.is_in_head = self.is_in_body = False

    def get_method(self) -> bytes:
        """Return the method of the newest request. uvicorn calls this and the next three methods."""
        return self._head.method

    def get_http_version(self) -> str:
        """Return the version of the newest request."""
        return self._head.version

    def should_keep_alive(self) -> bool:
        """Return whether another request may follow the newest one."""
        return self._head.keeps_alive

    def should_upgrade(self) -> bool:
        """Return False: upgrades are never accepted."""
        return False

    def on_message_begin(self) -> None:
        """Start a request."""
        self._target, self._headers, self._head_bytes = b"", [], 0
        if self._is_again:
            return
        if self.is_stopped:
            raise NothingMoreError
        self.is_in_head = True
        self._listener.on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Add a piece of the target."""
        self._target += url
        self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header. Trailers after a chunked body are dropped, because the application already has the headers."""
        self._count_head(len(name) + len(value) + len(": \r\n"))
        if not self.is_in_head:
            return
        self._headers.append((name.lower(), value))
        if len(self._headers) > MAX_HEADERS:
            raise HeadersTooLarge

    def on_headers_complete(self) -> None:
        """Pass the head on, unless it offers an upgrade: then it is read again."""
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
        """Pass on a piece of the body."""
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
        """Parse input, and return the rest after a head that offers an upgrade."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._parser = httptools.HttpRequestParser(self)
            self._parser.feed_data(_without_offer(self._head))
            return data[offer.args[0] :]
        return b""

    def _require_http(self) -> None:
        # The parser also accepts other protocols, and reports only the version.
        if any(protocol in self._pieces for protocol in OTHER_PROTOCOLS):
            method, target = map(re.escape, (self._parser.get_method(), self._target))
            if re.search(b"%b +%b +(?!HTTP/)[A-Z]+/" % (method, target), self._pieces):
                raise MalformedRequest

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            raise HeadersTooLarge

    def _count_unparsed(self, size: int) -> None:
        # The parser buffers an incomplete header and reports it only at its end.
        self._unparsed_bytes += size
        if self.is_in_head and self._unparsed_bytes > MAX_HEAD_BYTES:
            raise HeadersTooLarge
        if self._unparsed_bytes > MAX_FRAMED_BYTES:
            raise BodyTooLarge


def _without_offer(head: Head) -> bytes:
    """Return the text of a head without its offer of an upgrade."""
    lines = [b"%b %b HTTP/%b" % (head.method, head.target, head.version.encode())]
    for name, value in head.headers:
        if name == b"connection":
            value = b", ".join(option for option in map(bytes.strip, value.split(b",")) if option.lower() not in OFFER)
        if name not in OFFER:
            lines.append(b"%b: %b" % (name, value))
    return b"\r\n".join([*lines, b"", b""])


def _cause(error: Exception) -> AppError:
    """Return the error that a callback raised, which the parser wraps; the parser's own errors mean malformed input."""
    cause = error.__context__ if isinstance(error, httptools.HttpParserCallbackError) else error
    return cause if isinstance(cause, AppError) else MalformedRequest()
