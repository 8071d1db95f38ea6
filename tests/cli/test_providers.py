"""`gatepost providers`, and what `gatepost doctor` says of providers."""

import json
from pathlib import Path

import pytest
from sqlalchemy import URL

from tests.cli.conftest import Command
from tests.conftest import MakeSettings
from tests.support.commands import run_command
from tests.support.providers.fake import Fault
from tests.support.providers.oidc import providers_file, upstream


@pytest.fixture
def database_url(sqlite_url: URL) -> URL:
    """Return the one database that these tests need: what differs between databases is tested elsewhere."""
    return sqlite_url


async def test_list_has_the_callback_address_of_each(make_settings: MakeSettings, tmp_path: Path) -> None:
    async with upstream() as acme:
        settings = make_settings(providers_file=providers_file(tmp_path, acme=acme, my_idp=acme))

        table = (await run_command(settings, "providers", "list")).stdout.splitlines()
        rows = json.loads((await run_command(settings, "providers", "list", "--json")).stdout)

    assert [row.split() for row in table] == [
        ["NAME", "KIND", "TITLE", "CALLBACK"],
        ["acme", "oidc", "Acme", "http://localhost:8080/api/auth/providers/acme/callback"],
        ["my-idp", "oidc", "My", "Idp", "http://localhost:8080/api/auth/providers/my-idp/callback"],
    ]
    assert [row["name"] for row in rows] == ["acme", "my-idp"]


async def test_check_says_in_one_line_each_what_works_and_what_does_not(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    async with upstream() as good, upstream() as bad:
        bad.metadata = {"issuer": "https://evil.example"}
        settings = make_settings(providers_file=providers_file(tmp_path, good=good, bad=bad))

        checked = await run_command(settings, "providers", "check")
        as_json = await run_command(settings, "providers", "check", "--json")

        assert checked.exit_code == as_json.exit_code == 1
        assert checked.stdout.splitlines() == [
            f"ok       good: {good.base} has metadata and keys, and accepts client_id and its secret",
            f"failure  bad: {bad.base}/.well-known/openid-configuration names another issuer than {bad.base}",
        ]
        assert [row["works"] for row in json.loads(as_json.stdout)] == [True, False]

        bad.metadata = {}
        assert (await run_command(settings, "providers", "check")).exit_code == 0


@pytest.mark.parametrize("fault", [Fault.DOWN, Fault.HTML, Fault.REDIRECT])
async def test_doctor_fails_where_a_provider_does(fault: Fault, make_settings: MakeSettings, tmp_path: Path) -> None:
    async with upstream() as acme:
        settings = make_settings(providers_file=providers_file(tmp_path, acme=acme))
        await run_command(settings, "migrate")
        well = await run_command(settings, "doctor")
        acme.fault = fault
        ill = await run_command(settings, "doctor")

    assert well.exit_code == 0, well.stdout
    assert f"ok       people can sign in by acme: {acme.base} has metadata and keys" in well.stdout
    assert ill.exit_code == 1
    assert "failure  nobody can sign in by acme: " in ill.stdout


async def test_callback_that_no_provider_would_use_is_told(make_settings: MakeSettings) -> None:
    settings = make_settings(public_url="http://auth.example")
    variables = {"PROVIDER_GITHUB_CLIENT_ID": "a", "PROVIDER_GITHUB_CLIENT_SECRET": "b"}
    settings.data_dir.joinpath(".env").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))

    checked = await run_command(settings, "providers", "check")

    assert checked.exit_code == 1
    assert checked.stdout == (
        "failure  github: the callback http://auth.example/api/auth/providers/github/callback is not https: set "
        "PUBLIC_URL\n"
    )


def test_nothing_set_up_is_fine(command: Command) -> None:
    assert command("providers", "list").out == "none\n"
    assert (command("providers", "check").code, command("providers", "check").out) == (0, "none\n")


def test_doctor_and_every_other_command_name_what_is_wrong_in_the_settings(command: Command) -> None:
    wrong = {"PROVIDER_GOOGLE_CLIENT_ID": "a"}

    examined = command("doctor", **wrong)
    refused = command("users", "list", **wrong)

    problem = "PROVIDER_GOOGLE_CLIENT_SECRET: it is missing. Set it, or client_secret in [providers.google] of"
    assert examined.code == 1
    assert problem in examined.out
    assert refused.code == 2
    assert problem in refused.err


def test_variables_of_providers_are_not_called_misspelt(command: Command, tmp_path: Path) -> None:
    tmp_path.joinpath(".env").write_text("PROVIDER_GITHUB_CLIENT_ID=a\nPROVIDER_GITHUB_CLIENT_SECRET=b\n")

    # With this callback, no provider is asked.
    slack = {"PROVIDER_SLACK_CLIENT_ID": "a", "PROVIDER_SLACK_CLIENT_SECRET": "b"}
    examined = command("doctor", PUBLIC_URL="http://auth.example", **slack)

    assert "nobody can sign in by slack: the callback" in examined.out
    assert "is not a setting" not in examined.out
    assert "that are not settings" not in examined.out


def test_secrets_of_providers_are_not_shown(command: Command) -> None:
    shown = command("settings", PROVIDER_GITHUB_CLIENT_ID="a", PROVIDER_GITHUB_CLIENT_SECRET="s3cret")

    assert "s3cret" not in shown.out
