"""Lines on their way to standard error: several at a time, whole, and none left behind."""

import atexit
import os
import select
from collections.abc import Iterator
from functools import cache
from threading import Condition, Thread

STANDARD_ERROR = 2
# What a pipe takes in one piece (POSIX: PIPE_BUF), so that the lines of several workers never mix.
CHUNK_BYTES = 4096
DELAY_SECONDS = 0.05
# What waits for a reader that stalls.
BACKLOG_BYTES = 1024 * 1024
FLUSH_SECONDS = 1.0


class LineWriter:
    """Writes lines to a file descriptor, in a thread of its own.

    A line waits for others for at most 50 ms, or until 4 KiB are together: a call of the system for each line would
    cost more than the line. A reader that is slow or gone stops nobody; `lost` counts what could not be written.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: list[bytes] = []
        self._size = 0
        self._is_writing = False
        self._is_urgent = False
        self._is_last = False
        self._changed = Condition()
        self._thread: Thread | None = None
        self.lost = 0

    def write(self, line: bytes) -> None:
        """Take one line, with its end; it is written soon."""
        with self._changed:
            if self._size and self._size + len(line) > BACKLOG_BYTES:
                self.lost += 1
                return
            self._lines.append(line)
            self._size += len(line)
            # Not alive either in a process that was forked off.
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._run, name="log", daemon=True)
                self._thread.start()
            elif len(self._lines) == 1 or self._size >= CHUNK_BYTES:
                self._changed.notify_all()
        if self._is_last:
            self.flush()

    def finish(self) -> None:
        """Write all that waits, and each further line before its writer goes on: the process may end after it."""
        self._is_last = True
        self.flush()

    def flush(self) -> None:
        """Write all that waits, for at most a second."""
        with self._changed:
            self._is_urgent = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._lines and not self._is_writing, FLUSH_SECONDS)
            self._is_urgent = False

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines)
                self._changed.wait_for(lambda: self._is_urgent or self._size >= CHUNK_BYTES, DELAY_SECONDS)
                lines, self._lines, self._size = self._lines, [], 0
                self._is_writing = True
            for chunk in _together(lines):
                self._put(chunk)
            with self._changed:
                self._is_writing = False
                self._changed.notify_all()

    def _put(self, chunk: bytes) -> None:
        view = memoryview(chunk)
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [])
            except OSError:
                with self._changed:
                    self.lost += chunk.count(b"\n")
                return


@cache
def standard_error() -> LineWriter:
    """Return the one writer of this process."""
    writer = LineWriter(STANDARD_ERROR)
    atexit.register(writer.flush)
    return writer


def _together(lines: list[bytes]) -> Iterator[bytes]:
    """Yield the lines in pieces that a pipe takes whole; a longer line is a piece of its own."""
    chunk = bytearray()
    for line in lines:
        if chunk and len(chunk) + len(line) > CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
        chunk += line
    if chunk:
        yield bytes(chunk)
