"""What uvicorn's HTTP protocol leaves open: how large a head may be, and how long a client may take to send.

One instance serves one connection. Parsing stays with httptools; this class counts what comes in and keeps one timer.
"""

import asyncio
import json
import uuid
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gatepost.core.errors import AppError, BadRequest
from gatepost.http.body_guard import MAX_BODY_BYTES
from gatepost.http.draining import STATE, Drain
from gatepost.http.problems import MEDIA_TYPE, BodyTooLarge, problem_body

MAX_HEAD_BYTES = 16 * 1024
MAX_HEADERS = 100
# A body on the wire: small chunks have more frame than content.
MAX_FRAMED_BYTES = 8 * MAX_BODY_BYTES
# Requests that a client may send ahead of the answers; each is kept in memory.
MAX_AHEAD = 16
# From the opening of the connection, or from the first byte of a later request, to the last byte of the request: below
# the ten seconds that a slow client may hold a connection.
SEND_SECONDS = 8.0
# For the rest of a body, once the process stops.
LAST_SECONDS = 1.0
# In which a client must take at least something of its answer.
TAKE_SECONDS = 30.0


class MalformedRequest(BadRequest):
    """What came in is not HTTP."""

    code = "malformed_request"
    title = "Malformed request"
    message = "This is not an HTTP request."


class HeadersTooLarge(AppError):
    """The request line and the headers are longer than any request of ours needs."""

    status = 431
    code = "headers_too_large"
    title = "Headers too large"
    message = "The address and the headers of the request are too large."


class RequestTimeout(AppError):
    """The request did not come in whole in time."""

    status = 408
    code = "request_timeout"
    title = "Request timeout"
    message = "The request took too long to arrive."


class GuardedProtocol(HttpToolsProtocol):
    """A connection that closes on clients who send too much or too slowly.

    The timer runs while a request is incomplete, from the opening of the connection on, and nothing but the end of the
    request stops it. The later requests of a connection, where each comes in one piece, as nearly all do, never start
    it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._timer: asyncio.TimerHandle | None = None
        self._take_timer: asyncio.TimerHandle | None = None
        self._in_head = False
        self._in_body = False
        # Whether the piece that is being read ends a request.
        self._is_whole = False
        self._head_bytes = 0
        self._body_bytes = 0
        self._unparsed_bytes = 0
        self._refusal: AppError = MalformedRequest()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the client its time for the first request."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        self._stop_timer()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came in; the callbacks below are called from within."""
        before = (self._in_head, self._in_body)
        self._is_whole = False
        super().data_received(data)
        now = (self._in_head, self._in_body)
        if self.transport.is_closing() or (self._is_whole and not any(now)):
            self._stop_timer()
            return
        if self._is_whole or self._timer is None:
            self._start_timer()
        if now != before or self._is_whole:
            self._unparsed_bytes = 0
        else:
            self._count_unparsed(len(data))

    def on_message_begin(self) -> None:
        """Begin to count a request."""
        super().on_message_begin()
        if len(self.pipeline) >= MAX_AHEAD:
            raise ValueError("too many requests ahead of their answers")
        self._in_head, self._in_body = True, False
        self._head_bytes = self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Count a piece of the request line."""
        super().on_url(url)
        self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header; those that follow a chunked body are dropped, since the application has the headers."""
        self._count_head(len(name) + len(value) + len(": \r\n"))
        if not self._in_head:
            return
        super().on_header(name, value)
        if len(self.headers) > MAX_HEADERS:
            self._raise_too_large()

    def on_headers_complete(self) -> None:
        """Hand the request on; a process that is about to stop answers it and closes the connection."""
        super().on_headers_complete()
        self._in_head, self._in_body = False, True
        drain: Drain | None = self.app_state.get(STATE)
        if drain is not None and drain.is_draining:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Count a piece of the body; what nobody reads any more does not go on for ever."""
        super().on_body(body)
        self._body_bytes += len(body)
        if self._body_bytes > MAX_BODY_BYTES and self.cycle.response_complete:
            self.transport.close()

    def on_message_complete(self) -> None:
        """Stop counting."""
        super().on_message_complete()
        self._in_head = self._in_body = False
        self._is_whole = True

    def shutdown(self) -> None:
        """End with the answer that is under way; a body that is still coming in gets little more time."""
        super().shutdown()
        if self._in_body and not self.transport.is_closing():
            self._stop_timer()
            self._timer = self.loop.call_later(LAST_SECONDS, self._out_of_time)

    def pause_writing(self) -> None:
        """Wait for a client that does not take its answer, but not for ever."""
        super().pause_writing()
        self._take_timer = self.loop.call_later(TAKE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client took some of it."""
        if self._take_timer is not None:
            self._take_timer.cancel()
            self._take_timer = None
        if self.flow is not None:
            super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser, or a callback, could not go on with."""
        self._refuse(self._refusal)

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            self._raise_too_large()

    def _count_unparsed(self, size: int) -> None:
        # The parser keeps a header that has not ended yet, and tells of it only at its end.
        self._unparsed_bytes += size
        if self._in_head and self._unparsed_bytes > MAX_HEAD_BYTES:
            self._refuse(HeadersTooLarge())
        elif self._unparsed_bytes > MAX_FRAMED_BYTES:
            self._refuse(BodyTooLarge())

    def _raise_too_large(self) -> None:
        # The parser stops and wraps it; `send_400_response` answers.
        self._refusal = HeadersTooLarge()
        raise self._refusal

    def _start_timer(self) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(SEND_SECONDS, self._out_of_time)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _out_of_time(self) -> None:
        self._timer = None
        if self._in_head or self._in_body:
            self._refuse(RequestTimeout())
        else:
            self.transport.close()

    def _refuse(self, error: AppError) -> None:
        """Answer, where there is no other answer to confuse it with, and close."""
        self._stop_timer()
        # None before the first request; uvicorn's annotation does not say so.
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not self._in_body:
                # What came after a request that is being answered was wrong; that answer is the last one.
                self.pipeline.clear()
                self.flow.pause_reading()
                cycle.keep_alive = False
                return
            # The application waits for the rest of this body: it learns that the client has gone.
            cycle.disconnected = True
            cycle.message_event.set()
        if cycle is None or not self._in_body or not cycle.response_started:
            self.transport.write(_answer(error))
        self.transport.close()


def _answer(error: AppError) -> bytes:
    body = json.dumps(problem_body(error, public_url="", request_id=uuid.uuid4().hex, is_oauth=False)).encode()
    head = (
        f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\n"
        f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
        "cache-control: no-store\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
