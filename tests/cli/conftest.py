"""The command line as a test runs it: inside this process, so that it is quick, or as a process of its own."""

import asyncio
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import URL

from gatepost.cli.main import run
from tests.support.mysql import run_sql
from tests.support.server import server_env

PROGRAM = Path(sys.executable).with_name("gatepost")
MINUTE = 60


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line of a failure."""
        [line] = self.err.splitlines()
        assert self.out == ""
        assert line.startswith("gatepost: ")
        return line.removeprefix("gatepost: ")


Command = Callable[..., Outcome]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return what runs a command in an empty folder, inside this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BCRYPT_ROUNDS", "4")

    def call(*arguments: str, program: str = "gatepost", **env: str) -> Outcome:
        capsys.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", [program, *arguments])
            for name, value in env.items():
                patch.setenv(name, value)
            try:
                run()
                code: int | str | None = 0
            except SystemExit as ended:
                code = ended.code
        said = capsys.readouterr()
        return Outcome(code if isinstance(code, int) else 0, said.out, said.err)

    return call


@pytest.fixture
def process(tmp_path: Path) -> Command:
    """Return what runs the installed program in an empty folder, with these settings alone."""

    def call(*arguments: str, stdin: str = "", **env: str) -> Outcome:
        ended = subprocess.run(
            [PROGRAM, *arguments],
            cwd=tmp_path, env=server_env(**env), input=stdin, capture_output=True, text=True,
            timeout=MINUTE, check=False,
        )  # fmt: skip
        return Outcome(ended.returncode, ended.stdout, ended.stderr)

    return call


@pytest.fixture
def mysql_empty(mysql_url: URL) -> Iterator[URL]:
    """Give an empty MySQL database, and drop it."""
    name = f"gatepost_test_{uuid.uuid4().hex[:12]}"
    asyncio.run(run_sql(mysql_url, f"CREATE DATABASE {name}"))
    yield mysql_url.set(database=name)
    asyncio.run(run_sql(mysql_url, f"DROP DATABASE {name}"))
