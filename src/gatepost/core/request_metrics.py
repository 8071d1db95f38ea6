"""What requests add up to: how many, how long, and how sign-ins and refreshes ended."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Seconds; the last bucket has no end.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SUCCESS = "success"
# The client went before there was an answer.
NO_ANSWER = "no_answer"


@dataclass(slots=True)
class Durations:
    """How many requests took how long; `counts` has one place more than `BOUNDS`."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: float = 0.0


class RequestMetrics:
    """Counts the requests of a process. It is on the way of every request, so it does no more than add up."""

    def __init__(self) -> None:
        # By route template, method and hundreds of the status; 0 where there was no answer.
        self.requests: dict[tuple[str, str, int], Durations] = {}
        self.outcomes: dict[tuple[str, str], int] = {}
        self.in_progress = 0

    def enter(self) -> None:
        """Count a request that has begun."""
        self.in_progress += 1

    def end(self, state: Mapping[str, Any], *, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that has ended; `state` is what it has gathered."""
        self.in_progress -= 1
        key = (route, method, status // 100)
        durations = self.requests.get(key)
        if durations is None:
            durations = self.requests[key] = Durations()
        durations.counts[bisect_left(BOUNDS, seconds)] += 1
        durations.seconds += seconds
        act = state.get("act")
        if act is not None:
            outcome = state.get("code", SUCCESS) if status else NO_ANSWER
            self.outcomes[act, outcome] = self.outcomes.get((act, outcome), 0) + 1
