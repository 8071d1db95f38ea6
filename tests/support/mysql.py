"""Finds or starts the MySQL or MariaDB server that the tests run on."""

import asyncio
import os
import shutil
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

REASON = (
    "no MySQL server: set TEST_MYSQL_URL (mysql://user:password@host), or run one on 127.0.0.1:3306 with user root "
    "and no password, or install mariadb-server so that the tests can start their own"
)
LOCAL = "mysql://root@127.0.0.1:3306"
START_SECONDS = 30


@contextmanager
def mysql_server() -> Iterator[URL]:
    """Give the URL of a server, without a database; skip where there is none, or fail where CI says there must be."""
    chosen = os.environ.get("TEST_MYSQL_URL")
    if chosen:
        yield make_url(chosen)
    elif asyncio.run(_answers(make_url(LOCAL))):
        yield make_url(LOCAL)
    elif shutil.which("mariadbd") and shutil.which("mariadb-install-db"):
        with _private_server() as url:
            yield url
    elif os.environ.get("CI") == "true":
        pytest.fail(REASON)
    else:
        pytest.skip(REASON)


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


async def _answers(url: URL) -> bool:
    try:
        await run_sql(url, "SELECT 1")
    except (OSError, aiomysql.MySQLError):
        return False
    return True


@contextmanager
def _private_server() -> Iterator[URL]:
    """Start a server of our own in a temporary folder, and stop it at the end."""
    with tempfile.TemporaryDirectory(prefix="gatepost-mysql-") as name, socket.socket() as probe:
        folder = Path(name)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        subprocess.run(
            ["mariadb-install-db", f"--datadir={folder}", "--auth-root-authentication-method=normal", "--skip-test-db"],
            check=True,
            capture_output=True,
        )
        server = subprocess.Popen(
            [
                "mariadbd", "--no-defaults", f"--datadir={folder}", f"--socket={folder}/socket", f"--port={port}",
                "--bind-address=127.0.0.1", f"--log-error={folder}/error.log", "--user=root",
            ]
        )  # fmt: skip
        url = URL.create("mysql", username="root", host="127.0.0.1", port=port)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not asyncio.run(_answers(url)):
                if time.monotonic() > deadline:
                    pytest.fail(
                        f"the private MySQL server does not answer: {(folder / 'error.log').read_text()[-500:]}"
                    )
                time.sleep(0.2)
            yield url
        finally:
            server.terminate()
            server.wait(timeout=START_SECONDS)
