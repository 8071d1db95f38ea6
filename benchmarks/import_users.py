"""How many accounts a second `gatepost import` brings in, from the Node.js service's tables into MySQL and SQLite.

Makes a database of that service with made-up accounts on the MySQL or MariaDB server, imports it into an empty
database of each kind, and drops all three.

    python benchmarks/import_users.py --server mysql://root@127.0.0.1:3306 --users 100000
"""

import argparse
import asyncio
import os
import platform
import subprocess
import sys
import tempfile
import time
import uuid
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import URL, make_url, text

from gatepost.core.db.database import create_engine

GATEPOST = (sys.executable, "-m", "gatepost")
HASH = "$2a$08$abcdefghijklmnopqrstuuDHHxBYEyYKlxfSE4fnC0TvRGdIsYtSe"
BATCH = 5000


def main() -> None:
    """Measure both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default="mysql://root@127.0.0.1:3306")
    parser.add_argument("--users", type=int, default=100_000)
    arguments = parser.parse_args()
    server = make_url(arguments.server).set(drivername="mysql+aiomysql")
    mark = uuid.uuid4().hex[:8]
    old, new = server.set(database=f"bench_old_{mark}"), server.set(database=f"bench_new_{mark}")
    asyncio.run(_on_server(server, *(f"CREATE DATABASE {url.database} CHARSET utf8mb4" for url in (old, new))))
    try:
        asyncio.run(_fill(old, arguments.users))
        table = Table("into", "accounts", "seconds", "accounts/s")
        with tempfile.TemporaryDirectory() as folder:
            for name, url in (("MySQL", _text(new)), ("SQLite", f"sqlite:///{folder}/bench.db")):
                seconds = _measure(Path(folder), source=_text(old), target=url)
                speed = f"{arguments.users / seconds:.0f}"
                table.add_row(name, str(arguments.users), f"{seconds:.1f}", speed)
        about = asyncio.run(_server_version(server))
        console = Console()
        console.print(table)
        console.print(
            f"Python {platform.python_version()}, SQLAlchemy {version('sqlalchemy')}, server {about}, "
            f"{os.cpu_count()} CPUs, {platform.system()} {platform.machine()}"
        )
    finally:
        asyncio.run(_on_server(server, *(f"DROP DATABASE {url.database}" for url in (old, new))))


def _measure(folder: Path, *, source: str, target: str) -> float:
    env = {**os.environ, "DATABASE_URL": target, "DATA_DIR": str(folder / "data")}
    subprocess.run([*GATEPOST, "migrate"], env=env, cwd=folder, check=True)  # noqa: S603
    began = time.perf_counter()
    subprocess.run([*GATEPOST, "import", "sequelize", source], env=env, cwd=folder, check=True)  # noqa: S603
    return time.perf_counter() - began


async def _fill(url: URL, users: int) -> None:
    engine = create_engine(url, timeout_seconds=60)
    async with engine.begin() as connection:
        for statement in (
            "CREATE TABLE users (id INT AUTO_INCREMENT PRIMARY KEY, username VARCHAR(255), email VARCHAR(255),"
            " password VARCHAR(255), createdAt DATETIME NOT NULL, updatedAt DATETIME NOT NULL)",
            "CREATE TABLE roles (id INT PRIMARY KEY, name VARCHAR(255))",
            "CREATE TABLE user_roles (roleId INT, userId INT, PRIMARY KEY (roleId, userId), KEY (userId))",
            "INSERT INTO roles VALUES (1, 'user'), (2, 'moderator'), (3, 'admin')",
        ):
            await connection.execute(text(statement))
        for first in range(1, users + 1, BATCH):
            numbers = range(first, min(first + BATCH, users + 1))
            await connection.execute(
                text("INSERT INTO users VALUES (:id, :name, :email, :hash, '2021-01-01', '2021-01-01')"),
                [{"id": n, "name": f"Person Number{n}", "email": f"p{n}@example.com", "hash": HASH} for n in numbers],
            )
            await connection.execute(text("INSERT INTO user_roles VALUES (1, :id)"), [{"id": n} for n in numbers])
    await engine.dispose()


async def _on_server(server: URL, *statements: str) -> None:
    engine = create_engine(server)
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()


async def _server_version(server: URL) -> str:
    engine = create_engine(server)
    async with engine.connect() as connection:
        answer = await connection.scalar(text("SELECT version()"))
    await engine.dispose()
    return str(answer)


def _text(url: URL) -> str:
    return url.set(drivername="mysql").render_as_string(hide_password=False)


if __name__ == "__main__":
    main()
