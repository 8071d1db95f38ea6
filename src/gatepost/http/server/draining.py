"""Draining before a shutdown: the process announces that it stops while it still accepts requests."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from gatepost.core.errors import Unavailable

# The key under which the protocol finds the drain in the state of the application.
STATE: Final = "drain"


class ShuttingDown(Unavailable):
    """The process is shutting down. It still serves requests that reach it."""

    code = "shutting_down"
    title = "Shutting down"
    message = "This process is shutting down. Please use another one."


class Drain:
    """Delays a stop by SIGTERM, so that no request finds the port closed.

    A server that stops at once breaks the requests that are on their way to it. Instead it continues for `seconds`:
    `/readyz` answers 503, so that proxies with health checks stop sending requests, and each answer closes its
    connection, so that other proxies open a new one to another process. SIGINT (Ctrl+C) stops at once.
    """

    def __init__(self, *, seconds: float, total_seconds: float) -> None:
        self._seconds = drain_seconds(seconds, total_seconds=total_seconds)
        self._total = total_seconds
        self._ends_at: float | None = None

    @property
    def is_draining(self) -> bool:
        """Whether the process was told to stop."""
        return self._ends_at is not None

    @property
    def seconds_left(self) -> float:
        """The seconds until the process must have ended; the full time before SIGTERM."""
        if self._ends_at is None:
            return self._total
        return max(self._ends_at - asyncio.get_running_loop().time(), 0)

    def require_serving(self) -> None:
        """Check that the process is not draining.

        Raises:
            ShuttingDown: it was told to stop.
        """
        if self.is_draining:
            raise ShuttingDown

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Intercept the server's own handler of SIGTERM, if there is one, until the block ends."""
        stop = signal.getsignal(signal.SIGTERM)
        if not callable(stop):
            yield
            return
        loop = asyncio.get_running_loop()

        def begin(frame: FrameType | None) -> None:
            if self._ends_at is None:
                self._ends_at = loop.time() + self._total
                loop.call_later(self._seconds, stop, signal.SIGTERM, frame)

        def told(_: int, frame: FrameType | None) -> None:
            # A signal interrupts any code; the loop handles it between two callbacks.
            loop.call_soon_threadsafe(begin, frame)

        signal.signal(signal.SIGTERM, told)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, stop)


def drain_seconds(wanted: float, *, total_seconds: float) -> float:
    """Return how long a process accepts requests after SIGTERM: at most half of the time, to leave time to finish."""
    return min(wanted, total_seconds / 2)


def grace_seconds(wanted: float, *, total_seconds: float) -> float:
    """Return how long requests in flight get after that; the rest is for background work and connections."""
    return (total_seconds - drain_seconds(wanted, total_seconds=total_seconds)) * 0.75
