"""The Compose stacks are complete: what is started is used, what is named exists, and `.env` reaches all of it."""

import asyncio
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml
from sqlalchemy import URL

from gatepost.core.settings import Settings
from tests.support.mysql import run_sql
from tests.support.server import gatepost_server, run_gatepost, server_env
from tests.support.smtp import smtp_server

CHECKOUT = Path(__file__).parents[2]
STACKS: dict[str, dict[str, Any]] = {
    name: yaml.safe_load((CHECKOUT / name).read_text(encoding="utf-8"))
    for name in ("docker-compose.yml", "deploy/compose/compose.yml")
}
SETTINGS = {name.upper() for name in Settings.model_fields}
# Variables in `.env` that are for the stack, not for the service.
OF_THE_STACK = {"HTTP_PORT", "REPLICAS"}
# The entry point for people: nothing else in the stack uses it.
ENTRANCES = {"docker-compose.yml": "gatepost", "deploy/compose/compose.yml": "nginx"}
# Settings that the stack overrides.
FIXED = {
    "docker-compose.yml": {"HOST", "PORT", "DATA_DIR", "DATABASE_URL", "DB_HOST", "DB_PORT", "DB_USER"},
    "deploy/compose/compose.yml": {
        "ENVIRONMENT", "HOST", "PORT", "DATA_DIR", "DATABASE_URL", "DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD",
        "DB_NAME", "REDIS_URL", "TRUSTED_PROXIES",
    },
}  # fmt: skip
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])((?:[^${}]|\$\{[^{}]*\})*))?\}")
HOST_OF_NGINX = re.compile(r"^\s*server (\S+):\d+", re.MULTILINE)
WAIT_SECONDS = 60


@pytest.mark.parametrize("name", STACKS)
def test_each_service_is_used_by_another_or_is_where_people_come_in(name: str) -> None:
    services = STACKS[name]["services"]
    used = {used for service in services.values() for used in service.get("depends_on", {})}
    used |= {host for service in services for host in _hosts(name, service)}

    assert set(services) - used == {ENTRANCES[name]}
    assert "ports" in services[ENTRANCES[name]]


@pytest.mark.parametrize("name", STACKS)
def test_each_name_leads_to_what_is_there(name: str) -> None:
    stack = STACKS[name]
    services = stack["services"]
    for service, parts in services.items():
        assert set(parts.get("depends_on", {})) <= set(services), service
        assert _hosts(name, service) <= set(services), service
    for kind in ("volumes", "networks", "secrets"):
        uses = {use for parts in services.values() for use in _names(parts.get(kind, ()))}
        # Who names no network is in the default one.
        assert uses == set(stack.get(kind, {})) - {"default"}, kind


@pytest.mark.parametrize("name", STACKS)
def test_each_setting_and_variable_exists(name: str) -> None:
    text = (CHECKOUT / name).read_text(encoding="utf-8")
    filled_in = {found[1] for found in VARIABLE.finditer(text)}

    assert filled_in <= SETTINGS | OF_THE_STACK
    for service in ("gatepost", "migrate"):
        assert set(STACKS[name]["services"][service]["environment"]) <= SETTINGS


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("service", ["gatepost", "migrate"])
def test_every_setting_of_the_env_file_reaches_the_service(name: str, service: str) -> None:
    said = {setting: f"of-env-{setting}" for setting in SETTINGS}

    reached = _environment(name, service, said)

    lost = {setting for setting in SETTINGS if reached[setting] != said[setting]}
    assert lost == FIXED[name]
    # A compose file beside which no `.env` is starts all the same, or says what it needs.
    assert STACKS[name]["services"][service]["env_file"] == [{"path": ".env", "required": False}]


def test_mail_goes_to_the_catcher_unless_a_server_is_named() -> None:
    name = "docker-compose.yml"
    named = {"MAIL_URL": "smtp://user:x@mail.example.com"}

    assert _environment(name, "gatepost", {})["MAIL_URL"] == "smtp://mail:1025?starttls=no"
    assert _environment(name, "gatepost", named)["MAIL_URL"] == named["MAIL_URL"]
    assert STACKS[name]["services"]["mail"]["ports"] == ["127.0.0.1:8025:8025"]


@pytest.fixture
def stack_database(mysql_url: URL) -> Iterator[URL]:
    """Give an empty database, and the user of the stack with its password."""
    user = _environment("docker-compose.yml", "gatepost", {})
    url = mysql_url.set(username=user["DB_USER"], password=user["DB_PASSWORD"], database=f"{mysql_url.database}_stack")
    who = f"'{url.username}'@'%'"
    asyncio.run(run_sql(mysql_url, f"CREATE DATABASE {url.database}"))
    asyncio.run(run_sql(mysql_url, f"CREATE USER {who} IDENTIFIED BY '{url.password}'"))
    asyncio.run(run_sql(mysql_url, f"GRANT ALL ON {url.database}.* TO {who}"))
    try:
        yield url
    finally:
        asyncio.run(run_sql(mysql_url, f"DROP USER {who}"))
        asyncio.run(run_sql(mysql_url, f"DROP DATABASE {url.database}"))


@pytest.mark.mysql
async def test_local_stack_sends_its_mail_to_the_catcher(stack_database: URL, tmp_path: Path) -> None:
    async with smtp_server() as catcher:
        of_stack = _environment("docker-compose.yml", "gatepost", {})
        # The hosts of the stack, as this machine has them; all else as it stands.
        env = {
            **of_stack,
            "HOST": "127.0.0.1", "PORT": "0", "DATA_DIR": str(tmp_path / "data"),
            "DB_HOST": stack_database.host or "", "DB_PORT": str(stack_database.port or 3306),
            "DB_NAME": stack_database.database or "",
            "MAIL_URL": of_stack["MAIL_URL"].replace("mail:1025", f"127.0.0.1:{catcher.port}"),
        }  # fmt: skip
        await asyncio.to_thread(run_gatepost, "migrate", folder=tmp_path, env=server_env(**env))
        with _served(tmp_path, env) as url:
            await asyncio.to_thread(_sign_up, url)
            deadline = time.monotonic() + WAIT_SECONDS
            while not catcher.received and time.monotonic() < deadline:
                await asyncio.sleep(0.05)

    assert [str(mail["To"]) for mail in catcher.received] == ["abbey@example.com"]


@contextmanager
def _served(folder: Path, env: dict[str, str]) -> Iterator[str]:
    with gatepost_server(folder, **env) as server:
        yield server.url


def _sign_up(url: str) -> None:
    body = {"username": "Abbey", "email": "abbey@example.com", "password": "correct horse"}
    assert httpx.post(f"{url}/api/auth/signup", json=body, trust_env=False).status_code == 201


def _environment(name: str, service: str, said: dict[str, str]) -> dict[str, str]:
    """Return a container's environment: the env file, overridden by the stack, with variables from the same file."""
    parts = STACKS[name]["services"][service]
    from_file = said if any(file["path"] == ".env" for file in parts.get("env_file", ())) else {}
    return {**from_file, **{key: _filled(value, said) for key, value in parts["environment"].items()}}


def _filled(text: str, said: dict[str, str]) -> str:
    """Fill variables in as Compose does; an empty one counts as missing."""
    while found := VARIABLE.search(text):
        value = said.get(found[1]) or (found[3] if found[2] == "-" else "") or ""
        text = text[: found.start()] + value + text[found.end() :]
    return text


def _hosts(name: str, service: str) -> set[str]:
    """Return the other hosts that a service connects to, by its environment and by our file in it."""
    parts = STACKS[name]["services"][service]
    hosts = set()
    for setting, value in parts.get("environment", {}).items():
        text = _filled(str(value), {})
        if setting.endswith("_HOST"):
            hosts.add(text)
        elif setting.endswith("_URL") and setting != "PUBLIC_URL" and text:
            hosts.add(urlsplit(text).hostname or "")
    for mount in parts.get("volumes", ()):
        file = (CHECKOUT / name).parent / mount.partition(":")[0]
        if mount.startswith("./"):
            hosts |= set(HOST_OF_NGINX.findall(file.read_text(encoding="utf-8")))
    return hosts


def _names(uses: Any) -> Iterator[str]:
    """Give the names of volumes, networks or secrets; a folder of ours is none."""
    for use in uses:
        source = str(use).partition(":")[0]
        if not source.startswith("."):
            yield source
