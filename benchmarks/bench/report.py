"""What was measured, as JSON, as a page of tables, and as plots."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.bench import ceilings, machine, plots
from benchmarks.bench.goals import GOALS
from benchmarks.bench.plan import CONNECTIONS, HERD, WATCHERS, WRITERS, Plan
from benchmarks.bench.runner import FEW, GROWTH_OPS, MANY, START
from benchmarks.bench.side_by_side import GROUPS, beside
from benchmarks.bench.store import Store
from benchmarks.bench.targets import BY_NAME, TARGETS, Op

NOTHING = "–"


def write(store: Store, plan: Plan, folder: Path) -> None:
    """Write results.json, results.md and the plots."""
    folder.mkdir(parents=True, exist_ok=True)
    about = machine.describe()
    kept = {"plan": plan.name, "machine": about, "measurements": store.entries()}
    (folder / "results.json").write_text(json.dumps(kept, indent=1) + "\n")
    parts = [
        "# Results", _intro(store, plan), "## Against the goals", _goals(store),
        "## Side by side", _side_by_side(store), "## Every operation", *_operations(store),
        "## The limits that are no servers", _limits(store), "## Start and memory", _starts(store),
        "## Growth", _growth(store, plan), "## The machine and the versions", _table(("", ""), about.items()),
        "## Not measured", _errors(store),
    ]  # fmt: skip
    (folder / "results.md").write_text("\n\n".join(parts) + "\n")
    plots.draw(store, folder)


def _intro(store: Store, plan: Plan) -> str:
    rounds, turns = store.rounds(START), min(store.rounds(beside(op)) for op in (Op.VERIFIED, Op.REFRESH))
    day = datetime.now(UTC).date().isoformat()
    return (
        f"Written by `make bench BENCH={plan.name}` on {day}; `docs/benchmarks/README.md` tells how to read it. "
        f"Medians of {rounds} rounds, in which all take their turn; ratios are taken within a round, and where "
        f"servers were measured side by side, within one of {turns} turns. wrk keeps "
        f"{CONNECTIONS} connections open for what reads and {WRITERS} for what writes. The herd is {HERD} connections "
        f"that sign in, beside {WATCHERS} that read."
    )


def _goals(store: Store) -> str:
    lines = []
    for goal in GOALS:
        value = goal.find(store)
        bound = f"{'≥' if goal.at_least else '≤'} {goal.bound:g} {goal.unit}"
        found = NOTHING if value is None else f"{value:.2f} {goal.unit}"
        verdict = NOTHING if value is None else "yes" if goal.is_met(value) else "**no**"
        lines.append((goal.text, bound, found, verdict))
    return _table(("figure", "goal", "measured", "met"), lines)


def _side_by_side(store: Store) -> str:
    lines = [
        (BY_NAME[name].label, op, f"{rate:,.1f}")
        for group in GROUPS
        for name, op in group
        if (rate := store.median(name, beside(op), "per_second")) is not None
    ]
    return _table(("", "", "a second"), lines)


def _operations(store: Store) -> Iterable[str]:
    for op in Op:
        lines = []
        for target in TARGETS:
            rate = store.median(target.name, op, "per_second")
            if rate is None:
                continue
            p50, p99, cpu, share = (
                store.median(target.name, op, name) or 0 for name in ("p50_ms", "p99_ms", "cpu_us", "load_cpu_share")
            )
            lines.append((target.label, f"{rate:,.1f}", f"{p50:.2f}", f"{p99:.2f}", f"{cpu:,.0f}", f"{share:.0%}"))
        if not lines:
            continue
        heads = ("", "a second", "p50 ms", "p99 ms", "CPU µs a request", "wrk's share of a core")
        yield f"### {op.value[0].upper()}{op.value[1:]}\n\n" + _table(heads, lines)
        yield f"![{op}]({plots.name_of(op)})"


def _limits(store: Store) -> str:
    pairs = [(ceilings.BCRYPT, f"cost {cost}") for cost in ceilings.COSTS] + [(ceilings.UPDATE, "update")]
    lines = [
        (f"{ceilings.LABELS[name]}, {op}", f"{rate:,.1f}")
        for name, op in pairs
        if (rate := store.median(name, op, "per_second")) is not None
    ]
    return _table(("", "a second"), lines)


def _starts(store: Store) -> str:
    lines = []
    for target in TARGETS:
        seconds, memory = (store.median(target.name, START, name) for name in ("start_seconds", "rss_mib"))
        if seconds is None or memory is None:
            continue
        later = [store.median(target.name, op, "rss_mib") or 0 for op in target.ops]
        lines.append((target.label, f"{seconds:.2f}", f"{memory:.0f}", f"{max(later):.0f}"))
    heads = ("", "s from the command to the first answer", "MiB then", "MiB after the load")
    return _table(heads, lines)


def _growth(store: Store, plan: Plan) -> str:
    lines = []
    for op in GROWTH_OPS:
        few, many = (store.median(name, op, "per_second") for name in (FEW, MANY))
        if few is None or many is None:
            continue
        late = [store.median(name, op, "p99_ms") or 0 for name in (FEW, MANY)]
        lines.append((op, f"{few:,.1f}", f"{many:,.1f}", f"{late[0]:.2f}", f"{late[1]:.2f}"))
    if not lines:
        return "Not measured."
    few_text, many_text = f"{plan.few_accounts:,}", f"{plan.many_accounts:,}"
    heads = ("a second, by accounts and sessions", few_text, many_text, f"p99 ms, {few_text}", f"p99 ms, {many_text}")
    return _table(heads, lines) + f"\n\n![growth]({plots.GROWTH})"


def _errors(store: Store) -> str:
    errors = [f"- {target}, {op}: {' '.join(error.split())[:200]}" for (target, op), error in store.errors().items()]
    return "\n".join(errors) or "Everything was."


def _table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rule = ["---"] + ["---:" if len(heads) > 2 else "---"] * (len(heads) - 1)
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in [heads, rule, *lines])
