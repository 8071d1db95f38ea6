"""Work that a worker does by itself, again and again, until it stops."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

logger = logging.getLogger("gatepost")


async def every(
    seconds: float, work: Callable[[], Awaitable[object]], *, name: str, stopping: asyncio.Event | None = None
) -> None:
    """Do the work after each pause; a failure is logged once, until it works again.

    Ends at `stopping`, between two rounds: a round that is broken off leaves half a database connection behind.
    """
    stopping = stopping or asyncio.Event()
    failing = False
    while not await _is_set_within(stopping, seconds):
        try:
            await work()
        except Exception as error:  # noqa: BLE001  the loop outlives whatever one round runs into
            if not failing:
                logger.warning("%s fails: %s; trying again every %s s", name, type(error).__name__, seconds)
            failing = True
        else:
            if failing:
                logger.warning("%s works again", name)
            failing = False


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
