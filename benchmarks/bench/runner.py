"""A run: round after round, target after target, each started, measured and stopped."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from benchmarks.bench import ceilings, growth, operations, seeding, side_by_side
from benchmarks.bench.apis import PASSWORD
from benchmarks.bench.databases import Databases, execute
from benchmarks.bench.operations import Scene
from benchmarks.bench.plan import Plan
from benchmarks.bench.processes import Server, free_port, running
from benchmarks.bench.seeding import Seeds
from benchmarks.bench.store import Store
from benchmarks.bench.targets import BY_NAME, OURS, TARGETS, Op, Target

START = "start"
GROWTH_OPS = (Op.VERIFIED, Op.SIGN_IN, Op.REFRESH)
FEW, MANY = "gatepost-few", "gatepost-many"
GROWN_TOKENS = 20_000
GROWN_SIGN_INS = 2_000
# Passwords are still hashed when the load program has gone: what else is measured comes before them.
LEAVES_WORK = frozenset({Op.SIGN_IN, Op.SIGN_UP, Op.HERD})
# Nothing of the bench is taken from, or given to, a Gatepost that is set up on this machine.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")

Step = Callable[[str], None]


class Runner:
    """Measures what is not in the store yet; what fails is noted there, and the run goes on."""

    def __init__(
        self, plan: Plan, store: Store, *, databases: Databases, folder: Path, deadline: float, step: Step,
        only: frozenset[str],
    ) -> None:  # fmt: skip
        self._plan = plan
        self._store = store
        self._databases = databases
        self._folder = folder
        self._deadline = deadline
        self._step = step
        self._only = only
        self._prepared: set[str] = set()

    def steps(self) -> int:
        """Return how many measurements a whole run has."""
        turns = sum(len(target.ops) for target in self._targets()) + 3
        grown = 2 * len(GROWTH_OPS) if self._takes(MANY) else 0
        return (turns + grown) * self._plan.rounds + side_by_side.count(self._plan, self._takes)

    def run(self) -> None:
        """Measure in turn, what the goals compare first; where the time is short, the last round lacks something."""
        side_by_side.run(
            self._plan, self._store, scene_of=self._scene, takes=self._takes, deadline=self._deadline, step=self._step
        )
        for turn in range(self._plan.rounds):
            for cost in ceilings.COSTS:
                self._number(
                    turn, ceilings.BCRYPT, f"cost {cost}", lambda cost=cost: ceilings.bcrypt_rate(cost, self._plan)
                )
            for target in self._targets():
                self._measure(turn, target, target.ops)
                if target.name == "gatepost":
                    url = self._databases.url(target.name, kind=target.database)
                    self._number(turn, ceilings.UPDATE, "update", lambda url=url: ceilings.update_rate(url, self._plan))
            if self._takes(MANY):
                for name in (FEW, MANY):
                    self._measure(turn, _grown(name), GROWTH_OPS)

    def _targets(self) -> list[Target]:
        return [target for target in TARGETS if self._takes(target.name)]

    def _takes(self, name: str) -> bool:
        return not self._only or name in self._only

    def _number(self, turn: int, name: str, op: str, measure: Callable[[], float]) -> None:
        if not self._takes(name) or self._store.has(turn, name, op) or time.monotonic() > self._deadline:
            return
        self._step(f"round {turn + 1}: {ceilings.LABELS[name]}, {op}")
        try:
            self._store.add(turn, name, op, {"per_second": measure()})
        except Exception as error:  # noqa: BLE001  one that fails must not end the run
            self._store.fail(turn, name, op, error)

    def _measure(self, turn: int, target: Target, ops: tuple[Op, ...]) -> None:
        wanted = [op for op in ops if not self._store.has(turn, target.name, op)]
        if not wanted or time.monotonic() > self._deadline:
            return
        self._step(f"round {turn + 1}: {target.label}, start")
        try:
            with self._scene(target) as scene:
                figures = {"start_seconds": scene.server.start_seconds, "rss_mib": scene.server.rss_mib()}
                self._store.add(turn, target.name, START, figures)
                for op in sorted(wanted, key=LEAVES_WORK.__contains__):
                    self._one(turn, op, scene)
        except Exception as error:  # noqa: BLE001
            for op in wanted:
                if not self._store.has(turn, target.name, op):
                    self._store.fail(turn, target.name, op, error)

    def _one(self, turn: int, op: Op, scene: Scene) -> None:
        if time.monotonic() > self._deadline:
            return
        self._step(f"round {turn + 1}: {scene.target.label}, {op}")
        try:
            sample = operations.run(op, scene, self._plan)
            self._store.add(turn, scene.target.name, op, asdict(sample))
        except Exception as error:  # noqa: BLE001
            self._store.fail(turn, scene.target.name, op, error)

    @contextmanager
    def _scene(self, target: Target) -> Iterator[Scene]:
        url = self._databases.url(target.name, kind=target.database) if target.database else ""
        port = free_port()
        kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        env = {**kept, "DATABASE_URL": url, "PORT": str(port), "DATA_DIR": str(self._folder / "data"), **target.env}
        is_new = target.name not in self._prepared
        if is_new and target.prepare:
            subprocess.run(target.prepare, cwd=target.cwd, env=env, check=True, capture_output=True, timeout=120)
        command = [part.replace("{port}", str(port)) for part in target.command]
        log = self._folder / f"{target.name}.log"
        ready = target.api.public or target.api.user
        with running(command, port=port, ready=ready, cwd=target.cwd, env=env, log=log) as server:
            seeds = self._seeds(target, server, url, env, is_new=is_new) if target.database else None
            self._prepared.add(target.name)
            yield Scene(target, server, seeds, url, env, self._folder)

    def _seeds(self, target: Target, server: Server, url: str, env: dict[str, str], *, is_new: bool) -> Seeds:
        if target.name in (FEW, MANY):
            return self._grown_seeds(target, server, url, env, is_new=is_new)
        if is_new:
            seeding.sign_up_all(server, target.api)
            seeding.promote(target, url)
        return seeding.sign_in_all(server, target.api, self._folder)

    def _grown_seeds(self, target: Target, server: Server, url: str, env: dict[str, str], *, is_new: bool) -> Seeds:
        accounts = self._plan.few_accounts if target.name == FEW else self._plan.many_accounts
        if is_new:
            stored = growth.hash_of(PASSWORD, python=OURS / "python", cost=12, env=env)
            growth.fill(url, accounts=accounts, password_hash=stored, key_id="benchmark")
        # What an earlier round has refreshed is at its first token again.
        execute(url, "UPDATE sessions SET generation = 0 WHERE generation > 0")
        command = [str(OURS / "python"), str(Path(__file__).with_name("refresh_of.py"))]
        ids = "".join(f"{number}\n" for number in growth.numbers(accounts, count=min(accounts, GROWN_TOKENS)))
        tokens = subprocess.run(command, input=ids, env=env, check=True, capture_output=True, text=True).stdout
        names = growth.numbers(accounts, count=GROWN_SIGN_INS)
        return seeding.grown(server, target.api, self._folder, tokens=tokens.split(), numbers=names)


def _grown(name: str) -> Target:
    base = BY_NAME["gatepost"]
    return Target(name, name, base.api, base.command, base.cwd, base.env, GROWTH_OPS, base.prepare)
