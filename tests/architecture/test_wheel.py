"""The wheel works outside the checkout, migrations and pages included."""

import site
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.server import server_env

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the checkout, without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(
        sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index",
        "--no-build-isolation", "--wheel-dir", str(folder), str(CHECKOUT), cwd=folder,
    )  # fmt: skip
    return next(folder.glob("gatepost-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel alone into an environment that sees our libraries, but not the checkout; return its `bin`."""
    environment = tmp_path_factory.mktemp("environment")
    _run(sys.executable, "-m", "venv", "--without-pip", str(environment), cwd=environment)
    packages = next(environment.glob("lib/python*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    # Libraries only: the folder's own .pth, which leads to the checkout, is not read from there.
    (packages / "libraries.pth").write_text("\n".join(site.getsitepackages()) + "\n", encoding="utf-8")
    return environment / "bin"


def test_wheel_holds_every_migration(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = {Path(name).name for name in archive.namelist() if name.startswith("gatepost/_alembic/versions/")}

    assert inside == {path.name for path in (CHECKOUT / "alembic/versions").glob("*.py")}


def test_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    sources = (CHECKOUT / "src").rglob("*")
    files = [path for path in sources if path.is_file() and "__pycache__" not in path.parts]

    assert [path.name for path in files if str(path.relative_to(CHECKOUT / "src")) not in inside] == []


def test_wheel_holds_the_client_that_the_pages_import(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = {Path(name).name for name in archive.namelist() if name.startswith("gatepost/_client/")}

    assert inside == {path.name for path in (CHECKOUT / "packages/js/src").iterdir()}


def test_installed_wheel_migrates_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    python = str(installed / "python")
    where = _run(python, "-c", "import gatepost; print(gatepost.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)

    command = (python, "-m", "gatepost")
    newest = sorted(path.name[:4] for path in (CHECKOUT / "alembic/versions").glob("*.py"))[-1]
    assert _run(*command, "migrate", cwd=tmp_path) == f"empty -> {newest}\n"
    assert _run(*command, "migrate", "base", "--yes", cwd=tmp_path) == f"{newest} -> empty\n"
    assert _run(*command, "migrate", cwd=tmp_path) == f"empty -> {newest}\n"
    assert "has the newest schema" in _run(*command, "doctor", cwd=tmp_path)


def _run(*command: str, cwd: Path) -> str:
    result = subprocess.run(
        command, cwd=cwd, env=server_env(), capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout
