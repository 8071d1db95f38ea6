"""A real `gatepost serve` under the address that its tokens name, and other services beside it."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.missing import lacking, program
from tests.support.server import START_SECONDS, GatepostServer, gatepost_server, server_env

PASSWORD = "correct horse"
JOSE = "jose@6.2.18"
PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class Issuer:
    """The service, and a resource server that is registered there as `notes`."""

    url: str
    secret: str
    server: GatepostServer

    def sign_up(self, username: str) -> str:
        """Make an account; return its access token."""
        body = {"username": username, "email": f"{username.lower()}@example.com", "password": PASSWORD}
        answer = httpx.post(f"{self.url}/api/auth/signup", json=body, trust_env=False)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["accessToken"])

    def sign_in(self, username: str) -> str:
        """Sign in once more; return the access token."""
        body = {"username": username, "password": PASSWORD}
        answer = httpx.post(f"{self.url}/api/auth/signin", json=body, trust_env=False)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["accessToken"])

    def create_admin(self, username: str) -> str:
        """Make an administrator; return the access token."""
        arguments = ("--username", username, "--email", f"{username.lower()}@example.com", "--password-stdin")
        self.server.command("create-admin", *arguments, stdin=f"{PASSWORD}\n")
        return self.sign_in(username)

    def sign_out(self, token: str) -> None:
        """End the session of an access token."""
        answer = httpx.post(f"{self.url}/api/auth/signout", headers=bearer(token), trust_env=False)
        assert answer.status_code == 204, answer.text


def bearer(token: str) -> dict[str, str]:
    """Return the header for an access token."""
    return {"Authorization": f"Bearer {token}"}


def free_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def issuer_of(folder: Path, **env: str) -> Iterator[Issuer]:
    """Run the service until the block ends."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with gatepost_server(folder, PORT=str(port), PUBLIC_URL=url, **env) as server:
        told = dict(line.split("=", 1) for line in server.command("clients", "add", "notes").splitlines())
        yield Issuer(url, told["client_secret"], server)


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    """Give the service."""
    with issuer_of(tmp_path_factory.mktemp("issuer")) as issuer:
        yield issuer


@contextmanager
def process(command: list[str], *, folder: Path, ready: str, env: dict[str, str] | None = None) -> Iterator[None]:
    """Run another service until the block ends; it is ready when it answers this address, whatever it answers."""
    log = folder / f"process-{urlsplit(ready).port}.log"
    with log.open("wb") as output:
        running = subprocess.Popen(
            command, cwd=folder, env=env or server_env(), stdout=output, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert running.poll() is None, f"it ended with {running.returncode}: {log.read_text()}"
            try:
                httpx.get(ready, trust_env=False)
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline, f"it does not answer: {log.read_text()}"
                time.sleep(PAUSE_SECONDS)
        yield
    finally:
        running.send_signal(signal.SIGTERM)
        try:
            running.wait(timeout=60)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


@contextmanager
def uvicorn_app(folder: Path, **env: str) -> Iterator[httpx.Client]:
    """Run `app` of `app.py` in a folder under a real uvicorn; give a client of it."""
    url = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", url.rpartition(":")[2]]
    with (
        process(command, folder=folder, ready=f"{url}/docs", env=server_env(**env)),
        httpx.Client(base_url=url, trust_env=False) as client,
    ):
        yield client


def until(is_so: Callable[[], bool], *, seconds: float) -> None:
    """Wait for what another process brings about."""
    deadline = time.monotonic() + seconds
    while True:
        in_time = time.monotonic() < deadline
        if is_so():
            return
        assert in_time, f"it does not come about in {seconds} s"
        time.sleep(PAUSE_SECONDS)


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which Node finds `jose`; npm fetches it once a run."""
    program("node", package="Node.js 20 or newer")
    npm = program("npm", package="npm, such as Debian's npm")
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text('{"type": "module", "private": true}')
    arguments = ("install", "--no-audit", "--no-fund", "--ignore-scripts", "--save-exact", JOSE)
    result = subprocess.run([npm, *arguments], cwd=folder, capture_output=True, text=True, timeout=120)
    if result.returncode != 0:
        reason = f"npm cannot install {JOSE}: it needs the network or a registry nearby. {result.stderr.strip()[-300:]}"
        lacking(reason)
    return folder


def run_node(folder: Path, script: str, **env: str) -> "subprocess.Popen[str]":
    """Start a script in a folder with `jose`; its standard streams are pipes."""
    (folder / "main.mjs").write_text(script)
    options: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(["node", "main.mjs"], cwd=folder, env=server_env(**env), text=True, **options)
