"""Closes a connection so that the client still gets its answer, even while it is sending."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

# Within this time a client must read at least some of its answer.
TAKE_SECONDS = 30.0


class LingeringTransport(asyncio.Transport):
    """A transport whose `close` closes only our side: the client reads the answer to its end and then closes.

    Closing a socket with unread data resets the connection, and the client loses the answer (RFC 9112, section 9.6).
    `on_close` is called once; its owner must drop further input and finally call `close_whole`.
    """

    def __init__(self, transport: asyncio.Transport, *, on_close: Callable[[], None]) -> None:
        super().__init__()
        self._transport = transport
        self._on_close = on_close
        self.is_lingering = False

    def close(self) -> None:
        """Send what was written, then close our side."""
        if self.is_closing():
            return
        self.is_lingering = True
        with suppress(OSError):  # the client has gone
            self._transport.write_eof()
        self._transport.resume_reading()
        self._on_close()

    def close_whole(self) -> None:
        """Send what was written, then close both sides; abort if the client reads nothing for `TAKE_SECONDS`."""
        self._transport.close()
        self._expect_taking(left=self._transport.get_write_buffer_size())

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether our side is closed or closing."""
        return self.is_lingering or self._transport.is_closing()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write, as long as our side is open."""
        if not self.is_closing():
            self._transport.write(data)

    def pause_reading(self) -> None:
        """Stop reading for now, unless the connection lingers: input to be dropped is always read."""
        if not self.is_lingering:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Continue to read."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the wrapped transport returns."""
        return self._transport.get_extra_info(name, default)

    def _expect_taking(self, *, left: int) -> None:
        if left:
            asyncio.get_running_loop().call_later(TAKE_SECONDS, self._require_taken, left)

    def _require_taken(self, before: int) -> None:
        left = self._transport.get_write_buffer_size()
        if left < before:
            self._expect_taking(left=left)
        else:
            self.abort()
