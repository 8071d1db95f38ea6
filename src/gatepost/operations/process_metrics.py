"""The metrics of a process, and of all the processes of `gatepost serve --workers` together.

Each worker leaves what it has counted in a file, every second and before it answers; who is asked adds the files up.
So no request waits for a lock, and no sum ever goes down: what was shown once is in a file.
"""

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from gatepost.core.request_metrics import Durations, RequestMetrics

SUFFIX = ".metrics.json"


class Kind(StrEnum):
    """How the metrics of several processes become one."""

    # A count that only grows, also of processes that have ended.
    COUNT = "count"
    # Of the processes that live.
    SUM = "sum"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class ProcessMetric:
    """One metric of a process; `read` must be quick and must not fail."""

    name: str
    meaning: str
    kind: Kind
    read: Callable[[], float]


@dataclass(slots=True)
class MetricTotals:
    """Metrics, of one process or of several."""

    requests: dict[tuple[str, str, int], Durations] = field(default_factory=dict)
    outcomes: dict[tuple[str, str], int] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)

    def add(self, other: "MetricTotals", kinds: Mapping[str, Kind], *, lives: bool) -> None:
        """Take in the metrics of one more process; of one that has ended only what was counted."""
        for key, durations in other.requests.items():
            mine = self.requests.setdefault(key, Durations())
            mine.counts = [a + b for a, b in zip(mine.counts, durations.counts, strict=True)]
            mine.seconds += durations.seconds
        for outcome, count in other.outcomes.items():
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + count
        for name, value in other.values.items():
            kind = kinds.get(name)
            if kind is Kind.COUNT or (lives and kind is Kind.SUM):
                self.values[name] = self.values.get(name, 0) + value
            elif lives and kind is Kind.MAX:
                self.values[name] = max(self.values.get(name, value), value)

    def to_json(self) -> bytes:
        """Return the content of a worker's file."""
        return orjson.dumps({
            "requests": [[*key, durations.counts, durations.seconds] for key, durations in self.requests.items()],
            "outcomes": [[*key, count] for key, count in self.outcomes.items()],
            "values": self.values,
        })  # fmt: skip

    @classmethod
    def from_json(cls, content: bytes) -> "MetricTotals":
        """Read a worker's file."""
        read: dict[str, Any] = orjson.loads(content)
        return cls(
            requests={
                (route, method, hundreds): Durations(counts, seconds)
                for route, method, hundreds, counts, seconds in read["requests"]
            },
            outcomes={(act, outcome): count for act, outcome, count in read["outcomes"]},
            values=read["values"],
        )


class ProcessMetrics:
    """Everything that this process counts; where there are several, `folder` is where they share it."""

    def __init__(self, requests: RequestMetrics, metrics: Iterable[ProcessMetric], *, folder: Path | None) -> None:
        self._requests = requests
        self.metrics: Sequence[ProcessMetric] = tuple(metrics)
        self._kinds = {metric.name: metric.kind for metric in self.metrics}
        self._folder = folder
        self._shared = b""

    async def totals(self) -> MetricTotals:
        """Return the metrics of all workers; those of the others are at most a second old."""
        mine = self._own()
        if self._folder is None:
            return mine
        # Only the event loop writes the file, so that two who ask at once do not meet in it.
        self._share(mine)
        return await asyncio.to_thread(self._add_others, mine, self._folder)

    async def share(self) -> None:
        """Leave the metrics of this worker where the others find them."""
        if self._folder is not None:
            self._share(self._own())

    def _own(self) -> MetricTotals:
        totals = MetricTotals(values={metric.name: metric.read() for metric in self.metrics})
        totals.add(MetricTotals(dict(self._requests.requests), dict(self._requests.outcomes)), {}, lives=True)
        return totals

    def _share(self, totals: MetricTotals) -> None:
        content = totals.to_json()
        if self._folder is None or content == self._shared:
            return
        path = self._folder / f"{os.getpid()}{SUFFIX}"
        # A reader sees the file of before or the new one, and never a half of it.
        draft = path.with_suffix(".new")
        draft.write_bytes(content)
        draft.replace(path)
        self._shared = content

    def _add_others(self, mine: MetricTotals, folder: Path) -> MetricTotals:
        for path, lives in self._others(folder):
            mine.add(MetricTotals.from_json(path.read_bytes()), self._kinds, lives=lives)
        return mine

    @staticmethod
    def _others(folder: Path) -> Iterator[tuple[Path, bool]]:
        for path in folder.glob(f"*{SUFFIX}"):
            process_id = int(path.name.removesuffix(SUFFIX))
            if process_id != os.getpid():
                yield path, _lives(process_id)


def _lives(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
