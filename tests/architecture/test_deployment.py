"""The image and the stack fit the service, as far as this can be checked without building them."""

import json
import os
import re
import socket
import stat
import subprocess
import sys
import tomllib
from hashlib import sha256
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from pydantic import SecretStr

from gatepost.cli.commands import COMMANDS
from gatepost.core.settings import Environment, Settings, load_settings
from gatepost.core.settings.checks import EXAMPLE_DB_PASSWORD
from tests.support.server import gatepost_server

CHECKOUT = Path(__file__).parents[2]
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
REPLICAS: dict[str, Any] = yaml.safe_load((CHECKOUT / "deploy/compose/compose.yml").read_text(encoding="utf-8"))
STACKS = {"docker-compose.yml": COMPOSE, "deploy/compose/compose.yml": REPLICAS}
BASE = re.compile(r"^FROM python:(\d+\.\d+)\.\d+-\S+", re.MULTILINE)
# A version to the last part, and perhaps the digest that `make images` writes behind it.
EXACT = re.compile(r"[a-z0-9./-]+:v?\d+\.\d+\.\d+(-[a-z0-9.-]+)?(@sha256:[0-9a-f]{64})?")
DIGESTS = """#!/bin/sh
# In place of Docker: a digest that follows from the image.
[ "$1 $2 $3 $5" = "buildx imagetools inspect --format" ] || exit 1
printf 'sha256:%s\\n' "$(printf %s "$4" | sha256sum | cut -d' ' -f1)"
"""
# What examples must not trust: whole private ranges, in which other programs run, and everybody.
TRUSTED = re.compile(r"TRUSTED_PROXIES[\"']?[ \t]*[:=][ \t]*[\"']?([^\s\"']+)")
HEALTHCHECK = re.compile(r"^HEALTHCHECK .*?CMD (\[.*?\])$", re.MULTILINE | re.DOTALL)
COPIED = re.compile(r"^COPY (?!--from)(.+) \S+$", re.MULTILINE)
IMAGE_VARIABLES = re.compile(r"^(?:ENV)? +([A-Z_]+)=(\S+?)(?: \\)?$", re.MULTILINE)
INTERPOLATION = re.compile(r"\$\{(\w+):-((?:[^${}]|\$\{[^{}]*\})*)\}")
INSTRUCTIONS = {"FROM", "ENV", "WORKDIR", "RUN", "COPY", "USER", "EXPOSE", "HEALTHCHECK", "CMD"}
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


def test_images_of_others_have_exact_versions() -> None:
    named = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    for stack in STACKS.values():
        named += [service["image"] for service in stack["services"].values() if "build" not in service]

    assert len(named) == 7
    assert [image for image in named if not EXACT.fullmatch(image)] == []


def test_command_writes_the_digest_behind_each_image_and_renews_it(tmp_path: Path) -> None:
    files = ["Makefile", "Dockerfile", *STACKS]
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((CHECKOUT / name).read_text(encoding="utf-8"))
    docker = tmp_path / "bin/docker"
    docker.parent.mkdir()
    docker.write_text(DIGESTS)
    docker.chmod(0o700)
    env = {**os.environ, "PATH": f"{docker.parent}:{os.environ['PATH']}"}

    def pinned() -> list[str]:
        subprocess.run(["make", "images"], cwd=tmp_path, env=env, check=True, capture_output=True)
        text = "".join((tmp_path / name).read_text() for name in files[1:])
        return re.findall(r"^(?:FROM| +image:) (\S+:\S+)", text, re.MULTILINE)

    first = pinned()
    for image in first:
        tag, digest = image.split("@sha256:")
        assert digest == sha256(tag.encode()).hexdigest()
    assert len(first) == 7
    docker.write_text(DIGESTS.replace('"$4"', '"$4 of tomorrow"'))
    assert {image.split("@")[0] for image in pinned()} == {image.split("@")[0] for image in first}
    assert not set(pinned()) & set(first)
    docker.write_text("#!/bin/sh\necho no such image >&2; exit 1\n")
    refused = subprocess.run(["make", "images"], cwd=tmp_path, env=env, check=False, capture_output=True)
    assert refused.returncode != 0


@pytest.mark.parametrize("name", STACKS)
def test_containers_have_no_rights_that_they_do_not_need(name: str) -> None:
    services = STACKS[name]["services"]
    for service in services.values():
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "mem_limit" in service
        assert not {"privileged", "network_mode", "pid", "devices"} & service.keys()
    ours = [service for service in services.values() if "build" in service]
    assert len(ours) == 2
    for service in ours:
        assert (service["read_only"], service["cap_drop"], "cap_add" in service) == (True, ["ALL"], False)
        assert service["pids_limit"] > 0


@pytest.mark.parametrize("name", STACKS)
def test_nothing_but_the_service_is_reached_from_outside(name: str) -> None:
    for service, parts in STACKS[name]["services"].items():
        for port in parts.get("ports", ()):
            assert service in ("gatepost", "nginx", "mail"), f"{service} is open to the network"
            assert port.startswith("127.0.0.1:") or service == "nginx"


def test_no_environment_of_the_replicas_holds_a_secret() -> None:
    known = {name.upper() for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)}
    for service in REPLICAS["services"].values():
        # An empty one is read as missing, and the file of the secret counts.
        said = {name for name, value in service.get("environment", {}).items() if value != ""}
        named = {name for name in said if re.search("PASSWORD|SECRET|TOKEN|KEY", name)}
        # REDIS_URL and MAIL_URL name servers here; with a password in them they are files as well.
        assert named <= {"MYSQL_PASSWORD_FILE", "MYSQL_RANDOM_ROOT_PASSWORD"}
        for secret in service.get("secrets", ()):
            assert secret.upper() in known
            assert REPLICAS["secrets"][secret] == {"file": f"secrets/{secret}"}
    assert set(REPLICAS["services"]["gatepost"]["secrets"]) == {"secret_key", "db_password"}
    ignored = (CHECKOUT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "deploy/compose/secrets/" in ignored


def test_example_password_is_the_one_that_production_refuses() -> None:
    assert _interpolated(SERVICES["mysql"]["environment"]["MYSQL_PASSWORD"]) == EXAMPLE_DB_PASSWORD


def test_no_example_trusts_a_network_in_which_others_run() -> None:
    named: dict[str, str] = {}
    for pattern in ("*.md", "docs/**/*.md", "deploy/**/*", "examples/**/*", "*.yml", ".env.example", "Dockerfile"):
        for path in CHECKOUT.glob(pattern):
            if path.is_file():
                found = TRUSTED.findall(path.read_text(encoding="utf-8", errors="replace"))
                named |= {f"{path.relative_to(CHECKOUT)}: {proxy}": proxy for one in found for proxy in one.split(",")}

    assert len(named) >= 3
    for where, proxy in named.items():
        assert ip_network(proxy).num_addresses <= 16, where


def test_image_is_built_from_files_that_are_there_and_let_in() -> None:
    named = [name for line in COPIED.findall(DOCKERFILE) for name in line.split()]
    let_in = (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert named
    assert [name for name in named if not (CHECKOUT / name).exists() or f"!{name}" not in let_in] == []
    # What fetches files in another way is none of these.
    lines = re.sub(r"\\\n", "", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE)).splitlines()
    assert {line.split()[0] for line in lines if line} <= INSTRUCTIONS
    # All else stays outside: the repository, secrets, whatever lies about.
    assert let_in[[line.startswith("#") for line in let_in].index(False)] == "*"
    assert {line for line in let_in if line.startswith("!")} == {f"!{name}" for name in named}


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


def test_image_holds_no_secret() -> None:
    secret = [name.upper() for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)]

    assert len(secret) > 5
    assert [name for name in secret if re.search(rf"\b{name}\b", DOCKERFILE.replace("without SECRET_KEY", ""))] == []


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

    assert SERVICES["migrate"]["command"][0] == "gatepost"
    assert SERVICES["migrate"]["command"][1] in COMMANDS
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
