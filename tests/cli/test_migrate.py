"""`gatepost migrate`."""

from pathlib import Path

import pytest
from sqlalchemy import URL

from gatepost.core.db.revisions import newest_revision
from tests.cli.conftest import Command

NEWEST = newest_revision()


def test_database_goes_up_stays_and_goes_down(command: Command, tmp_path: Path) -> None:
    assert command("migrate").out == f"empty -> {NEWEST}\n"
    assert command("migrate").out == f"already at {NEWEST}\n"
    assert command("migrate", "0005").out == f"{NEWEST} -> 0005\n"
    assert command("migrate", "base", "--yes").out == "0005 -> empty\n"
    assert command("migrate", "base", "--yes").out == "already at empty\n"
    assert (tmp_path / ".gatepost" / "gatepost.db").is_file()


def test_nobody_loses_all_accounts_without_being_asked(process: Command) -> None:
    process("migrate")

    refused = process("migrate", "base")

    assert (refused.code, refused.complaint) == (2, "there is no terminal for questions: say --yes")
    assert process("migrate").out == f"already at {NEWEST}\n"


@pytest.mark.mysql
def test_mysql_is_migrated_in_parts_by_their_settings(process: Command, mysql_empty: URL) -> None:
    parts = {
        "DB_HOST": mysql_empty.host or "",
        "DB_PORT": str(mysql_empty.port or 3306),
        "DB_USER": mysql_empty.username or "",
        "DB_PASSWORD": mysql_empty.password or "",
        "DB_NAME": mysql_empty.database or "",
    }

    migrated = process("migrate", **parts)

    assert (migrated.code, migrated.out, migrated.err) == (0, f"empty -> {NEWEST}\n", "")


@pytest.mark.parametrize("revision", ["9999", "nonsense", "0005 drop"])
def test_revision_that_there_is_not_is_told_in_one_line(command: Command, revision: str) -> None:
    refused = command("migrate", revision)

    assert refused.code == 1
    assert revision.split()[0] in refused.complaint


def test_database_that_cannot_be_reached_is_told_in_one_line(command: Command) -> None:
    refused = command("migrate", DATABASE_URL="mysql://root:hunter2@127.0.0.1:1/gatepost")

    assert refused.code == 1
    assert "nothing listens at 127.0.0.1:1" in refused.complaint
    assert "hunter2" not in refused.err


def test_file_that_is_no_database_is_told_in_one_line(command: Command, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database, but a text that is long enough to be looked at" * 10)

    refused = command("migrate", DATABASE_URL="sqlite:///notes.txt")

    assert refused.code == 1
    assert refused.complaint == "the sqlite database cannot be used: notes.txt is not an SQLite database"


def test_folder_that_cannot_be_made_is_told_in_one_line(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    refused = command("migrate", DATA_DIR="file/data", SECRET_KEY="x" * 40)

    assert refused.code == 1
    assert refused.complaint == "file/data cannot be used: Not a directory"


def test_folder_without_a_secret_is_told_as_a_setting(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    refused = command("migrate", DATA_DIR="file/data")

    assert refused.code == 2
    assert "Set SECRET_KEY, or DATA_DIR to a writable folder" in refused.err
