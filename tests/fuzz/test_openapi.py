"""Schemathesis sends what our OpenAPI document allows, and what it forbids; every answer is one that it documents."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.api import PASSWORD
from tests.support.server import GatepostServer, gatepost_server

EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "1")
SECONDS = 60 if EXAMPLES == "1" else 3600
PROGRAM = Path(sys.executable).with_name("st")
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
# These end the session that the rest is sent with.
ENDINGS = r"/signout|/users/me$|/not-me$"


@pytest.fixture(scope="module")
def server() -> Iterator[GatepostServer]:
    """Give a running service with an administrator, and somebody who is none."""
    with gatepost_server() as server:
        server.command(
            "create-admin",
            "--username",
            "boss",
            "--email",
            "boss@example.com",
            "--password-stdin",
            stdin=PASSWORD + "\n",
        )
        body = {"username": "abbey", "email": "abbey@example.com", "password": PASSWORD}
        assert httpx.post(f"{server.url}/api/auth/signup", json=body, trust_env=False).status_code == 201
        yield server


@pytest.mark.parametrize("who", ["nobody", "abbey", "boss"])
def test_every_answer_is_documented(server: GatepostServer, tmp_path: Path, who: str) -> None:
    headers = [] if who == "nobody" else ["--header", f"Authorization: Bearer {_access_token(server, who)}"]

    run = subprocess.run(
        [
            PROGRAM, "--config-file", CONFIGURATION, "run", f"{server.url}/openapi.json", "--checks", "all",
            "--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES, "--generation-deterministic",
            "--no-color", "--warnings", "off", *(["--exclude-path-regex", ENDINGS] if headers else []), *headers,
        ],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=10 * SECONDS,
    )  # fmt: skip

    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]


def _access_token(server: GatepostServer, username: str) -> str:
    body = {"username": username, "password": PASSWORD}
    answer = httpx.post(f"{server.url}/api/auth/signin", json=body, trust_env=False)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["accessToken"])
