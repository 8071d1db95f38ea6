"""The wheel where nothing else is installed: what a service gets that only verifies tokens."""

import json
import re
import subprocess
import sys
import venv
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.sdk.conftest import Issuer
from tests.support.missing import lacking
from tests.support.server import server_env

CHECKOUT = Path(__file__).parents[2]
MOST_PACKAGES = 10
# Prints what each token is, and what is installed and loaded.
SCRIPT = """
import importlib.metadata, json, sys
from gatepost.sdk import TokenVerifier, Unauthorized

issuer, *tokens = sys.argv[1:]
answers = []
for audience in ("gatepost", "another"):
    verifier = TokenVerifier(issuer=issuer, audience=audience)
    for token in tokens:
        try:
            answers.append(verifier.verify(token).username)
        except Unauthorized as error:
            answers.append(error.code)
packages = sorted(package.name for package in importlib.metadata.distributions())
print(json.dumps({"answers": answers, "packages": packages, "file": sys.modules["gatepost"].__file__}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the checkout, without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    _pip("wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(folder), str(CHECKOUT))
    return next(folder.glob("gatepost-*.whl"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an empty environment, with what it asks for and no more; return its Python."""
    libraries = tmp_path_factory.mktemp("libraries")
    with zipfile.ZipFile(wheel) as archive:
        metadata = message_from_bytes(archive.read(next(n for n in archive.namelist() if n.endswith("/METADATA"))))
    needed = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    try:
        _pip("download", "--only-binary", ":all:", "--dest", str(libraries), *needed)
    except AssertionError as error:
        lacking(f"pip cannot fetch {needed}: it needs PyPI, or PIP_FIND_LINKS with their wheels. {str(error)[-300:]}")
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    # pip chooses what belongs to the wheel, among what was fetched.
    _pip("--python", str(python), "install", "--no-index", "--find-links", str(libraries), str(wheel))
    return python


def test_token_is_verified_with_few_packages(python: Path, issuer: Issuer) -> None:
    token = issuer.sign_up("Zoë")
    changed = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")

    told = json.loads(_run(python, "-c", SCRIPT, issuer.url, token, changed).stdout)

    assert told["answers"] == ["Zoë", "token_invalid", "token_invalid", "token_invalid"]
    assert Path(told["file"]).is_relative_to(python.parents[1])
    assert "gatepost" in told["packages"]
    assert len(told["packages"]) <= MOST_PACKAGES, told["packages"]
    server = {"sqlalchemy", "alembic", "bcrypt", "passlib", "python-jose", "fastapi", "uvicorn", "pydantic"}
    assert server.isdisjoint(name.lower() for name in told["packages"])


def test_what_needs_more_says_how_to_install_it(python: Path) -> None:
    kit = _run(python, "-c", "from gatepost.sdk import Gatepost")
    service = _run(python, "-m", "gatepost", "serve")

    assert kit.stderr.splitlines()[-1].endswith("pip install 'gatepost[fastapi]'")
    assert service.returncode == 1
    assert re.fullmatch(
        r"gatepost: the service needs the package \w+: pip install 'gatepost\[server\]'\n", service.stderr
    )


def _run(python: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    # -I: nothing of the checkout, nor of whoever runs the tests.
    command = [str(python), "-I", *arguments]
    return subprocess.run(command, env=server_env(), capture_output=True, text=True, timeout=120, check=False)


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    result = subprocess.run(command, env=server_env(), capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
