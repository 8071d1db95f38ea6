"""How much is tried: little and always the same in the whole suite, much and always something else by `make fuzz`."""

import os
from typing import Any

from hypothesis import HealthCheck, settings

EXAMPLES = os.environ.get("FUZZ_EXAMPLES")
IS_LONG = EXAMPLES is not None
# How often somebody may ask is not what these tests are about.
UNLIMITED: dict[str, Any] = {"rate_limits": False, "guesses_per_account": 1_000_000, "guesses_per_address": 1_000_000}


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
