"""What must be installed for `gatepost.sdk.Gatepost`."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
INSTALLED_WITH_IT = (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["fastapi"])
# Nothing else can be imported, as where nothing else is installed.
SCRIPT = """
import sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in hidden:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

hidden = set(sys.argv[1:])
sys.meta_path.insert(0, Nothing())
import gatepost.sdk
gatepost.sdk.Gatepost(issuer="http://localhost:8080", client_id="notes", client_secret="x")
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_little_is_installed_for_it() -> None:
    enough = _closure(INSTALLED_WITH_IT) | {"gatepost"}
    owners = {name: {_normal(owner) for owner in them} for name, them in packages_distributions().items()}
    hidden = {name for name, them in owners.items() if not them & enough}
    server = {"sqlalchemy", "aiomysql", "aiosqlite", "alembic", "passlib", "jose", "uvicorn", "pydantic_settings"}
    assert server <= hidden

    result = subprocess.run([sys.executable, "-c", SCRIPT, *hidden], capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stderr
    assert {"gatepost", "fastapi", "cryptography"} <= set(result.stdout.split())


def _closure(names: tuple[str, ...]) -> set[str]:
    """Return the distributions that pip installs with these."""
    found: set[str] = set()
    waiting = [Requirement(name) for name in names]
    while waiting:
        requirement = waiting.pop()
        if _normal(requirement.name) in found:
            continue
        try:
            lines = requires(requirement.name) or []
        except PackageNotFoundError:  # for another system or Python than this one
            continue
        found.add(_normal(requirement.name))
        for line in map(Requirement, lines):
            extras = requirement.extras or {""}
            if line.marker is None or any(line.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(line)
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
