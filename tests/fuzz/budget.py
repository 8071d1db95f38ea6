"""How much is tried: a few fixed examples in the whole suite, many new ones in `make fuzz`.

`make fuzz` ends by itself: each test has its share of FUZZ_MINUTES and skips the examples beyond it.
"""

import functools
import os
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from hypothesis import HealthCheck, reject, settings
from hypothesis.errors import UnsatisfiedAssumption

EXAMPLES = os.environ.get("FUZZ_EXAMPLES")
IS_LONG = EXAMPLES is not None
SEED = int(os.environ.get("FUZZ_SEED", "0"))
MINUTES = float(os.environ.get("FUZZ_MINUTES", "20"))
ROUND = 10
# How often somebody may ask is not what these tests are about.
UNLIMITED: dict[str, Any] = {"rate_limits": False, "guesses_per_account": 1_000_000, "guesses_per_address": 1_000_000}

Example = Callable[..., Coroutine[Any, Any, None]]


def budget(short: int, **changes: object) -> settings:
    """Return settings for so many examples in the whole suite; without a seed from outside they are the same ones."""
    return settings(
        settings(
            max_examples=int(EXAMPLES or short),
            deadline=None,
            derandomize=not IS_LONG,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
        **changes,  # type: ignore[arg-type]
    )


def seconds(part: float) -> int:
    """Return how long a test may take that has this part of the time."""
    return round(MINUTES * 60 * part)


def rounds(part: float) -> Iterator[int]:
    """Yield a seed for each round of examples, until there were enough or the part of the time is over."""
    ends = time.monotonic() + seconds(part)
    for number in range(0, int(EXAMPLES or ROUND), ROUND):
        if number and time.monotonic() > ends:
            return
        yield SEED + number


def for_a_while(part: float) -> Callable[[Example], Example]:
    """Give up the examples that come when the part of the time is over, for each `everywhere` that a test is run on.

    After a failure they all count: it is made smaller and tried again.
    """

    def decorate(test: Example) -> Example:
        ends: dict[object, float] = {}

        @functools.wraps(test)
        async def example(everywhere: Any, **drawn: Any) -> None:
            now = time.monotonic()
            if IS_LONG and now > ends.setdefault(everywhere, now + seconds(part)):
                reject()
            try:
                await test(everywhere, **drawn)
            except UnsatisfiedAssumption:
                raise
            except BaseException:
                ends[everywhere] = float("inf")
                raise

        return example

    return decorate
