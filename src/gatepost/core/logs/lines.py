"""Writes lines to standard error: in batches, whole, and all of them before the process ends."""

import atexit
import os
import select
import time
from collections.abc import Callable, Iterator
from functools import cache
from threading import Condition, Thread

STANDARD_ERROR = 2
# What a pipe accepts atomically (POSIX: PIPE_BUF), so that the lines of several workers never mix.
CHUNK_BYTES = 4096
DELAY_SECONDS = 0.05
# The limit of what waits for a slow reader.
BACKLOG_BYTES = 1024 * 1024
FLUSH_SECONDS = 1.0


class LineWriter:
    """Writes lines to a file descriptor, in its own thread.

    Lines are collected for at most 50 ms or 4 KiB, because a system call per line would cost more than the line. A
    reader that is slow or gone blocks nobody: `lost` counts the lines that could not be written, and a line from
    `say_lost` reports them once somebody reads again.
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
        # How long, in total, the lines written while the process ends may wait for the reader.
        self._patience = FLUSH_SECONDS
        self._told = 0
        self.lost = 0
        self.say_lost: Callable[[int], bytes] | None = None

    def write(self, line: bytes) -> None:
        """Accept one line, including its line end; it is written soon."""
        with self._changed:
            if self._size and self._size + len(line) > BACKLOG_BYTES:
                self.lost += 1
                return
            self._lines.append(line)
            self._size += len(line)
            # The thread is not alive in a forked process either.
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._run, name="log", daemon=True)
                self._thread.start()
            elif len(self._lines) == 1 or self._size >= CHUNK_BYTES:
                self._changed.notify_all()
        if self._is_last:
            self.flush()

    def finish(self) -> None:
        """Write all waiting lines, and from now on each line before `write` returns: the process may end after it.

        A stalled reader delays them by at most a second in total.
        """
        self._is_last = True
        self.flush()

    def flush(self) -> None:
        """Write all waiting lines, for at most a second; less if earlier calls used it up and nobody has read since."""
        with self._changed:
            self._is_urgent = True
            self._changed.notify_all()
            began_at = time.monotonic()
            if self._changed.wait_for(lambda: not self._lines and not self._is_writing, self._patience):
                self._patience = FLUSH_SECONDS
            else:
                self._patience = max(0.0, self._patience - (time.monotonic() - began_at))
            self._is_urgent = False

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines)
                self._changed.wait_for(lambda: self._is_urgent or self._size >= CHUNK_BYTES, DELAY_SECONDS)
                lines, self._lines, self._size = self._lines, [], 0
                untold = self.lost - self._told
                self._is_writing = True
            lost = sum(chunk.count(b"\n") for chunk in _together(lines) if not self._put(chunk))
            # The lost lines came after these, which had filled the backlog.
            is_told = untold and not lost and self.say_lost is not None and self._put(self.say_lost(untold))
            with self._changed:
                self.lost += lost
                self._told += untold if is_told else 0
                self._is_writing = False
                self._changed.notify_all()

    def _put(self, chunk: bytes) -> bool:
        """Write lines, however long that takes; return whether they were written."""
        view = memoryview(chunk)
        try:
            while view:
                try:
                    view = view[os.write(self._descriptor, view) :]
                except BlockingIOError:
                    select.select([], [self._descriptor], [])
        except OSError:
            return False
        return True


@cache
def standard_error() -> LineWriter:
    """Return the writer of this process."""
    writer = LineWriter(STANDARD_ERROR)
    atexit.register(writer.flush)
    return writer


def _together(lines: list[bytes]) -> Iterator[bytes]:
    """Yield the lines in chunks that a pipe accepts atomically; a longer line is its own chunk."""
    chunk = bytearray()
    for line in lines:
        if chunk and len(chunk) + len(line) > CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
        chunk += line
    if chunk:
        yield bytes(chunk)
