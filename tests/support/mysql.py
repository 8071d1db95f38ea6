"""Finds or starts the MySQL or MariaDB server that the tests run on."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiomysql
import pytest
from sqlalchemy import URL, make_url

from tests.support.missing import lacking
from tests.support.temporary import TEMPORARY

REASON = (
    "no MySQL server: install mariadb-server so that the tests can start their own, or set TEST_MYSQL_URL "
    "(mysql://user:password@host), or run one on 127.0.0.1:3306 with user root and no password"
)
LOCAL = "mysql://root@127.0.0.1:3306"
PROGRAMS = ("mariadbd", "mariadb-install-db")
START_SECONDS = 90
# Such a server may lose data in a crash; waiting for the disk took three quarters of a test's time.
FORGETFUL = ("--innodb-flush-log-at-trx-commit=0", "--skip-innodb-doublewrite", "--innodb-buffer-pool-size=64M")


@contextmanager
def mysql_server() -> Iterator[URL]:
    """Give the URL of a server, without a database: the one that is asked for, one of our own, or the local one.

    Skips where there is none, or fails where CI says that there must be.
    """
    chosen = os.environ.get("TEST_MYSQL_URL")
    if chosen:
        yield make_url(chosen)
    elif can_start_server():
        with private_server(*FORGETFUL) as server:
            yield server.url
    elif asyncio.run(answers(make_url(LOCAL))):
        yield make_url(LOCAL)
    else:
        lacking(REASON)


async def run_sql(url: URL, statement: str) -> None:
    """Run one statement on the server."""
    connection = await aiomysql.connect(
        host=url.host or "127.0.0.1", port=url.port or 3306, user=url.username or "root", password=url.password or ""
    )
    try:
        async with connection.cursor() as cursor:
            await cursor.execute(statement)
    finally:
        await connection.ensure_closed()


async def answers(url: URL) -> bool:
    """Whether a server is there and takes statements."""
    try:
        await run_sql(url, "SELECT 1")
    except (OSError, aiomysql.MySQLError):
        return False
    return True


def can_start_server() -> bool:
    """Whether MariaDB is installed, so that tests can run a server of their own."""
    return all(shutil.which(program) for program in PROGRAMS)


@contextmanager
def private_server(*options: str) -> Iterator["PrivateServer"]:
    """Give a running server of our own in a temporary folder, and stop it at the end."""
    root = os.environ.get(TEMPORARY)
    with tempfile.TemporaryDirectory(prefix="gatepost-mysql-", dir=root) as name, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        server = PrivateServer(Path(name), port)
        subprocess.run(
            ["mariadb-install-db", f"--datadir={name}", "--auth-root-authentication-method=normal", "--skip-test-db"],
            check=True,
            capture_output=True,
        )
        server.start(*options)
        try:
            yield server
        finally:
            server.end()


class PrivateServer:
    """A MariaDB server that belongs to the tests alone, who may do it any harm."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = URL.create("mysql", username="root", host="127.0.0.1", port=port)
        self._folder = folder
        self._command = [
            "mariadbd", "--no-defaults", f"--datadir={folder}", f"--socket={folder}/socket", f"--port={port}",
            "--bind-address=127.0.0.1", f"--log-error={folder}/error.log", "--user=root",
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        """The socket on which it listens besides."""
        return self._folder / "socket"

    def start(self, *options: str) -> None:
        """Start it, again where it was killed, and return when it answers."""
        self._process = subprocess.Popen([*self._command, *options])
        deadline = time.monotonic() + START_SECONDS
        while not asyncio.run(answers(self.url)):
            if time.monotonic() > deadline:
                log = (self._folder / "error.log").read_text(encoding="utf-8", errors="replace")
                pytest.fail(f"the private MySQL server does not answer: {log[-500:]}")
            time.sleep(0.05)

    def stall(self) -> None:
        """Let it keep every connection and answer nobody."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill it as a power cut would."""
        self._signal(signal.SIGKILL)
        self._wait()

    def end(self) -> None:
        """Stop it, whatever state it is in."""
        self.go_on()
        self._signal(signal.SIGTERM)
        self._wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _wait(self) -> None:
        if self._process is not None:
            self._process.wait(timeout=START_SECONDS)
            self._process = None
