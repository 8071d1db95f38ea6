"""Lines on their way to standard error: several at a time, whole, and none left behind."""

import asyncio
import atexit
import os
import select
from functools import cache
from threading import Lock

STANDARD_ERROR = 2
# What a pipe takes in one piece (POSIX: PIPE_BUF), so that the lines of several workers never mix.
CHUNK_BYTES = 4096
DELAY_SECONDS = 0.05


class LineWriter:
    """Writes lines to a file descriptor.

    A line of an event loop waits for others for at most 50 ms, or until 4 KiB are together: a call of the system for
    each line would cost more than the line. A reader that is gone stops nobody; `lost` counts what could not be
    written.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: list[bytes] = []
        self._size = 0
        self._lock = Lock()
        self.lost = 0

    def write(self, line: bytes) -> None:
        """Take one line, with its end; it is written soon."""
        if not self._lines:
            try:
                asyncio.get_running_loop().call_later(DELAY_SECONDS, self.flush)
            except RuntimeError:
                self._lines.append(line)
                self.flush()
                return
        self._lines.append(line)
        self._size += len(line)
        if self._size >= CHUNK_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write all that waits."""
        with self._lock:
            count = len(self._lines)
            lines = self._lines[:count]
            del self._lines[:count]
            self._size = 0
            chunk = bytearray()
            for line in lines:
                if chunk and len(chunk) + len(line) > CHUNK_BYTES:
                    self._put(chunk)
                    chunk = bytearray()
                chunk += line
            if chunk:
                self._put(chunk)

    def _put(self, chunk: bytearray) -> None:
        view = memoryview(bytes(chunk))
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [])
            except OSError:
                self.lost += chunk.count(b"\n")
                return


@cache
def standard_error() -> LineWriter:
    """Return the one writer of this process."""
    writer = LineWriter(STANDARD_ERROR)
    atexit.register(writer.flush)
    return writer
