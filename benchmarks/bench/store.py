"""What was measured so far: a line a measurement, so that a run that was stopped goes on where it was."""

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

Key = tuple[int, str, str]


class Store:
    """Measurements by round, target and operation."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: dict[Key, dict[str, Any]] = {}
        if path.exists():
            for line in path.read_text().splitlines():
                entry = json.loads(line)
                self._found[entry["round"], entry["target"], entry["op"]] = entry

    def has(self, turn: int, target: str, op: str) -> bool:
        """Whether this was measured, with success."""
        return "error" not in self._found.get((turn, target, op), {"error": ""})

    def add(self, turn: int, target: str, op: str, values: Mapping[str, Any]) -> None:
        """Keep a measurement."""
        entry = {"round": turn, "target": target, "op": op, **values}
        self._found[turn, target, op] = entry
        with self._path.open("a") as lines:
            lines.write(json.dumps(entry) + "\n")

    def fail(self, turn: int, target: str, op: str, error: Exception) -> None:
        """Keep an error that came instead of a measurement, with what a program wrote about it."""
        output = getattr(error, "stderr", b"") or b""
        text = output.decode(errors="replace") if isinstance(output, bytes) else output
        self.add(turn, target, op, {"error": f"{type(error).__name__}: {error} {text}"[-2000:]})

    def entries(self) -> list[dict[str, Any]]:
        """Return all, errors too."""
        return list(self._found.values())

    def rounds(self, op: str) -> int:
        """Return how many rounds have measured an operation: fewer than planned where the time was short."""
        return len({entry["round"] for entry in self._found.values() if entry["op"] == op and "error" not in entry})

    def values(self, target: str, op: str, figure: str) -> dict[int, float]:
        """Return one figure of an operation, by round."""
        return {
            turn: entry[figure]
            for (turn, name, operation), entry in sorted(self._found.items())
            if (name, operation) == (target, op) and figure in entry
        }

    def median(self, target: str, op: str, figure: str) -> float | None:
        """Return the median over the rounds; None where there is none."""
        values = self.values(target, op, figure).values()
        return median(values) if values else None

    def ratio(self, one: tuple[str, str, str], other: tuple[str, str, str]) -> float | None:
        """Return the median of the ratios of two figures, each within one round; None where there is none."""
        above, below = self.values(*one), self.values(*other)
        ratios = [above[turn] / below[turn] for turn in above.keys() & below.keys() if below[turn]]
        return median(ratios) if ratios else None

    def errors(self) -> dict[tuple[str, str], str]:
        """Return the last error of what was never measured."""
        found: defaultdict[tuple[str, str], str] = defaultdict(str)
        for (_, target, op), entry in self._found.items():
            if "error" in entry and self.median(target, op, "per_second") is None:
                found[target, op] = entry["error"]
        return dict(found)
