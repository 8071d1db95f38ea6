"""The image and the stack fit the service: what can be known of them without building them."""

import json
import os
import re
import socket
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from pydantic import SecretStr

from gatepost.cli.main import app as command_line
from gatepost.core.settings import Environment, Settings, load_settings
from tests.support.server import gatepost_server

CHECKOUT = Path(__file__).parents[2]
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
BASE = re.compile(r"^FROM python:(\d+\.\d+)-\S+", re.MULTILINE)
HEALTHCHECK = re.compile(r"^HEALTHCHECK .*?CMD (\[.*?\])$", re.MULTILINE | re.DOTALL)
COPIED = re.compile(r"^COPY (?!--from)(.+) \S+$", re.MULTILINE)
IMAGE_VARIABLES = re.compile(r"^(?:ENV)? +([A-Z_]+)=(\S+?)(?: \\)?$", re.MULTILINE)
INTERPOLATION = re.compile(r"\$\{(\w+):-((?:[^${}]|\$\{[^{}]*\})*)\}")
NOT_SETTINGS = {"PATH", "PYTHONUNBUFFERED", "PIP_NO_CACHE_DIR"}


def test_image_has_a_python_that_we_support_and_that_the_lock_is_made_for() -> None:
    versions = set(BASE.findall(DOCKERFILE))
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")

    assert len(versions) == 1
    version = versions.pop()
    assert version in SpecifierSet(project["requires-python"])
    assert f"--python-version {version} " in makefile
    assert len(re.findall(r"^FROM ", DOCKERFILE, re.MULTILINE)) == len(BASE.findall(DOCKERFILE))


def test_image_is_built_from_files_that_are_there_and_let_in() -> None:
    named = [name for line in COPIED.findall(DOCKERFILE) for name in line.split()]
    let_in = (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert named
    assert [name for name in named if not (CHECKOUT / name).exists() or f"!{name}" not in let_in] == []


def test_image_runs_without_root_and_without_a_shell() -> None:
    last = DOCKERFILE.rpartition("FROM ")[2]

    assert re.search(r"^USER gatepost$", last, re.MULTILINE)
    assert json.loads(re.findall(r"^CMD (.+)$", last, re.MULTILINE)[-1]) == ["gatepost", "serve"]


def test_health_check_tells_a_living_service_from_none() -> None:
    with gatepost_server() as server:
        assert _health(server.url.rpartition(":")[2]) == 0
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert _health(str(nobody.getsockname()[1])) != 0


def test_image_and_stack_set_settings_that_exist() -> None:
    known = {name.upper() for name in Settings.model_fields}
    of_image = dict(IMAGE_VARIABLES.findall(DOCKERFILE.rpartition("FROM ")[2]))

    assert sorted(of_image.keys() - known - NOT_SETTINGS) == []
    for name in ("migrate", "gatepost"):
        assert sorted(SERVICES[name]["environment"].keys() - known) == []


def test_image_alone_refuses_to_start_unsafe() -> None:
    assert dict(IMAGE_VARIABLES.findall(DOCKERFILE))["ENVIRONMENT"] == Environment.PRODUCTION


def test_stack_starts_without_any_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _set(monkeypatch, SERVICES["gatepost"]["environment"], DATA_DIR=str(tmp_path))

    settings = load_settings(env_file=None)

    mysql = {name: _interpolated(value) for name, value in SERVICES["mysql"]["environment"].items()}
    url = settings.sqlalchemy_url
    assert (url.drivername, url.host, url.port) == ("mysql+aiomysql", "mysql", 3306)
    assert (url.username, url.password, url.database) == (
        mysql["MYSQL_USER"],
        mysql["MYSQL_PASSWORD"],
        mysql["MYSQL_DATABASE"],
    )
    assert settings.public_url == "http://localhost:8080"
    assert SERVICES["gatepost"]["ports"] == [f"127.0.0.1:${{PORT:-8080}}:{settings.port}"]
    assert settings.shutdown_seconds < int(SERVICES["gatepost"]["stop_grace_period"].removesuffix("s"))


def test_settings_of_the_stack_win_over_those_for_a_start_without_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    outside = {
        "DATABASE_URL": "sqlite:///mine.db",
        "DB_HOST": "localhost",
        "HOST": "127.0.0.1",
        "DB_PASSWORD": "of mine",
    }
    inside = SERVICES["gatepost"]["environment"]
    _set(monkeypatch, {**outside, **inside}, given=outside, DATA_DIR=str(tmp_path))

    settings = load_settings(env_file=None)

    assert settings.sqlalchemy_url.host == "mysql"
    assert settings.host == "0.0.0.0"
    assert settings.db_password == SecretStr("of mine")
    mysql = SERVICES["mysql"]["environment"]
    assert _interpolated(mysql["MYSQL_PASSWORD"], outside) == "of mine"


def test_stack_runs_commands_that_exist_in_order() -> None:
    commands = {command.callback.__name__ for command in command_line.registered_commands if command.callback}

    assert SERVICES["migrate"]["command"][0] == "gatepost"
    assert SERVICES["migrate"]["command"][1] in commands
    assert SERVICES["migrate"]["depends_on"] == {"mysql": {"condition": "service_healthy"}}
    assert SERVICES["gatepost"]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    volumes = {mount.partition(":")[0] for service in SERVICES.values() for mount in service.get("volumes", ())}
    assert volumes == COMPOSE["volumes"].keys()


def test_what_ci_calls_can_be_called() -> None:
    script = CHECKOUT / ".ci/run"

    assert script.stat().st_mode & stat.S_IXUSR
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert {"make check", "make test"} <= set(script.read_text(encoding="utf-8").splitlines())


def _health(port: str) -> int:
    found = HEALTHCHECK.search(DOCKERFILE)
    assert found is not None
    program, *arguments = json.loads(found[1])
    assert program == "python"
    # A proxy of the machine must not be asked about the container itself.
    env = {**os.environ, "PORT": port, "http_proxy": "http://127.0.0.1:9"}
    return subprocess.run(
        [sys.executable, *arguments], env=env, capture_output=True, timeout=30, check=False
    ).returncode


def _set(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], *, given: dict[str, str] | None = None, **more: str
) -> None:
    """Set the environment as the container has it."""
    for name, value in values.items():
        monkeypatch.setenv(name, _interpolated(value, given or {}))
    for name, value in more.items():
        monkeypatch.setenv(name, value)


def _interpolated(value: str, given: dict[str, str] | None = None) -> str:
    """Fill in `${NAME:-default}` as Compose does, from what `.env` gives."""
    while found := INTERPOLATION.search(value):
        filled = (given or {}).get(found[1]) or found[2]
        value = value[: found.start()] + filled + value[found.end() :]
    return value
