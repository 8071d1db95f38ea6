"""`gatepost import sequelize`: accounts of the Node.js service come in, whole or listed."""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from sqlalchemy import URL, select

from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.repository import Users
from gatepost.transfer import importing
from tests.conftest import MakeSettings
from tests.features.transfer.conftest import OldDatabase, RunImport
from tests.support.api import PASSWORD, Api
from tests.support.commands import run_command
from tests.support.server import COMMAND, server_env

pytestmark = [pytest.mark.mysql, pytest.mark.both_databases]

OLD_HASH = "$2a$" + bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()[4:]


async def ids(database: Database) -> list[int]:
    """Return the ids of all accounts."""
    async with database.read() as tx:
        return list(await tx.scalars(select(User.id).order_by(User.id)))


def read_report(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a report."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


async def test_account_keeps_its_id_roles_and_password_and_its_hash_is_upgraded(
    old: OldDatabase, gatepost: RunImport, api: Api, database: Database
) -> None:
    await old.add(41, "José Abbey", "Heba@Gmail.com", OLD_HASH, roles=(1, 3, 7))

    result = await gatepost("import", "sequelize", old.argument)
    person = await api.sign_in("josé abbey")

    assert result.exit_code == 0, result.output
    assert person.id == 41
    async with database.read() as tx:
        user = await Users(tx).get(41)
    assert user is not None
    assert user.role_names == ("user", "admin", "editor")
    assert user.username == "José Abbey"
    assert user.email == "Heba@gmail.com"
    assert user.created_at.isoformat() == "2021-03-04T05:06:07+00:00"
    assert user.password_hash.startswith("$bcrypt-sha256$")
    assert (await api.sign_up("next one")).id > 41


async def test_what_cannot_be_told_apart_or_accepted_is_listed_and_not_imported(
    old: OldDatabase, gatepost: RunImport, database: Database, tmp_path: Path
) -> None:
    await old.add(1, "Abbey", "one@example.com", OLD_HASH)
    await old.add(2, "ABBEY", "two@example.com", OLD_HASH)
    await old.add(3, "three", "Same@example.com", OLD_HASH)
    await old.add(4, "four", "same@EXAMPLE.com", OLD_HASH)
    await old.add(5, None, "five@example.com", OLD_HASH)
    await old.add(6, "", "six@example.com", OLD_HASH)
    await old.add(7, "seven", None, OLD_HASH)
    await old.add(8, "nine@example.com", "eight@example.com", OLD_HASH)
    await old.add(9, "nine", "nine@example.com", "5f4dcc3b5aa765d61d8327deb882cf99")
    await old.add(10, "ten", "ten@example.com", OLD_HASH, roles=(1, 99))
    await old.add(11, "eleven", "eleven@example.com", OLD_HASH, at="0000-00-00 00:00:00")
    await old.run("INSERT INTO user_roles (roleId, userId) VALUES (1, 1234)")

    result = await gatepost("import", "sequelize", old.argument, "--report", tmp_path / "report.jsonl")

    assert result.exit_code == 1, result.output
    assert await ids(database) == [11]
    found = {(line["id"], line["code"]) for line in read_report(tmp_path / "report.jsonl")}
    assert found == {
        (1, "username_twice"), (2, "username_twice"), (3, "email_twice"), (4, "email_twice"), (5, "username_refused"),
        (6, "username_refused"), (7, "email_refused"), (8, "username_is_address"), (9, "hash_refused"),
        (10, "role_refused"), (None, "role_of_nobody"),
    }  # fmt: skip
    assert "5f4dcc3b" not in (tmp_path / "report.jsonl").read_text(encoding="utf-8")
    assert "11 accounts read, 1 imported" in result.output
    for line in ("2 username_twice: left unchanged", "1 username_is_address: left unchanged", "1 role_of_nobody: left"):
        assert line in result.output


async def test_names_and_addresses_that_a_sign_up_refuses_come_and_are_counted(
    old: OldDatabase, gatepost: RunImport, api: Api, database: Database
) -> None:
    await old.add(1, "bob@home.net", "bob@home.net", OLD_HASH)
    await old.add(2, "ANNE@Home.net ", "anne@home.net", OLD_HASH)
    await old.add(3, "Abbey  Salami", "abbey@home.net", OLD_HASH)
    await old.add(4, "tester", "tester@service.test", OLD_HASH)
    await old.add(5, "root@localhost", "root@localhost", OLD_HASH)
    told = (
        "3 user names that are the account's own address: accepted",
        "1 user names with surrounding or repeated spaces: normalised",
        "2 addresses under a domain such as .test: accepted",
    )

    dry = await gatepost("import", "sequelize", old.argument, "--dry-run")
    assert await ids(database) == []
    result = await gatepost("import", "sequelize", old.argument)
    again = await gatepost("import", "sequelize", old.argument)

    assert (dry.exit_code, result.exit_code, again.exit_code) == (0, 0, 0), (dry.output, result.output, again.output)
    assert [line for line in told if line not in dry.output or line not in result.output] == []
    assert "5 there already, 0 conflicts" in again.output
    signed_in = [
        (await api.sign_in(name)).id
        for name in ("bob@home.net", "anne@home.net", "Abbey  Salami", "abbey salami", "tester", "tester@service.test",
                     "root@localhost")
    ]  # fmt: skip
    assert signed_in == [1, 2, 3, 3, 4, 4, 5]


async def test_clients_that_keep_their_first_refresh_token_are_spoken_of_while_rotation_is_on(
    old: OldDatabase, make_settings: MakeSettings
) -> None:
    on = await run_command(make_settings(), "import", "sequelize", old.argument, "--dry-run")
    off = await run_command(
        make_settings(refresh_token_rotation=False), "import", "sequelize", old.argument, "--dry-run"
    )

    assert "REFRESH_TOKEN_ROTATION is on" in on.output
    assert "REFRESH_TOKEN_ROTATION" not in off.output


# latin1 has neither full-width letters nor separate accents.
@pytest.mark.parametrize("old", ["utf8mb4"], indirect=True)
async def test_names_that_differ_in_width_or_composition_are_one(
    gatepost: RunImport, old: OldDatabase, database: Database
) -> None:
    await old.add(1, "Ａbbey", "one@example.com", OLD_HASH)
    await old.add(2, "abbey", "two@example.com", OLD_HASH)
    await old.add(3, "jose\u0301", "three@example.com", OLD_HASH)
    await old.add(4, "jos\u00e9", "four@example.com", OLD_HASH)
    await old.add(5, "jose", "five@example.com", OLD_HASH)

    result = await gatepost("import", "sequelize", old.argument)

    assert result.exit_code == 1
    assert await ids(database) == [5]


async def test_dry_run_says_the_same_and_writes_nothing(
    old: OldDatabase, gatepost: RunImport, database: Database
) -> None:
    await old.add(1, "one", "one@example.com", OLD_HASH, roles=(1, 7))

    result = await gatepost("import", "sequelize", old.argument, "--dry-run")

    assert result.exit_code == 0, result.output
    assert "1 accounts read, 1 would be imported" in result.output
    assert await ids(database) == []


async def test_interrupted_import_goes_on_where_it_stopped(
    old: OldDatabase, gatepost: RunImport, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 6):
        await old.add(number, f"person{number}", f"p{number}@example.com", OLD_HASH)
    monkeypatch.setattr(importing, "BATCH", 2)
    with monkeypatch.context() as patch:
        insert = importing.Importer._insert

        async def breaks(self: importing.Importer, tx: Any, rows: Any) -> None:
            await insert(self, tx, rows)
            if rows[0].id == 3:
                raise ConnectionResetError

        patch.setattr(importing.Importer, "_insert", breaks)
        assert (await gatepost("import", "sequelize", old.argument)).exit_code == 1
    assert await ids(database) == [1, 2]

    result = await gatepost("import", "sequelize", old.argument)

    assert result.exit_code == 0, result.output
    assert "5 accounts read, 3 imported (0 without a password), 2 there already" in result.output
    assert await ids(database) == [1, 2, 3, 4, 5]


async def test_second_run_leaves_accounts_alone_that_have_gone_on(
    old: OldDatabase, gatepost: RunImport, api: Api, database: Database
) -> None:
    await old.add(1, "one", "one@example.com", OLD_HASH)
    await gatepost("import", "sequelize", old.argument)
    person = await api.sign_in("one")
    renamed = await api.patch("/api/users/me", json={"username": "Uno"}, headers=person.headers)
    assert renamed.status_code == 200, renamed.text

    again = await gatepost("import", "sequelize", old.argument)

    assert again.exit_code == 0, again.output
    assert "1 there already" in again.output
    assert (await api.sign_in("uno")).id == 1


async def test_account_with_the_id_or_name_of_another_one_is_listed(
    old: OldDatabase, gatepost: RunImport, api: Api, database: Database
) -> None:
    there = await api.sign_up("somebody")
    await old.add(there.id, "one", "one@example.com", OLD_HASH)
    await old.add(there.id + 1, "SOMEBODY", "two@example.com", OLD_HASH)

    result = await gatepost("import", "sequelize", old.argument)

    assert result.exit_code == 1
    assert "id_taken" in result.output
    assert "username_taken" in result.output
    assert await ids(database) == [there.id]


async def test_password_that_changed_in_the_old_service_since_is_listed(
    old: OldDatabase, gatepost: RunImport, database: Database
) -> None:
    await old.add(1, "one", "one@example.com", OLD_HASH)
    await gatepost("import", "sequelize", old.argument)
    newer = "$2a$" + bcrypt.hashpw(b"another horse", bcrypt.gensalt(4)).decode()[4:]
    await old.run("UPDATE users SET password = :hash, updatedAt = '2022-01-01'", hash=newer)

    result = await gatepost("import", "sequelize", old.argument)

    assert result.exit_code == 1
    assert "changed_since" in result.output


async def test_database_that_is_not_the_old_one_is_told(old: OldDatabase, gatepost: RunImport) -> None:
    await old.run("DROP TABLE user_roles")

    result = await gatepost("import", "sequelize", old.argument)

    assert result.exit_code == 2
    assert "user_roles" in result.output


async def test_real_process_imports(old: OldDatabase, tmp_path: Path, make_settings: MakeSettings) -> None:
    await old.add(1, "one", "one@example.com", OLD_HASH)

    process = await asyncio.create_subprocess_exec(
        *COMMAND, "import", "sequelize", old.argument, cwd=tmp_path, env=server_env(DATABASE_URL=f"sqlite:///{tmp_path}/new.db"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()

    assert process.returncode == 0, err
    assert b"1 accounts read, 1 imported" in out


async def test_password_of_the_old_database_comes_from_standard_input(old: OldDatabase, tmp_path: Path) -> None:
    user, password = f"old_{old.url.database}"[:32], "p@ss:w/rd %2f"
    await old.run(
        "SET sql_mode = ''", f"CREATE USER '{user}'@'%' IDENTIFIED BY '{password}'",
        f"GRANT SELECT ON {old.url.database}.* TO '{user}'@'%'",
    )  # fmt: skip
    url = old.url.set(drivername="mysql", username=user, password=None).render_as_string()

    async def run(stdin: str, *arguments: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "import", "sequelize", *arguments, cwd=tmp_path,
            env=server_env(DATABASE_URL=f"sqlite:///{tmp_path}/new.db"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        out, _ = await process.communicate(stdin.encode())
        return process.returncode, out.decode()

    try:
        code, said = await run(f"{password}\n", url, "--password-stdin")
        refusals = [
            await run("wrong\n", url, "--password-stdin"),
            await run("\n", url, "--password-stdin"),
            await run("hidden\n", url.replace("@", ":hidden@"), "--password-stdin"),
        ]
    finally:
        await old.run(f"DROP USER '{user}'@'%'")

    assert code == 0, said
    for code, said in refusals:
        lines = [line for line in said.splitlines() if line.startswith("gatepost: ")]
        assert (code in (1, 2), len(lines)) == (True, 1), said
        assert "hidden" not in said
        assert "Traceback" not in said


@pytest.mark.parametrize(
    "arguments",
    [
        ("import", "sequelize", "sqlite:///x"),
        ("import", "sequelize", "mysql://user:hidden@host/name?tls=skip-verify"),
        ("import", "csv", "bad.csv"),
        ("unlock",),
        ("mail", "retry"),
        ("audit", "verify", "--expect", "x"),
        ("create-admin", "--username", "a", "--email", "no address", "--password-stdin"),
    ],
)
def test_refusal_is_one_line(arguments: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("no,such,columns\n", encoding="utf-8")

    done = subprocess.run([*COMMAND, *arguments], cwd=tmp_path, env=server_env(), capture_output=True, text=True)

    assert done.returncode == 2
    assert done.stderr.startswith("gatepost: ")
    assert len(done.stderr.splitlines()) == 1
    assert "hidden" not in done.stderr


def test_source_that_cannot_be_reached_is_told_by_its_cause(tmp_path: Path) -> None:
    command = [*COMMAND, "import", "sequelize", "mysql://root:hidden@127.0.0.1:1/old"]

    done = subprocess.run(command, cwd=tmp_path, env=server_env(), capture_output=True, text=True, check=False)

    [line] = done.stderr.splitlines()
    assert line.startswith("gatepost: the source cannot be used: nothing listens at 127.0.0.1:1: ")
    assert (done.returncode, "hidden" in done.stderr) == (2, False)


@pytest.mark.mysql
def test_nobody_is_told_to_make_the_source(mysql_url: URL, tmp_path: Path) -> None:
    url = mysql_url.set(drivername="mysql", database="gatepost_test_missing").render_as_string(hide_password=False)
    command = [*COMMAND, "import", "sequelize", url]

    done = subprocess.run(command, cwd=tmp_path, env=server_env(), capture_output=True, text=True, check=False)

    assert "the database gatepost_test_missing does not exist" in done.stderr
    assert "CREATE DATABASE" not in done.stderr
