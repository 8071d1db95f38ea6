"""The service as a real process, and as a real server inside the test: for what a socket alone can show."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn
from starlette.types import ASGIApp

from gatepost.core.settings import Settings
from gatepost.http.server.protocol import GuardedProtocol

START_SECONDS = 90
STOP_SECONDS = 60
POLL_SECONDS = 0.05
COMMAND = (sys.executable, "-m", "gatepost")
LISTENS = re.compile(r"running on http://[^\s:]+:(\d+)")


@dataclass(frozen=True)
class GatepostServer:
    """A `gatepost serve` that answers at `url`; `env` and `folder` let a test run commands beside it."""

    url: str
    folder: Path
    env: dict[str, str]
    process: subprocess.Popen[bytes]

    @property
    def log(self) -> str:
        """What it has written so far."""
        return _log(self.folder)

    def command(self, *arguments: str, stdin: str = "") -> str:
        """Run a `gatepost` command on the same settings; return what it prints."""
        return run_gatepost(*arguments, folder=self.folder, env=self.env, stdin=stdin)


@contextmanager
def gatepost_server(folder: Path | None = None, /, **env: str) -> Iterator[GatepostServer]:
    """Run `gatepost serve` on a free port until the block ends, then stop it with SIGTERM and check that it ended well.

    The process runs in `folder` (a temporary one by default; a `.env` in it is read), keeps its data there, and has
    none of the settings of whoever runs the tests, only those given: `gatepost_server(JWT_ALGORITHM="RS256")`. With
    MySQL, run `migrate` first: `run_gatepost("migrate", folder=…, env=server_env(DATABASE_URL=…))`.
    """
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatepost-server-")))
        environment = server_env(**env)
        with (folder / "server.log").open("wb") as log:
            process = subprocess.Popen(
                [*COMMAND, "serve"], cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            yield GatepostServer(_wait_until_alive(process, folder), folder, environment, process)
            _stop(process, folder)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def run_gatepost(*arguments: str, folder: Path, env: dict[str, str] | None = None, stdin: str = "") -> str:
    """Run one `gatepost` command in a folder; return what it prints.

    Raises:
        AssertionError: it failed; the message holds what it said.
    """
    result = subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=env or server_env(),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def server_env(**env: str) -> dict[str, str]:
    """Return the environment of a process under test: ours without any setting, and then these."""
    names = {name.upper() for name in Settings.model_fields}
    kept = {name: value for name, value in os.environ.items() if name.upper() not in names}
    return {
        **kept,
        "PYTHONUNBUFFERED": "1",
        "PORT": "0",
        "DATA_DIR": "data",
        "BCRYPT_ROUNDS": "4",
        "WEAK_HASHES_IN_PRODUCTION": "true",
        "DRAIN_SECONDS": "0",
        **env,
    }


@contextmanager
def free_port() -> Iterator[socket.socket]:
    """Give a listening socket on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def address(listener: socket.socket) -> str:
    """Return the URL at which a socket listens."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


@asynccontextmanager
async def served(app: ASGIApp, listener: socket.socket | None = None) -> AsyncIterator[str]:
    """Serve an app of this process on a real socket, so that a browser reaches it while the test owns its clock.

    Gives the URL. The app's lifespan is entered and left here. A socket that is given stays open, for the next app.
    """
    with contextlib.ExitStack() as stack:
        listener = listener or stack.enter_context(free_port())
        server = _QuietServer(
            uvicorn.Config(
                app,
                http=GuardedProtocol,
                lifespan="on",
                ws="none",
                log_level="warning",
                timeout_graceful_shutdown=STOP_SECONDS,
            )
        )
        task = asyncio.create_task(server.serve(sockets=[listener.dup()]))
        deadline = time.monotonic() + START_SECONDS
        while not server.started:
            assert not task.done(), "the server did not start"
            assert time.monotonic() < deadline, "the server does not start"
            await asyncio.sleep(POLL_SECONDS)
        try:
            yield address(listener)
        finally:
            server.should_exit = True
            await task


class _QuietServer(uvicorn.Server):
    """Leaves the signals to pytest."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _wait_until_alive(process: subprocess.Popen[bytes], folder: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"gatepost serve ended with {process.returncode}: {_log(folder)}"
        listens = LISTENS.search(_log(folder))
        if listens:
            url = f"http://127.0.0.1:{listens[1]}"
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{url}/healthz", trust_env=False).is_success:
                    return url
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"gatepost serve does not answer: {_log(folder)}")


def _stop(process: subprocess.Popen[bytes], folder: Path) -> None:
    # A test may have sent it before.
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    code = process.wait(timeout=STOP_SECONDS)
    # uvicorn cleans up and then raises the signal again, so that whoever waits sees why it ended.
    assert code in (0, -signal.SIGTERM), f"gatepost serve ended with {code}: {_log(folder)}"
    assert "Application shutdown complete" in _log(folder), _log(folder)
    assert "Traceback" not in _log(folder), _log(folder)


def _log(folder: Path) -> str:
    return (folder / "server.log").read_text(encoding="utf-8", errors="replace")
