"""The queue of passwords to hash: one thread per core, and no longer than people are willing to wait."""

import asyncio
import contextlib
import math
import os
import random
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from gatepost.core.crypto.turns import NOBODY, Asker, Turns
from gatepost.core.errors import Unavailable
from gatepost.core.request_info import client_disconnected

T = TypeVar("T")

# Below the event loop's priority: many sign-ins at once must not slow down requests that only present a token.
NICENESS = 10
# The weight of the latest duration in the moving average.
WEIGHT = 0.2


class HashingBusy(Unavailable):
    """Too many passwords are waiting to be hashed."""

    code = "hashing_busy"
    title = "Too busy"
    message = "Too many people are signing in right now. Please try again."


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    work: "partial[Any]"
    result: "asyncio.Future[Any]"


class HashingPool:
    """Runs work on its own threads, taking the askers in turn. Refuses work at once if it would wait too long.

    `queue` limits the number of waiting passwords, so that a flood uses no memory. `queue_seconds` limits the expected
    wait (work ahead times its recent average duration), so that no answer comes after the caller has given up. In a
    full queue, the asker with the most entries loses one to an asker with fewer.
    """

    def __init__(self, *, queue: int, queue_seconds: float) -> None:
        self.workers = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="passwords", initializer=_step_back)
        self._queue = queue
        # The limit of passwords that wait or are being hashed.
        self.room = self.workers + queue
        self._queue_seconds = queue_seconds
        self._running = 0
        self._turns: Turns[_Job] = Turns()
        self.refused = 0
        self._average_seconds = 0.0

    @property
    def inside(self) -> int:
        """How many passwords wait or are being hashed."""
        return self._running + self.waiting

    @property
    def waiting(self) -> int:
        """How many passwords wait for a thread."""
        return len(self._turns)

    def expected_seconds(self, asker: Asker = NOBODY) -> float:
        """Return how long the next password of this asker would wait for a thread."""
        ahead = max(self._running - self.workers + 1, 0) + self._turns.ahead_of(self._turns.place_of(asker))
        return ahead * self._average_seconds / self.workers

    async def run(self, work: "partial[T]", asker: Asker = NOBODY) -> T:
        """Run the work on a thread and return its result. A caller who disconnects while waiting frees the place.

        Raises:
            HashingBusy: the queue is too long, or the caller has disconnected.
        """
        if self.expected_seconds(asker) > self._queue_seconds or (
            self.waiting >= self._queue and not self._free(asker)
        ):
            raise self._refusal(asker)
        loop = asyncio.get_running_loop()
        job, place = _Job(work, loop.create_future()), self._turns.place_of(asker)
        self._turns.add(place, job)
        self._start(loop)
        try:
            if (has_left := client_disconnected.get()) is not None and self._turns.has(place, job):
                return await _unless(has_left(), job.result)
            result: T = await job.result
            return result
        finally:
            self._turns.discard(place, job)

    def close(self) -> None:
        """Stop the threads and cancel the waiting work."""
        while (job := self._turns.take()) is not None:
            job.result.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _free(self, asker: Asker) -> bool:
        """Free a place in a full queue by refusing an entry of the asker with the most; False if that is this asker."""
        last = self._turns.take_last_of_longest(unless=self._turns.place_of(asker))
        if last is None:
            return False
        whose, job = last
        if not job.result.done():
            job.result.set_exception(self._refusal(whose))
        return True

    def _refusal(self, asker: Asker) -> HashingBusy:
        self.refused += 1
        # Spread over time, or all refused callers would come back at the same moment.
        spread = random.uniform(1, 2)  # noqa: S311  spreads retries, guards nothing
        return HashingBusy(retry_after_seconds=max(1, math.ceil(self.expected_seconds(asker) * spread)))

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._running < self.workers and (job := self._turns.take()) is not None:
            if job.result.done():
                continue  # the caller has left; `run` is about to notice
            self._running += 1
            self._pool.submit(self._timed, job.work).add_done_callback(partial(self._done, loop, job))

    def _timed(self, work: "partial[T]") -> T:
        start = time.monotonic()
        result = work()
        took = time.monotonic() - start
        # Threads may overwrite each other's value; an average tolerates that.
        self._average_seconds += WEIGHT * (took - self._average_seconds) if self._average_seconds else took
        return result

    def _done(self, loop: asyncio.AbstractEventLoop, job: _Job, done: "Future[Any]") -> None:
        with contextlib.suppress(RuntimeError):  # the loop ended before the work did
            loop.call_soon_threadsafe(self._finish, loop, job, done)

    def _finish(self, loop: asyncio.AbstractEventLoop, job: _Job, done: "Future[Any]") -> None:
        self._running -= 1
        if not (job.result.done() or done.cancelled()):
            if (error := done.exception()) is not None:
                job.result.set_exception(error)
            else:
                job.result.set_result(done.result())
        self._start(loop)


async def _unless(disconnected: Any, result: "asyncio.Future[T]") -> T:
    left = asyncio.ensure_future(disconnected)
    try:
        await asyncio.wait((left, result), return_when=asyncio.FIRST_COMPLETED)
        if result.cancel():
            raise HashingBusy
        return await result
    finally:
        left.cancel()


def _step_back() -> None:
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS)
