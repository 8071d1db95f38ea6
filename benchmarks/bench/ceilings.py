"""The limits that are no servers: bcrypt on every core, and one conditional UPDATE by aiomysql."""

import subprocess

from benchmarks.bench.plan import WRITERS, Plan
from benchmarks.bench.targets import CORES, OURS, PEERS

BCRYPT = "raw-bcrypt"
UPDATE = "raw-update"
COSTS = (12, 8)
LABELS = {BCRYPT: f"raw bcrypt.checkpw, {CORES} threads", UPDATE: "raw conditional UPDATE by aiomysql, MariaDB"}


def bcrypt_rate(cost: int, plan: Plan) -> float:
    """Return checks a second on all cores."""
    return _number("bcrypt_all_cores.py", str(plan.password_seconds), str(cost))


def update_rate(url: str, plan: Plan) -> float:
    """Return updates a second, on the sessions of a database of Gatepost."""
    return _number("conditional_update.py", url, str(plan.write_seconds), str(WRITERS))


def _number(program: str, *arguments: str) -> float:
    command = [str(OURS / "python"), str(PEERS / "limits" / program), *arguments]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
