"""`make bench`: measure everything and write docs/benchmarks/.

    python -m benchmarks.bench [quick|full] [--only gatepost,express] [--minutes 10] [--fresh]

A run that was stopped, or had too little time, goes on where it was; `--fresh` forgets it.
"""

import argparse
import signal
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks.bench import plan, report
from benchmarks.bench.databases import scratch
from benchmarks.bench.runner import Runner
from benchmarks.bench.store import Store
from benchmarks.bench.targets import BUILD, ROOT

RESULTS = ROOT / "docs" / "benchmarks"
MINUTES = {"quick": 15.0, "full": 100.0}


def main() -> None:
    """Run, and report."""
    # Whoever is told to stop stops its server, and drops its databases.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    arguments = _arguments()
    chosen = plan.PLANS[arguments.plan]
    kept = BUILD / f"measured-{chosen.name}.jsonl"
    if arguments.fresh:
        kept.unlink(missing_ok=True)
    kept.parent.mkdir(parents=True, exist_ok=True)
    store = Store(kept)
    deadline = time.monotonic() + 60 * (arguments.minutes or MINUTES[chosen.name])
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TimeRemainingColumn())  # fmt: skip
    with scratch() as (databases, folder), Progress(*columns, console=console) as progress:
        task = progress.add_task("starting")

        def step(what: str) -> None:
            measured = sum("error" not in entry for entry in store.entries() if entry["op"] != "start")
            progress.update(task, description=what, completed=measured)
            if not console.is_terminal:
                console.print(what)

        runner = Runner(
            chosen, store, databases=databases, folder=folder, deadline=deadline, step=step,
            only=frozenset(filter(None, arguments.only.split(","))),
        )  # fmt: skip
        progress.update(task, total=runner.steps())
        runner.run()
        is_complete = time.monotonic() < deadline
        step("done")
    output = Path(arguments.output)
    report.write(store, chosen, output)
    if is_complete:
        kept.unlink(missing_ok=True)
    for (target, op), error in store.errors().items():
        console.print(f"[red]not measured[/red] {target}, {op}: {error.strip()[:300]}", markup=True, highlight=False)
    console.print(f"Written to {output}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("plan", nargs="?", choices=list(plan.PLANS), default=plan.FULL.name)
    parser.add_argument("--only", default="", help="names of targets, comma-separated")
    parser.add_argument("--minutes", type=float, help="begin no measurement after this time")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier run has measured")
    parser.add_argument("--output", default=str(RESULTS), help="folder of the table and the plots")
    return parser.parse_args()


if __name__ == "__main__":
    main()
