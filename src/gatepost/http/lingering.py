"""How a connection ends so that the client gets its answer, whatever it is still sending."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any


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
        """Send what was written, and close both halves."""
        self._transport.close()

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
