"""Work that a worker repeats in the background until it stops."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

logger = logging.getLogger("gatepost")


async def every(
    seconds: float,
    work: Callable[[], Awaitable[object]],
    *,
    name: str,
    wake: asyncio.Event | None = None,
    stopping: asyncio.Event | None = None,
) -> None:
    """Do the work after each pause. Repeated failures are logged once, until the work succeeds again.

    Setting `wake` cuts the pause short. `stopping` ends the loop between two rounds: an interrupted round would leave
    a half-open database connection behind.
    """
    wake, stopping = wake or asyncio.Event(), stopping or asyncio.Event()
    failing = False
    while True:
        await _pause(seconds, wake, stopping)
        if stopping.is_set():
            return
        wake.clear()
        try:
            await work()
        except Exception as error:  # noqa: BLE001  no failure of one round ends the loop
            if not failing:
                logger.warning("%s fails: %s; trying again every %s s", name, type(error).__name__, seconds)
            failing = True
        else:
            if failing:
                logger.warning("%s works again", name)
            failing = False


async def _pause(seconds: float, *until: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in until]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
