"""The plots: a bar a target for each operation, and the growth."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.bench.runner import FEW, GROWTH_OPS, MANY
from benchmarks.bench.store import Store
from benchmarks.bench.targets import TARGETS, Op, Target

GROWTH = "growth.svg"
OURS, THEIRS, LIMITS = "#2563eb", "#9ca3af", "#d97706"
BAR_INCHES = 0.38


def name_of(op: Op) -> str:
    """Return the file of an operation's plot."""
    return "".join(character if character.isalnum() else "-" for character in op.value.lower()) + ".svg"


def draw(store: Store, folder: Path) -> None:
    """Draw every plot of which there are figures."""
    # Text stays text, and the same figures give the same file.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "gatepost", "font.size": 9})
    for op in Op:
        figure, unit = ("p99_ms", "p99 in ms, less is better") if op is Op.HERD else ("per_second", "requests a second")
        found = [(target, store.median(target.name, op, figure)) for target in TARGETS]
        bars = [(target, value) for target, value in found if value is not None]
        if bars:
            _bars(bars, title=op.value, unit=unit, is_wide=op is Op.HERD, path=folder / name_of(op))
    _growth(store, folder / GROWTH)


def _bars(bars: list[tuple[Target, float]], *, title: str, unit: str, is_wide: bool, path: Path) -> None:
    picture = Figure(figsize=(8, 0.9 + BAR_INCHES * len(bars)), layout="constrained")
    axes = picture.add_subplot()
    drawn = axes.barh(
        [_wrapped(target.label) for target, _ in bars], [value for _, value in bars],
        color=[_color(target) for target, _ in bars],
    )  # fmt: skip
    axes.bar_label(drawn, labels=[f"{value:,.0f}" if value >= 10 else f"{value:.1f}" for _, value in bars], padding=3)
    if is_wide:
        axes.set_xscale("log")
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set(title=title, xlabel=unit)
    axes.spines[["top", "right"]].set_visible(False)
    picture.savefig(path, metadata={"Date": None})


def _growth(store: Store, path: Path) -> None:
    picture = Figure(figsize=(8, 2.8), layout="constrained")
    axes = picture.add_subplot()
    for place, op in enumerate(GROWTH_OPS):
        few, many = (store.median(name, op, "per_second") for name in (FEW, MANY))
        if few and many:
            axes.bar(place, many / few, color=OURS, width=0.5)
            axes.annotate(f"{many / few:.2f}", (place, many / few), ha="center", va="bottom")
    axes.axhline(1, color=THEIRS, linewidth=1)
    axes.set(title="Many accounts and sessions against few", ylabel="ratio of requests a second", ylim=(0, 1.3))
    axes.set_xticks(range(len(GROWTH_OPS)), [op.value for op in GROWTH_OPS])
    axes.spines[["top", "right"]].set_visible(False)
    picture.savefig(path, metadata={"Date": None})


def _wrapped(label: str) -> str:
    return label.replace(", gunicorn", "\ngunicorn")


def _color(target: Target) -> str:
    if target.is_gatepost:
        return OURS
    return THEIRS if target.database else LIMITS
