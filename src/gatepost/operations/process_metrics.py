"""The metrics of a process, and of all processes of `gatepost serve --workers` together.

Each worker writes its metrics to a file, every second and before it answers. The worker that is asked adds the files
up. So no request waits for a lock, and no counter goes down: a value that was shown once is in a file.
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
    """How a metric is combined across processes."""

    # Counters that only grow; they include processes that have ended.
    COUNT = "count"
    # Only of running processes.
    SUM = "sum"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class ProcessMetric:
    """A metric of a process; `read` must be fast and must not fail."""

    name: str
    meaning: str
    kind: Kind
    read: Callable[[], float]


@dataclass(slots=True)
class MetricTotals:
    """The metrics of one or several processes."""

    requests: dict[tuple[str, str, int], Durations] = field(default_factory=dict)
    outcomes: dict[tuple[str, str], int] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)

    def add(self, other: "MetricTotals", kinds: Mapping[str, Kind], *, lives: bool) -> None:
        """Add the metrics of another process; only the counters if it has ended."""
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
    """The metrics of this process. Several processes share theirs in `folder`."""

    def __init__(self, requests: RequestMetrics, metrics: Iterable[ProcessMetric], *, folder: Path | None) -> None:
        self._requests = requests
        self.metrics: Sequence[ProcessMetric] = tuple(metrics)
        self._kinds = {metric.name: metric.kind for metric in self.metrics}
        self._folder = folder
        self._shared = b""

    async def totals(self) -> MetricTotals:
        """Return the metrics of all workers. Those of other workers are up to a second old."""
        mine = self._own()
        if self._folder is None:
            return mine
        # Only the event loop writes the file, so that concurrent requests do not collide.
        self._share(mine)
        return await asyncio.to_thread(self._add_others, mine, self._folder)

    async def share(self) -> None:
        """Write the metrics of this worker to the shared folder."""
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
        # Readers see the old file or the new one, never a partial one.
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
