"""docs/production.md: the ten lines make settings that production accepts, and a Caddy that forwards to the service."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from gatepost.core.settings import load_settings
from tests.support.missing import program
from tests.support.server import server_env

CHECKOUT = Path(__file__).parents[2]
DOCUMENT = (CHECKOUT / "docs/production.md").read_text(encoding="utf-8")
CADDYFILE = CHECKOUT / "deploy/caddy/Caddyfile"
COMPOSE = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text(encoding="utf-8"))
[SCRIPT] = re.findall(r"<!-- test: quick start -->\n```sh\n(.*?)```", DOCUMENT, re.DOTALL)
COMMANDS = SCRIPT.rpartition("END\n")[2]
HEREDOC = SCRIPT[: SCRIPT.rindex("END\n") + len("END\n")]


def test_settings_of_the_quick_start_are_those_that_production_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["bash", "-eu", "-c", HEREDOC], cwd=tmp_path, env=server_env(), check=True)
    # As the stack has it.
    monkeypatch.setenv("DB_HOST", COMPOSE["x-gatepost"]["environment"]["DB_HOST"])
    monkeypatch.setenv("DB_USER", COMPOSE["x-gatepost"]["environment"]["DB_USER"])

    settings = load_settings(env_file=tmp_path / ".env")

    assert settings.in_production
    assert settings.mail_from == "Acme <no-reply@example.com>"
    [network] = COMPOSE["networks"]["default"]["ipam"]["config"]
    assert settings.trusted_proxies == (network["gateway"],)


def test_quick_start_has_ten_lines_and_names_what_is_there() -> None:
    assert len(SCRIPT.splitlines()) <= 12
    assert f"sudo cp {CADDYFILE.relative_to(CHECKOUT)} " in COMMANDS
    assert "gatepost" in COMPOSE["services"]
    assert subprocess.run(["bash", "-n", "-c", SCRIPT], check=False).returncode == 0


@pytest.mark.caddy
def test_caddy_takes_the_file_and_leads_to_the_port_of_the_stack(tmp_path: Path) -> None:
    caddy, options = program("caddy", package="caddy"), ["--config", str(CADDYFILE), "--adapter", "caddyfile"]
    env = server_env(HOME=str(tmp_path), XDG_DATA_HOME=str(tmp_path), XDG_CONFIG_HOME=str(tmp_path))

    validated = subprocess.run([caddy, "validate", *options], env=env, capture_output=True, text=True, check=False)
    adapted = subprocess.run([caddy, "adapt", *options], env=env, capture_output=True, text=True, check=True)

    assert validated.returncode == 0, validated.stderr
    assert "Valid configuration" in validated.stdout + validated.stderr
    config = json.loads(adapted.stdout)
    [server] = config["apps"]["http"]["servers"].values()
    [site] = server["routes"]
    assert server["listen"] == [":443"]
    assert site["match"] == [{"host": ["auth.example.com"]}]
    assert f"PUBLIC_URL=https://{site['match'][0]['host'][0]}\n" in HEREDOC
    published = COMPOSE["services"]["gatepost"]["ports"][0].replace("${PORT:-8080}", "8080").rpartition(":")[0]
    assert f'"upstreams": [{{"dial": "{published}"}}]' in json.dumps(site)
