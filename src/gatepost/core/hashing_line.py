"""The line of passwords that wait to be hashed: a thread for each core, and no longer than people wait."""

import asyncio
import contextlib
import math
import os
import random
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from gatepost.core.client import departure
from gatepost.core.errors import Unavailable

T = TypeVar("T")

# Below the event loop: a herd of sign-ins must not keep it, and whoever only shows a token, from a core.
NICENESS = 10
# How much the newest piece of work counts in the average.
WEIGHT = 0.2


class HashingBusy(Unavailable):
    """More passwords wait to be hashed than is worth waiting for."""

    code = "hashing_busy"
    title = "Too busy"
    message = "Too many people are signing in at the moment. Please try again."


class HashingLine:
    """Runs work on threads of its own, in order; refuses it at once where it would wait too long.

    Too long is a number, so that a flood takes no memory, and a time, so that nobody's answer comes after they left:
    `queue_seconds` is compared with the length of the line times what a piece of work has taken of late.
    """

    def __init__(self, *, queue: int, queue_seconds: float) -> None:
        self.workers = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="passwords", initializer=_step_back)
        self._queue = queue
        # How many may be in line or at a thread at once, how many are, and how many were turned away.
        self.room = self.workers + queue
        self._queue_seconds = queue_seconds
        self.inside = 0
        self.refused = 0
        self._average_seconds = 0.0

    @property
    def waiting(self) -> int:
        """How many passwords wait for a thread."""
        return max(self.inside - self.workers, 0)

    @property
    def expected_seconds(self) -> float:
        """How long one more would wait for a thread."""
        ahead = max(self.inside - self.workers + 1, 0)
        return ahead * self._average_seconds / self.workers

    async def run(self, work: "partial[T]") -> T:
        """Return what the work returns. A caller who leaves while waiting gives the place to the next.

        Raises:
            HashingBusy: the line is too long, or the caller has left.
        """
        if self.waiting >= self._queue or self.expected_seconds > self._queue_seconds:
            self.refused += 1
            # Not all at one moment: a herd that is told to wait would be back as a herd.
            spread = random.uniform(1, 2)  # noqa: S311  spreads retries, guards nothing
            raise HashingBusy(retry_after_seconds=max(1, math.ceil(self.expected_seconds * spread)))
        self.inside += 1
        job = self._pool.submit(self._timed, work)
        job.add_done_callback(partial(self._done, asyncio.get_running_loop()))
        if self.waiting and (has_left := departure.get()) is not None:
            return await _unless(has_left(), asyncio.wrap_future(job))
        return await asyncio.wrap_future(job)

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _timed(self, work: "partial[T]") -> T:
        start = time.monotonic()
        result = work()
        took = time.monotonic() - start
        # Threads may overwrite each other here: an average bears it.
        self._average_seconds += WEIGHT * (took - self._average_seconds) if self._average_seconds else took
        return result

    def _done(self, loop: asyncio.AbstractEventLoop, _: "Future[Any]") -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._leave)

    def _leave(self) -> None:
        self.inside -= 1


async def _unless(leaving: Any, job: "asyncio.Future[T]") -> T:
    left = asyncio.ensure_future(leaving)
    try:
        await asyncio.wait((left, job), return_when=asyncio.FIRST_COMPLETED)
        if not job.done() and job.cancel():
            raise HashingBusy
        return await job
    finally:
        left.cancel()


def _step_back() -> None:
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS)
