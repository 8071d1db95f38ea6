"""`gatepost create-admin`."""

import io
import sys
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from gatepost.cli.main import app
from tests.cli.conftest import Command
from tests.support.api import PASSWORD, bearer
from tests.support.server import gatepost_server

ADMIN = ("create-admin", "--username", "Abbey Salami", "--email", "heba@gmail.com")


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Type the password into standard input."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))


def test_administrator_signs_in_and_sees_the_board(tmp_path: Path) -> None:
    with gatepost_server(tmp_path) as server:
        said = server.command(*ADMIN, "--password-stdin", stdin=f"{PASSWORD}\nnot the password\n")
        body = {"username": "heba@gmail.com", "password": PASSWORD}
        signed_in = httpx.post(f"{server.url}/api/auth/signin", json=body, trust_env=False).json()
        board = httpx.get(f"{server.url}/api/test/admin", headers=bearer(signed_in["accessToken"]), trust_env=False)

    assert said == f"administrator Abbey Salami has the id {signed_in['id']}\n"
    assert signed_in["roles"] == ["ROLE_USER", "ROLE_ADMIN"]
    assert board.text == "Admin Content."


def test_password_is_asked_for_twice_and_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BCRYPT_ROUNDS", "4")
    # What stands in for the terminal here is none.
    monkeypatch.setattr("gatepost.cli.accounts.require_terminal", lambda instead: None)

    result = CliRunner().invoke(app, ADMIN, input=f"{PASSWORD}\nanother one\n{PASSWORD}\n{PASSWORD}\n")

    assert result.exit_code == 0, result.output
    assert "The two entered values do not match" in result.output
    assert result.output.endswith("administrator Abbey Salami has the id 1\n")
    assert PASSWORD not in result.output


def test_nobody_types_a_password_for_settings_that_cannot_be_used(process: Command) -> None:
    refused = process(*ADMIN, ENVIRONMENT="production")

    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("gatepost: invalid settings:\n")


@pytest.mark.usefixtures("typed")
@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"--email": "other@example.com"}, "Username is already in use"),
        ({"--username": "Other"}, "Email is already in use"),
        ({"--username": "ABBEY salami", "--email": "other@example.com"}, "Username is already in use"),
    ],
)
def test_account_that_is_taken_is_told_in_one_line(
    command: Command, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], complaint: str
) -> None:
    assert command(*ADMIN, "--password-stdin").code == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))
    options = {"--username": "Abbey Salami", "--email": "heba@gmail.com", **changes}

    refused = command("create-admin", *(text for option in options.items() for text in option), "--password-stdin")

    assert (refused.code, refused.complaint) == (1, complaint)


@pytest.mark.parametrize(
    ("password", "complaint"),
    [
        ("", "The password cannot be used: it is empty or holds a control character."),
        ("12345\n", "The password needs at least 6 characters."),
        ("tab\tbetween\n", "The password cannot be used: it is empty or holds a control character."),
    ],
)
def test_password_that_breaks_a_rule_is_told_in_one_line(
    command: Command, monkeypatch: pytest.MonkeyPatch, password: str, complaint: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(password))

    refused = command(*ADMIN, "--password-stdin")

    assert (refused.code, refused.complaint) == (1, complaint)


@pytest.mark.parametrize(
    ("username", "email", "complaint"),
    [
        ("two\tspaces", "heba@gmail.com", "words separated by single"),
        ("bob@home.net", "heba@gmail.com", "a user name cannot contain @"),
        ("Abbey", "heba", "this is not an e-mail address"),
    ],
)
def test_name_that_is_none_is_refused_before_the_password_is_asked_for(
    command: Command, username: str, email: str, complaint: str
) -> None:
    refused = command("create-admin", "--username", username, "--email", email)

    assert refused.code == 2
    assert complaint in refused.err
    assert "Traceback" not in refused.err
    assert refused.out == ""
