"""Servers against each other in short turns: a machine whose clock wanders slows neighbours alike."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, replace

from benchmarks.bench import operations, seeding
from benchmarks.bench.operations import Scene
from benchmarks.bench.plan import Plan
from benchmarks.bench.store import Store
from benchmarks.bench.targets import TARGETS, Op, Target
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

    A group that fails is noted in the store.
    """
    targets = {target.name: target for target in TARGETS}
    plan = replace(plan, read_seconds=READ_SECONDS, write_seconds=WRITE_SECONDS)
    for group in GROUPS:
        members = [(name, op) for name, op in group if takes(name)]
        if all(store.has(turn, name, beside(op)) for name, op in members for turn in range(plan.turns)):
            continue
        try:
            with ExitStack() as stack:
                names = sorted({name for name, _ in members})
                scenes = {name: stack.enter_context(scene_of(targets[name])) for name in names}
                for turn in range(-1, plan.turns):
                    # Each has each place in turn.
                    first = turn % len(members)
                    for name, op in members[first:] + members[:first]:
                        if time.monotonic() > deadline:
                            return
                        step(f"turn {turn + 1}: {targets[name].label}, {beside(op)}")
                        sample = _measure(op, scenes[name], plan)
                        if turn >= 0:
                            store.add(turn, name, beside(op), asdict(sample))
        except Exception as error:  # noqa: BLE001  a group that fails must not end the run
            for name, op in members:
                if not store.has(0, name, beside(op)):
                    store.add(0, name, beside(op), {"error": f"{type(error).__name__}: {error}"[-2000:]})


def _measure(op: Op, scene: Scene, plan: Plan) -> Sample:
    if op is Op.REFRESH:  # each token is used once
        scene = replace(scene, seeds=seeding.sign_in_all(scene.server, scene.target.api, scene.folder))
    return operations.run(op, scene, plan, warm=False)
