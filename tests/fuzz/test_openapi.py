"""Schemathesis sends what our OpenAPI document allows, and what it forbids; every answer is one that it documents."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from tests.fuzz.budget import EXAMPLES, IS_LONG, SEED, UNLIMITED, seconds
from tests.support.server import GatepostServer, gatepost_server

# Of the time of `make fuzz`, for each of the three runs. Within it Schemathesis begins again with other examples.
PART = 0.2
HOW_LONG = ["--max-time", str(seconds(PART)), "--seed", str(SEED)] if IS_LONG else ["--generation-deterministic"]
# What has begun is ended, and failures are made smaller.
TIMEOUT = seconds(PART) + 300 if IS_LONG else 600
PROGRAM = Path(sys.executable).with_name("st")
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
# Without the right, a call is refused before anything else is read; the long form tries that a thousand times.
NO_ADMINISTRATION = () if IS_LONG else ("--exclude-tag", "administration")
PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def server() -> Iterator[GatepostServer]:
    """Give a running service that refuses nobody for having asked too often."""
    # A busy machine must not fail a test.
    settings = {"DB_TIMEOUT_SECONDS": "30", **{name.upper(): str(value) for name, value in UNLIMITED.items()}}
    with gatepost_server(**settings) as server:
        yield server


def test_every_answer_to_a_stranger_is_documented(server: GatepostServer, tmp_path: Path) -> None:
    _fuzz(server, tmp_path, SCHEMATHESIS_HOOKS="tests.fuzz.framing", PYTHONPATH=str(PROJECT))


@pytest.mark.parametrize(
    ("who", "tag", "options"), [("abbey", "account", NO_ADMINISTRATION), ("boss", "administration", ())]
)
def test_every_answer_is_documented(
    server: GatepostServer, tmp_path: Path, who: str, tag: str, options: Sequence[str]
) -> None:
    answered = tmp_path / "answered.json"

    _fuzz(
        server,
        tmp_path,
        *options,
        SCHEMATHESIS_HOOKS="tests.fuzz.signed_in",
        PYTHONPATH=str(PROJECT),
        FUZZ_WHO=who,
        FUZZ_URL=server.url,
        FUZZ_FOLDER=str(server.folder),
        FUZZ_ANSWERED=str(answered),
    )

    # Not every call was refused: what they may read, they have read.
    assert set(_readable(server, tag)) <= set(json.loads(answered.read_text()))


def _fuzz(server: GatepostServer, folder: Path, *options: str, **env: str) -> None:
    run = subprocess.run(
        [
            PROGRAM, "--config-file", CONFIGURATION, "run", f"{server.url}/openapi.json", "--checks", "all",
            "--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES or "1", *HOW_LONG,
            "--continue-on-failure", "--no-color", "--warnings", "off", *options,
        ],
        cwd=folder, env=server.env | env, capture_output=True, text=True, check=False, timeout=TIMEOUT,
    )  # fmt: skip

    # A request that failed may be longer than all else that is told.
    told = "\n".join(line[:1000] for line in (run.stdout + run.stderr).splitlines())
    assert run.returncode == 0, told[-20000:]


def _readable(server: GatepostServer, tag: str) -> Iterator[str]:
    document = httpx.get(f"{server.url}/openapi.json", trust_env=False).json()
    for path, operations in document["paths"].items():
        if tag in operations.get("get", {}).get("tags", ()):
            yield f"GET {path}"
