"""Servers against each other in short turns: a machine whose clock wanders slows neighbours alike."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, replace

from benchmarks.bench import operations, seeding
from benchmarks.bench.operations import Scene
from benchmarks.bench.plan import Plan
from benchmarks.bench.store import Store
from benchmarks.bench.targets import BY_NAME, Op, Target
from benchmarks.bench.wrk import Sample

Member = tuple[str, Op]
READS: tuple[Member, ...] = (
    ("fastapi", Op.VERIFIED),
    ("gatepost", Op.VERIFIED),
    ("gatepost", Op.ROLE),
    ("gatepost", Op.NEW_TOKEN),
    ("gatepost-all", Op.VERIFIED),
    ("express", Op.VERIFIED),
    ("express", Op.ROLE),
)
REFRESHES: tuple[Member, ...] = (("gatepost", Op.REFRESH), ("express", Op.REFRESH))
GROUPS = (READS, REFRESHES)
READ_SECONDS, WRITE_SECONDS = 1, 2
WARM_UP = -1


def beside(op: Op) -> str:
    """Return the name of an operation that was measured side by side."""
    return f"{op}, side by side"


def count(plan: Plan, takes: Callable[[str], bool]) -> int:
    """Return how many measurements there are."""
    return sum(takes(name) for group in GROUPS for name, _ in group) * plan.turns


def run(
    plan: Plan, store: Store, *, scene_of: Callable[[Target], AbstractContextManager[Scene]],
    takes: Callable[[str], bool], deadline: float, step: Callable[[str], None],
) -> None:  # fmt: skip
    """Start the servers of a group at once, and measure one after the other, again and again; the first turn warms up.

    A turn is kept whole or not at all; what fails is noted in the store.
    """
    plan = replace(plan, read_seconds=READ_SECONDS, write_seconds=WRITE_SECONDS)
    for group in GROUPS:
        members = [(name, op) for name, op in group if takes(name)]
        wanted = [
            turn for turn in range(plan.turns) if not all(store.has(turn, name, beside(op)) for name, op in members)
        ]
        if not wanted:
            continue
        try:
            with ExitStack() as stack:
                names = sorted({name for name, _ in members})
                scenes = {name: stack.enter_context(scene_of(BY_NAME[name])) for name in names}
                for turn in (WARM_UP, *wanted):
                    if time.monotonic() > deadline:
                        return
                    _take(turn, _order(members, turn), scenes, plan=plan, store=store, step=step)
        except Exception as error:  # noqa: BLE001  a group that fails must not end the run
            for name, op in members:
                if store.median(name, beside(op), "per_second") is None:
                    store.fail(wanted[0], name, beside(op), error)


def _take(
    turn: int, members: Sequence[Member], scenes: Mapping[str, Scene], *, plan: Plan, store: Store,
    step: Callable[[str], None],
) -> None:  # fmt: skip
    samples = {}
    for name, op in members:
        step(f"turn {turn + 1}: {BY_NAME[name].label}, {beside(op)}")
        samples[name, op] = _measure(op, scenes[name], plan)
    if turn != WARM_UP:
        for (name, op), sample in samples.items():
            store.add(turn, name, beside(op), asdict(sample))


def _order(members: Sequence[Member], turn: int) -> Sequence[Member]:
    """Return who is measured when: another one is first each time, forwards and backwards."""
    first = turn % len(members)
    rotated = [*members[first:], *members[:first]]
    return rotated[::-1] if turn % 2 else rotated


def _measure(op: Op, scene: Scene, plan: Plan) -> Sample:
    if op is Op.REFRESH:  # each token is used once
        scene = replace(scene, seeds=seeding.sign_in_all(scene.server, scene.target.api, scene.folder))
    return operations.run(op, scene, plan, warm=False)
