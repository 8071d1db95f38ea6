"""The first day of an operator, step by step, each by what a person would see: start, people, mail, backup, restore."""

import asyncio
import json
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.support.api import PASSWORD, bearer
from tests.support.server import COMMAND, GatepostServer, gatepost_server, server_env
from tests.support.smtp import SmtpServer, smtp_server

ADMIN = ("create-admin", "--username", "admin", "--email", "admin@example.com", "--password-stdin")
WAIT_SECONDS = 60


class Operator:
    """Somebody at a shell in one folder."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.folder = folder
        self.env = env

    async def types(self, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
        """Run a command; return its exit code, and what it writes to both outputs."""
        process = await asyncio.create_subprocess_exec(
            *COMMAND, *arguments, cwd=self.folder, env=server_env(**self.env),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate(stdin.encode())
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def sees(self, *arguments: str, stdin: str = "") -> str:
        """Run a command that ends well; return what it prints."""
        code, out, err = await self.types(*arguments, stdin=stdin)
        assert (code, err) == (0, ""), err
        return out


async def test_first_day(tmp_path: Path) -> None:
    async with smtp_server() as mail:
        operator = Operator(tmp_path)
        (tmp_path / ".env").write_text(f"MAIL_URL=smtp://127.0.0.1:{mail.port}\nBRAND_NAM=Acme\n")
        await _looks_before_starting(operator)
        await _makes_an_administrator(operator)
        person = await _lets_people_in(operator, mail)
        await _keeps_a_copy_and_needs_it(operator, person)


async def _looks_before_starting(operator: Operator) -> None:
    (operator.folder / "data").mkdir(mode=0o700)
    code, out, _ = await operator.types("doctor")
    assert code == 1
    assert "warning  BRAND_NAM in .env is not a setting: did you mean BRAND_NAME?\n" in out
    assert out.splitlines()[-1].endswith("Run: gatepost migrate")
    _, out, err = await operator.types("migrate")
    assert out.startswith("empty -> ")
    assert err == "gatepost: BRAND_NAM in .env is not a setting: did you mean BRAND_NAME?\n"
    env_file = operator.folder / ".env"
    env_file.write_text(env_file.read_text().replace("BRAND_NAM=", "BRAND_NAME="))
    looked_at = await operator.sees("doctor")
    assert "ok       the mail server accepts the connection\n" in looked_at
    assert "warning  there is no administrator: run gatepost create-admin\n" in looked_at


async def _makes_an_administrator(operator: Operator) -> None:
    code, _, err = await operator.types(*ADMIN[:-1])
    assert (code, err) == (2, "gatepost: there is no terminal for questions: use --password-stdin\n")
    assert await operator.sees(*ADMIN, stdin=f"{PASSWORD}\n") == "administrator admin has the id 1\n"
    assert "ok       there is an administrator\n" in await operator.sees("doctor")
    assert (await operator.sees("users", "list")).splitlines()[1].split()[:3] == ["1", "admin", "admin@example.com"]
    assert await operator.sees("clients", "list") == "none\n"
    assert await operator.sees("mail", "failed") == "none\n"


async def _lets_people_in(operator: Operator, mail: SmtpServer) -> dict[str, Any]:
    async with _Running(operator) as running:
        person = await running.post("/api/auth/signup", username="Zoë", email="zoe@example.com", password=PASSWORD)
        await _until(lambda: [str(one["To"]) for one in mail.received] == ["zoe@example.com"])
        assert "http://localhost:" in mail.received[0].as_string()

        code, _, err = await operator.types("users", "disable", "admin")
        assert (code, err) == (1, "gatepost: This is the last administrator. Create another administrator first.\n")
        assert await operator.sees("users", "disable", "zoe@example.com") == "#2 Zoë is disabled\n"
        assert await running.status("/api/auth/refreshtoken", refreshToken=person["refreshToken"]) == 403
        assert await operator.sees("users", "list", "--status", "disabled", "--json") != ""
        assert await operator.sees("users", "enable", "#2") == "#2 Zoë is enabled\n"
        assert (
            await operator.sees("users", "roles", "zoë", "user", "moderator")
            == "#2 Zoë has the roles user, moderator\n"
        )
        again = await running.post("/api/auth/signin", username="Zoë", password=PASSWORD)
        assert again["roles"] == ["ROLE_USER", "ROLE_MODERATOR"]
        assert await operator.sees("users", "sign-out", "zoë") == "#2 Zoë is signed out everywhere\n"
        assert await running.status("/api/auth/refreshtoken", refreshToken=again["refreshToken"]) == 403

        assert await operator.sees("users", "invite", "new@example.com") == "new@example.com is invited\n"
        await _until(lambda: "new@example.com" in mail.recipients)
        assert await operator.sees("mail", "send-test", "admin@example.com") == "sent\n"
        assert mail.recipients[-1] == "admin@example.com"
        assert json.loads(await operator.sees("audit", "verify", "--json"))["isWhole"] is True
        signed_in = await running.post("/api/auth/signin", username="Zoë", password=PASSWORD)
    await mail.kill()
    code, out, _ = await operator.types("doctor")
    assert code == 1
    assert f"failure  mail cannot be sent: nothing listens at 127.0.0.1:{mail.port}: " in out
    await mail.start()
    return signed_in


async def _keeps_a_copy_and_needs_it(operator: Operator, person: dict[str, Any]) -> None:
    database, copy = operator.folder / "data/gatepost.db", operator.folder / "copy.db"
    with sqlite3.connect(database) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    source.close()
    target.close()
    code, _, err = await operator.types("users", "delete", "zoë")
    assert (code, err) == (2, "gatepost: there is no terminal for questions: say --yes\n")
    assert await operator.sees("users", "delete", "zoë", "--yes") == "#2 Zoë is deleted\n"
    code, _, err = await operator.types("users", "show", "zoë")
    assert (code, err) == (1, "gatepost: there is no account zoë\n")
    code, _, err = await operator.types("users", "show", "1")
    assert (code, err) == (1, "gatepost: there is no account 1; to use an id, write '#1'\n")

    for file in (operator.folder / "data").glob("gatepost.db*"):
        file.unlink()
    shutil.copy(copy, database)
    assert (await operator.sees("migrate")).startswith("already at ")
    restored = await operator.sees("after-restore", "--yes")
    assert "sessions were ended" in restored
    assert (await operator.sees("users", "show", "zoë")).splitlines()[1].split() == ["id", "2"]
    async with _Running(operator) as running:
        assert await running.status("/api/auth/refreshtoken", refreshToken=person["refreshToken"]) == 403
        again = await running.post("/api/auth/signin", username="Zoë", password=PASSWORD)
        assert await running.board(again["accessToken"]) == "User Content."


class _Running:
    """The service, while a block is run."""

    def __init__(self, operator: Operator) -> None:
        self._started = gatepost_server(operator.folder, **operator.env)
        self._server: GatepostServer | None = None

    async def __aenter__(self) -> "_Running":
        self._server = await asyncio.to_thread(self._started.__enter__)
        self._client = httpx.AsyncClient(base_url=self._server.url, trust_env=False)
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._client.aclose()
        await asyncio.to_thread(self._started.__exit__, *error)

    async def post(self, path: str, **body: str) -> dict[str, Any]:
        answer = await self._client.post(path, json=body)
        assert answer.is_success, answer.text
        said: dict[str, Any] = answer.json()
        return said

    async def status(self, path: str, **body: str) -> int:
        return (await self._client.post(path, json=body)).status_code

    async def board(self, token: str) -> str:
        return (await self._client.get("/api/test/user", headers=bearer(token))).text


async def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
