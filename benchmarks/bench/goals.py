"""The goals, each a figure of one run against its bound."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.bench import ceilings
from benchmarks.bench.runner import FEW, MANY, START
from benchmarks.bench.side_by_side import beside
from benchmarks.bench.store import Store
from benchmarks.bench.targets import Op

PER_SECOND, P99 = "per_second", "p99_ms"


@dataclass(frozen=True)
class Goal:
    """What is promised, how it is found, and whether more or less of it is better."""

    text: str
    find: Callable[[Store], float | None]
    bound: float
    at_least: bool = True
    unit: str = "×"

    def is_met(self, value: float) -> bool:
        """Whether the figure keeps the promise."""
        return value >= self.bound if self.at_least else value <= self.bound


def of_rate(op: Op | str, target: str, *, of: tuple[str, str]) -> Callable[[Store], float | None]:
    """Return how many times as many requests a second as another."""
    return lambda store: store.ratio((target, op, PER_SECOND), (*of, PER_SECOND))


def of_neighbour(op: Op, target: str, *, of: tuple[str, Op]) -> Callable[[Store], float | None]:
    """Return the same for what was measured side by side."""
    name, other = of
    return of_rate(beside(op), target, of=(name, beside(other)))


def figure(op: Op | str, target: str, name: str) -> Callable[[Store], float | None]:
    """Return a figure as it is."""
    return lambda store: store.median(target, op, name)


def _growth(op: Op) -> Goal:
    text = f"{op}: many accounts against few"
    return Goal(text, of_rate(op, MANY, of=(FEW, op)), 0.9)


FASTAPI = ("fastapi", Op.VERIFIED)
ONE_WORKER = ("gatepost", Op.VERIFIED)
HERD_OF_EXPRESS = ("express", Op.HERD, P99)

GOALS = (
    Goal("verified GET, one worker, of a bare FastAPI route", of_neighbour(Op.VERIFIED, "gatepost", of=FASTAPI), 0.75),
    Goal("verified GET, one worker, of Express", of_neighbour(Op.VERIFIED, "gatepost", of=("express", Op.VERIFIED)), 3),
    Goal("verified GET, every token new, of a bare FastAPI route",
         of_neighbour(Op.NEW_TOKEN, "gatepost", of=FASTAPI), 0.4),
    Goal("role-guarded GET of a bare FastAPI route", of_neighbour(Op.ROLE, "gatepost", of=FASTAPI), 0.75),
    Goal("role-guarded GET of Express", of_neighbour(Op.ROLE, "gatepost", of=("express", Op.ROLE)), 8),
    Goal("sign-in of raw bcrypt on all cores, cost 12",
         of_rate(Op.SIGN_IN, "gatepost", of=(ceilings.BCRYPT, "cost 12")), 0.9),
    Goal("sign-in of raw bcrypt on all cores, cost 8",
         of_rate(Op.SIGN_IN, "gatepost-cost8", of=(ceilings.BCRYPT, "cost 8")), 0.9),
    Goal("sign-in of Express, cost 8", of_rate(Op.SIGN_IN, "gatepost-cost8", of=("express", Op.SIGN_IN)), 2),
    Goal("sign-in of fastapi-users, cost 12", of_rate(Op.SIGN_IN, "gatepost", of=("fastapi-users", Op.SIGN_IN)), 1),
    Goal("sign-in of Django, cost 12", of_rate(Op.SIGN_IN, "gatepost", of=("django", Op.SIGN_IN)), 1),
    Goal("refresh of the raw conditional UPDATE", of_rate(Op.REFRESH, "gatepost", of=(ceilings.UPDATE, "update")), 0.5),
    Goal("refresh of Express", of_neighbour(Op.REFRESH, "gatepost", of=("express", Op.REFRESH)), 2),
    Goal("p99 of verified GET in a herd of 64 sign-ins", figure(Op.HERD, "gatepost", P99), 50,
         at_least=False, unit="ms"),
    Goal("p99 in a herd: of Express against Gatepost",
         lambda store: store.ratio(HERD_OF_EXPRESS, ("gatepost", Op.HERD, P99)), 20),
    *(_growth(op) for op in (Op.SIGN_IN, Op.REFRESH, Op.VERIFIED)),
    Goal("verified GET: all cores against one worker", of_neighbour(Op.VERIFIED, "gatepost-all", of=ONE_WORKER), 1.7),
    Goal("memory of one worker at its start", figure(START, "gatepost", "rss_mib"), 120, at_least=False, unit="MiB"),
    Goal("memory of one worker after the load", figure(Op.REFRESH, "gatepost", "rss_mib"), 120,
         at_least=False, unit="MiB"),
    Goal("start of one worker", figure(START, "gatepost", "start_seconds"), 2, at_least=False, unit="s"),
)  # fmt: skip
