"""`gatepost openapi`, `gatepost settings`, `gatepost --version`, and what is said of mistakes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gatepost import __version__
from gatepost.cli.commands import COMMANDS, load
from gatepost.core.settings.text import example_file, markdown_page
from tests.cli.conftest import Command
from tests.support.contract import document

STRONG = "8fJ2kL9qWx7Zr4Tn6Vb1Yc3Mh5Pd0SgAa"


def test_description_needs_no_setting_and_leaves_no_file(process: Command, tmp_path: Path) -> None:
    described = process("openapi", ENVIRONMENT="production", DATABASE_URL="mysql://root@127.0.0.1:1/gatepost")

    assert described.code == 0
    printed = json.loads(described.out)
    assert printed["info"]["version"] == __version__
    assert printed == document()
    assert list(tmp_path.iterdir()) == []


def test_description_is_the_one_that_is_served(command: Command) -> None:
    described = command("openapi")

    assert described.code == 0
    assert "/api/auth/refreshtoken" in json.loads(described.out)["paths"]


def test_settings_in_force_are_shown_without_secrets(command: Command, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"PORT=9000\nSECRET_KEY={STRONG}\n", encoding="utf-8")

    shown = command("settings", WORKERS="3")

    assert shown.code == 0
    values = dict(line.split("=", 1) for line in shown.out.splitlines())
    assert (values["PORT"], values["WORKERS"], values["HOST"]) == ("9000", "3", "127.0.0.1")
    assert values["SECRET_KEY"] == "(hidden)"
    assert STRONG not in shown.out


def test_example_and_table_need_no_setting(command: Command) -> None:
    assert command("settings", "--example", PORT="x").out == example_file()
    assert command("settings", "--markdown", PORT="x").out == markdown_page()


def test_version_is_told(command: Command) -> None:
    told = command("--version")

    assert (told.code, told.out) == (0, f"gatepost {__version__}\n")


@pytest.mark.parametrize("command_line", [("settings",), ("migrate",), ("serve",), ("create-admin",)])
def test_refused_settings_are_told_one_a_line(process: Command, command_line: tuple[str, ...]) -> None:
    arguments = [*command_line]
    if "create-admin" in command_line:
        arguments += ["--username", "Abbey", "--email", "abbey@example.com", "--password-stdin"]

    refused = process(*arguments, stdin="correct horse\n", PORT="x", WORKERS="0")

    assert (refused.code, refused.out) == (2, "")
    first, *complaints = refused.err.splitlines()
    assert first == "gatepost: invalid settings:"
    assert [line.split(":")[0] for line in complaints] == ["  PORT", "  WORKERS"]


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("serve", "--nonsense"), ("serve", "--port", "x"), ("create-admin",)]
)
def test_mistyped_command_is_told_without_a_traceback(process: Command, arguments: tuple[str, ...]) -> None:
    refused = process(*arguments)

    assert (refused.code, refused.out) == (2, "")
    assert "Usage: " in refused.err
    assert "Traceback" not in refused.err


def test_nothing_typed_shows_what_there_is(process: Command) -> None:
    shown = process()

    for name in ("serve", "migrate", "create-admin", "doctor", "openapi", "settings"):
        assert name in shown.out + shown.err


@pytest.mark.parametrize("name", COMMANDS)
def test_list_of_commands_says_of_each_what_its_own_help_says(name: str) -> None:
    assert COMMANDS[name][1] == " ".join(load(name).help.split())


def test_list_of_commands_loads_none_of_them() -> None:
    program = (
        "import sys; from gatepost.cli.main import app; app(['--help'], standalone_mode=False); "
        "print(sorted({'fastapi', 'pydantic', 'sqlalchemy', 'uvicorn'} & sys.modules.keys()))"
    )

    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert "serve" in shown
    assert shown.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "arguments", [("create-admin",), ("serve",), ("users", "list"), ("audit", "verify"), ("import", "sequelize")]
)
def test_help_names_no_type_of_the_code_and_no_option_that_undoes_nothing(
    command: Command, arguments: tuple[str, ...]
) -> None:
    shown = command(*arguments, "--help")

    assert shown.code == 0
    assert not [word for word in ("<class", "<Name>", "--no-") if word in shown.out]


def test_help_of_the_list_of_accounts_tells_what_it_searches_and_sorts_by(command: Command) -> None:
    # A terminal of 80 columns: words that a table breaks cannot be copied.
    shown = command("users", "list", "--help", COLUMNS="80").out.split()

    assert {"Words", "domain;", "username,", "lastSignInAt;"} <= set(shown)


def test_arguments_that_mean_nothing_are_told_in_one_plain_line(process: Command) -> None:
    for arguments, said in (
        (("users", "list", "--role", "nope"), "gatepost: Role does not exist: nope"),
        (("unlock", "--address", "somewhere"), "gatepost: somewhere is not an IP address"),
    ):
        refused = process(*arguments)

        assert refused.code != 0
        assert refused.err.strip() == said
