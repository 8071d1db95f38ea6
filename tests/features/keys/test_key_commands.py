"""`gatepost keys`, and a wrong SECRET_KEY as an operator meets it."""

import json
import subprocess
from pathlib import Path

import pytest

from gatepost.composition.services import Services
from gatepost.core.settings import Settings
from gatepost.identity.keys.errors import SigningKeyError
from tests.conftest import MakeSettings
from tests.support.clock import FakeClock
from tests.support.commands import run_command
from tests.support.server import COMMAND, run_gatepost, server_env


async def test_key_lives_through_its_commands(settings: Settings, services: Services, clock: FakeClock) -> None:
    clock.advance(days=-3)
    await services.start()
    old, coming = services.identity.keys.signing.kid, _other_than(services, services.identity.keys.signing.kid)

    head, *listed = (await run_command(settings, "keys", "list")).stdout.splitlines()
    assert head.split() == ["KEY", "ALGORITHM", "STATE", "CREATED", "SESSIONS"]
    assert sorted(line.split()[:3:2] for line in listed) == sorted([[old, "active"], [coming, "next"]])
    assert all(line.endswith("  0") for line in listed)
    as_json = json.loads((await run_command(settings, "keys", "list", "--json")).stdout)
    assert {key["kid"]: key["state"] for key in as_json["items"]} == {old: "active", coming: "next"}

    rotated = await run_command(settings, "keys", "rotate")
    assert rotated.stdout == f"{coming} signs from now on\n", rotated.exception
    listed = (await run_command(settings, "keys", "list")).stdout.splitlines()
    assert {old: "retiring", coming: "active"}.items() <= {line.split()[0]: line.split()[2] for line in listed}.items()
    assert [line.split()[2] for line in listed].count("next") == 1

    refused = await run_command(settings, "keys", "rotate")
    assert isinstance(refused.exception, SigningKeyError)
    refused = await run_command(settings, "keys", "retire", old)
    assert isinstance(refused.exception, SigningKeyError)
    assert (await run_command(settings, "keys", "retire", old, "--force")).stdout == f"{old} is deleted\n"
    assert old not in (await run_command(settings, "keys", "list")).stdout


@pytest.mark.parametrize("kid", ["-Ab_c", "--b-c", "-h"])
async def test_name_that_starts_with_a_dash_is_a_name(settings: Settings, kid: str) -> None:
    refused = await run_command(settings, "keys", "retire", kid, "--force")

    assert str(refused.exception) == f"there is no key {kid}; see gatepost keys list"


async def test_list_of_a_shared_secret_says_where_it_is(make_settings: MakeSettings) -> None:
    settings = make_settings(jwt_algorithm="HS256", jwt_secret="shared-0123456789-abcdefghijklmnopqrstuvwxyz")

    listed = await run_command(settings, "keys", "list")

    assert listed.stdout.startswith("HS256 signs with the setting JWT_SECRET")
    assert "shared-" not in listed.stdout


def test_refusal_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    run_gatepost("keys", "list", folder=tmp_path)

    refused = _run(tmp_path, "keys", "rotate")

    assert refused.returncode == 1
    assert refused.stdout == ""
    [line] = refused.stderr.splitlines()
    assert line.startswith("gatepost: the next key was made at ")
    assert run_gatepost("keys", "rotate", "--force", folder=tmp_path).endswith(" signs from now on\n")


@pytest.mark.parametrize("command", ["serve", "keys list", "doctor"])
def test_wrong_secret_is_one_line_and_exit_code_1(tmp_path: Path, command: str) -> None:
    run_gatepost("keys", "list", folder=tmp_path)

    refused = _run(tmp_path, *command.split(), SECRET_KEY="another-0123456789-abcdefghijklmnopqrstuvwxyz")

    assert refused.returncode == 1
    said = refused.stdout if command == "doctor" else refused.stderr
    assert "SECRET_KEY does not open the signing keys in the database" in said.splitlines()[-1]
    assert "Traceback" not in refused.stdout + refused.stderr
    if command != "doctor":
        assert len(refused.stderr.splitlines()) == 1
        assert refused.stdout == ""


def _run(folder: Path, *arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, *arguments], cwd=folder, env=server_env(**env), capture_output=True, text=True, timeout=30
    )


def _other_than(services: Services, kid: str) -> str:
    [other] = set(services.identity.keys.verifying) - {kid}
    return other
