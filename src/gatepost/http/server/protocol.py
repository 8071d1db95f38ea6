"""Adds to uvicorn's HTTP protocol: limits on how much and how slowly a client sends, and how a connection ends.

One instance serves one connection.
"""

import asyncio
import json
import uuid
from http import HTTPStatus
from typing import Any

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gatepost.core.errors import AppError
from gatepost.http.body_guard import MAX_BODY_BYTES
from gatepost.http.problems import MEDIA_TYPE, problem_body
from gatepost.http.server.draining import STATE, Drain
from gatepost.http.server.lingering import TAKE_SECONDS, LingeringTransport
from gatepost.http.server.request_head import Head, MalformedRequest
from gatepost.http.server.request_parser import RequestParser

# Pipelined requests that a client may send before it gets the answers; each is kept in memory.
MAX_AHEAD = 16
# From the start of the connection, or the first byte of a later request, to the last byte of the request.
SEND_SECONDS = 8.0
# What a client may still send after the last answer, and for how long after SEND_SECONDS are over. Together they stay
# below the 10 seconds for which a slow client may hold a connection.
MAX_DROPPED_BYTES = 16 * 1024 * 1024
LINGER_SECONDS = 1.0
# For the rest of a body, and for input that is dropped, once the process stops.
LAST_SECONDS = 1.0


class RequestTimeout(AppError):
    """The request did not arrive completely in time."""

    status = 408
    code = "request_timeout"
    title = "Request timeout"
    message = "The request took too long to arrive."


class GuardedProtocol(HttpToolsProtocol):
    """A connection that is closed if the client sends too much or too slowly.

    The timer starts with the connection and runs while a request is incomplete; only the end of the request stops it.
    Later requests that arrive in one piece, as nearly all do, never start it. A connection closed on our side lingers
    for the rest of that time.
    """

    transport: LingeringTransport
    # Not httptools' own parser: it stops at an upgrade request and would read its body as the next request.
    parser: RequestParser  # type: ignore[assignment]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parser = RequestParser(self)
        self._timer: asyncio.TimerHandle | None = None
        self._take_timer: asyncio.TimerHandle | None = None
        # Whether the current piece of input ends a request.
        self._is_whole = False
        self._body_bytes = 0
        self._dropped_bytes = 0
        self._is_stopping = False
        # The request that is being answered or was answered last; uvicorn's `cycle` is the newest one.
        self._served: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer for the first request."""
        super().connection_made(LingeringTransport(transport, on_close=self._linger))
        self._start_timer(SEND_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timers."""
        self._stop_timer()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse the input; the parser calls the methods below."""
        if self.transport.is_lingering or self.parser.is_stopped:
            self._drop(len(data))
            return
        self._unset_keepalive_if_required()
        self._is_whole = False
        try:
            self.parser.feed_data(data)
        except AppError as error:
            self._refuse(error)
            return
        if not self.transport.is_closing():
            self._watch_time()

    def on_message_begin(self) -> None:
        """Start a request."""
        super().on_message_begin()
        if len(self.pipeline) >= MAX_AHEAD:
            message = "The client sends too many requests without reading the answers."
            raise MalformedRequest(message)
        self._body_bytes = 0

    def on_head(self, head: Head) -> bool:
        """Pass the request to the application; return whether another may follow it on this connection."""
        self.url = head.target
        self.headers.extend(head.headers)
        self.expect_100_continue = head.expects_continue
        super().on_headers_complete()
        drain: Drain | None = self.app_state.get(STATE)
        # A client that waits for `100 Continue` may omit the body once it has an answer.
        if head.expects_continue or (drain is not None and drain.is_draining):
            self.cycle.keep_alive = False
        return self.cycle.keep_alive

    def on_body(self, body: bytes) -> None:
        """Pass on a piece of the body. Close if it exceeds the limit and the request is already answered."""
        super().on_body(body)
        self._body_bytes += len(body)
        if self._body_bytes > MAX_BODY_BYTES and self.cycle.response_complete:
            self.parser.stop()
            self.transport.close()

    def on_message_complete(self) -> None:
        """End the request."""
        super().on_message_complete()
        self._is_whole = True

    def shutdown(self) -> None:
        """Close after the current answer; input that is still arriving gets only a little more time."""
        self._is_stopping = True
        if self._is_answering():
            self.cycle.keep_alive = False
        elif self.parser.is_in_body:
            self.transport.close()
        elif not self.transport.is_lingering:
            self.transport.close_whole()
        if self.transport.is_lingering or self.parser.is_in_body:
            self._start_timer(LAST_SECONDS)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection."""
        self.transport.close_whole()

    def pause_writing(self) -> None:
        """Wait for a client that does not read its answer, for at most `TAKE_SECONDS`."""
        super().pause_writing()
        self._take_timer = self.loop.call_later(TAKE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Continue: the client has read some of its answer."""
        if self._take_timer is not None:
            self._take_timer.cancel()
            self._take_timer = None
        if self.flow is not None:
            super().resume_writing()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._served = cycle
        super()._start_asgi_task(cycle, app)

    def _is_answering(self) -> bool:
        return self._served is not None and not self._served.response_complete

    def _watch_time(self) -> None:
        if self.parser.is_in_head or self.parser.is_in_body:
            if self._is_whole or self._timer is None:
                self._start_timer(SEND_SECONDS)
        elif self._is_whole:
            self._stop_timer()
        elif self._timer is None and not self._is_answering():
            # Only line ends have arrived, and they stopped the timer of idle connections.
            self._start_timer(SEND_SECONDS)

    def _start_timer(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, self._out_of_time)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _out_of_time(self) -> None:
        self._timer = None
        if not self.transport.is_lingering and (self.parser.is_in_head or self.parser.is_in_body):
            self._refuse(RequestTimeout())
        else:
            self.transport.close_whole()

    def _linger(self) -> None:
        """Drop further input until the client's time to send is over, but for at least a second."""
        least = LAST_SECONDS if self._is_stopping else LINGER_SECONDS
        left = 0.0 if self._timer is None else self._timer.when() - self.loop.time()
        if self._is_stopping or left < least:
            self._start_timer(least)

    def _drop(self, size: int) -> None:
        self._dropped_bytes += size
        if self._dropped_bytes > MAX_DROPPED_BYTES:
            self.transport.close_whole()

    def _refuse(self, error: AppError) -> None:
        """Answer with the error, unless it could be mistaken for another answer, and close. Nothing more is read."""
        is_in_body = self.parser.is_in_body
        self.parser.stop()
        is_served = is_in_body and self._served is self.cycle
        if is_served and not self.cycle.response_complete:
            # The application is waiting for the rest of this body; tell it that the client has gone.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        elif self._served is not None and not self._served.response_complete:
            # The last answer is that of the last complete request.
            if is_in_body:
                self.pipeline.popleft()
            self.cycle = self.pipeline[0][0] if self.pipeline else self._served
            self.cycle.keep_alive = False
            self._stop_timer()
            return
        if not (is_served and self.cycle.response_started):
            self.transport.write(_answer(error, path=self.parser.path))
        self.transport.close()


def _answer(error: AppError, *, path: str) -> bytes:
    told = problem_body(error, public_url="", request_id=uuid.uuid4().hex, path=path)
    body = json.dumps(told).encode()
    headers = {
        "content-type": MEDIA_TYPE,
        "content-length": str(len(body)),
        "cache-control": "no-store",
        "connection": "close",
        **error.headers,
    }
    lines = [f"HTTP/1.1 {told['status']} {HTTPStatus(told['status']).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
