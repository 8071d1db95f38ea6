"""How a connection ends so that the client gets its answer, whatever it is still sending."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

# In which a client must take at least something of its answer.
TAKE_SECONDS = 30.0


class LingeringTransport(asyncio.Transport):
    """A transport whose `close` ends our half alone: the client reads the answer and its end, and closes.

    A socket that is closed while something lies in it unread resets the connection, and the client loses the answer
    (RFC 9112, section 9.6). `on_close` is called once; whoever gives it drops what still comes in, and calls
    `close_whole` in the end.
    """

    def __init__(self, transport: asyncio.Transport, *, on_close: Callable[[], None]) -> None:
        super().__init__()
        self._transport = transport
        self._on_close = on_close
        self.is_lingering = False

    def close(self) -> None:
        """Send what was written, and the end."""
        if self.is_closing():
            return
        self.is_lingering = True
        with suppress(OSError):  # the client has gone
            self._transport.write_eof()
        self._transport.resume_reading()
        self._on_close()

    def close_whole(self) -> None:
        """Send what was written, and close both halves; a client that takes nothing of it any more is cut off."""
        self._transport.close()
        self._expect_taking(left=self._transport.get_write_buffer_size())

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether nothing more is written."""
        return self.is_lingering or self._transport.is_closing()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write, as long as our half is open."""
        if not self.is_closing():
            self._transport.write(data)

    def pause_reading(self) -> None:
        """Read no more for now; what is dropped is read."""
        if not self.is_lingering:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the transport knows of itself."""
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
