"""On what it was measured: the machine, and the versions of what ran."""

import os
import platform
import subprocess
from pathlib import Path

from benchmarks.bench.databases import SERVER, rows
from benchmarks.bench.targets import OURS, PEERS, THEIRS

OUR_PACKAGES = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "sqlalchemy", "aiomysql", "pydantic",
                "bcrypt", "python-jose", "cryptography")  # fmt: skip
THEIR_PACKAGES = ("fastapi-users", "fastapi", "sqlalchemy", "bcrypt", "django", "djangorestframework",
                  "djangorestframework-simplejwt", "gunicorn", "pymysql")  # fmt: skip
SHOW = "import sys; from importlib.metadata import version; print(', '.join(f'{n} {version(n)}' for n in sys.argv[1:]))"


def describe() -> dict[str, str]:
    """Return what a reader needs to know of the machine and of the programs, in words."""
    return {
        "Processor": _processor(),
        "Memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "System": _said("uname", "-sr"),
        "Python": platform.python_version(),
        "Gatepost runs with": _said(str(OURS / "python"), "-c", SHOW, *OUR_PACKAGES),
        "The Python peers run with": _said(str(THEIRS / "python"), "-c", SHOW, *THEIR_PACKAGES),
        "Node.js": _said("node", "--version"),
        "The Node.js peers run with": ", ".join(_node(name) for name in ("express", "better_auth")),
        "Database": str(rows(SERVER, "SELECT VERSION()")[0][0]) + ", with its packaged settings",
        "Load program": _said("wrk", "--version").partition(" Copyright")[0],
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    name = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} × {name}"


def _node(name: str) -> str:
    listed = _said("npm", "ls", "--depth=0", "--parseable", "--long", "--prefix", str(PEERS / name))
    found = [line.split(":")[1].replace("@", " ") for line in listed.splitlines()[1:] if ":" in line]
    return ", ".join(found)


def _said(*command: str) -> str:
    # wrk tells its version and then fails.
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip().partition("\n")[0] if command[0] != "npm" else done.stdout
