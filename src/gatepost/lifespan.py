"""The lifespan of a process: start-up, background work, and an orderly shutdown."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from threading import Thread
from typing import Any

from fastapi import FastAPI

from gatepost.composition.services import Services
from gatepost.core.background import every
from gatepost.core.db.revisions import require_current_schema
from gatepost.core.logs.lines import FLUSH_SECONDS, standard_error
from gatepost.http.server.draining import STATE, Drain
from gatepost.operations.tracing import Tracing

KEYS_SECONDS = 5
ACTIVITY_SECONDS = 60
PURGE_SECONDS = 300
ROLES_SECONDS = 2
# This process sends its own mails at once; this is for those of other processes, and for retries.
MAIL_SECONDS = 5
# No entry waits for its seal longer than twice this time.
SEAL_SECONDS = 1
SHARE_SECONDS = 1
STATISTICS_SECONDS = 5
# Kinds that an import adds in between are known after the first check of such a hash.
HASHES_SECONDS = 3600

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[dict[str, Any]]]


def running(services: Services, drain: Drain, tracing: Tracing | None) -> Lifespan:
    """Return the lifespan of the app. It requires the current schema to start, and ends in time."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        await require_current_schema(services.platform.database.engine)
        await services.start()
        stopping = asyncio.Event()
        tasks = list(_background(services, stopping))
        try:
            with drain.watching():
                yield {STATE: drain}
        finally:
            stopping.set()
            _done, late = await asyncio.wait(tasks, timeout=drain.seconds_left / 2)
            for task in late:
                task.cancel()
            await services.stop(within_seconds=drain.seconds_left)
            await services.operations.process_metrics.share()
            # uvicorn then ends the process with the signal that it received: what is not written now is lost.
            await _within(FLUSH_SECONDS, standard_error().finish)
            if tracing is not None:
                await _within(drain.seconds_left, tracing.stop)

    return lifespan


async def _within(seconds: float, work: Callable[[], None]) -> None:
    """Run blocking work in a thread, and continue without it after `seconds`."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def run() -> None:
        with suppress(RuntimeError):  # the loop ended before the work did
            try:
                work()
            finally:
                loop.call_soon_threadsafe(done.set)

    # A daemon thread does not delay the end of the process.
    Thread(target=run, daemon=True).start()
    with suppress(TimeoutError):
        await asyncio.wait_for(done.wait(), seconds)


def _background(services: Services, stopping: asyncio.Event) -> Iterator[asyncio.Task[None]]:
    identity, flows, admin, operations = services.identity, services.flows, services.admin, services.operations
    again, at_once = partial(every, stopping=stopping), asyncio.Event()
    at_once.set()
    for work in (
        again(services.settings.revocation_poll_seconds, identity.revocations.poll, name="reading revocations"),
        again(KEYS_SECONDS, identity.keys.load, name="reading signing keys"),
        again(ACTIVITY_SECONDS, identity.activity.write, name="writing the last use of sessions"),
        again(PURGE_SECONDS, operations.purger.run_in_turn, name="removing what has expired"),
        again(ROLES_SECONDS, admin.role_editor.propagate, name="carrying role changes to all holders"),
        again(MAIL_SECONDS, flows.outbox.run_once, name="sending mail", wake=flows.outbox.woken),
        again(SHARE_SECONDS, operations.process_metrics.share, name="sharing metrics"),
        again(SEAL_SECONDS, operations.audit_sealer.run_once, name="sealing the audit log"),
        again(STATISTICS_SECONDS, admin.statistics_counter.run_once, name="counting statistics"),
        again(HASHES_SECONDS, identity.hash_survey.run, name="looking for kinds of password hashes", wake=at_once),
    ):
        yield asyncio.create_task(work)
