"""Counts requests: how many, how long they took, and the outcomes of sign-ins and refreshes."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Upper bounds in seconds; the last bucket has none.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SUCCESS = "success"
# The client disconnected before there was an answer.
NO_ANSWER = "no_answer"


@dataclass(slots=True)
class Durations:
    """A histogram of durations; `counts` has one bucket more than `BOUNDS`."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: float = 0.0


class RequestMetrics:
    """Counts the requests of a process. Every request passes it, so it only adds numbers."""

    def __init__(self) -> None:
        # By route template, method and status class (2 for 2xx); 0 for no answer.
        self.requests: dict[tuple[str, str, int], Durations] = {}
        self.outcomes: dict[tuple[str, str], int] = {}
        self.in_progress = 0

    def enter(self) -> None:
        """Count a request that has started."""
        self.in_progress += 1

    def end(self, state: Mapping[str, Any], *, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that has ended; `state` is the request's state."""
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
