"""Work that a worker does by itself, again and again, until it stops."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

logger = logging.getLogger("gatepost")


async def every(
    seconds: float, work: Callable[[], Awaitable[object]], *, name: str, wake: asyncio.Event | None = None
) -> None:
    """Do the work after each pause, for ever; a failure is logged once, until it works again.

    Setting `wake` cuts the pause short.
    """
    wake = wake or asyncio.Event()
    failing = False
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await wake.wait()
        wake.clear()
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
