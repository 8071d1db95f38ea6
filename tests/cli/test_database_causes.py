"""A command that cannot use the database names the cause in one line; tried against a real server."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, event

from gatepost.cli.doctor import Finding, Severity, clocks
from gatepost.core.clock import SystemClock
from gatepost.core.db.database import Database, create_engine
from tests.cli.conftest import Command
from tests.support.clock import FakeClock
from tests.support.mysql import run_sql

HIDDEN = "hunter2-of-mine"


@pytest.fixture
def few_rights(mysql_empty: URL) -> Iterator[URL]:
    """Give a database, and a user of it who may only read; `nobody_` before the name is one who may do nothing."""
    users = [f"'{prefix}{mysql_empty.database[-8:]}'@'%'" for prefix in ("reads_", "nobody_") if mysql_empty.database]
    for user in users:
        asyncio.run(run_sql(mysql_empty, f"CREATE USER {user} IDENTIFIED BY '{HIDDEN}'"))
    asyncio.run(run_sql(mysql_empty, f"GRANT SELECT ON {mysql_empty.database}.* TO {users[0]}"))
    yield mysql_empty.set(username=users[0].split("'")[1], password=HIDDEN)
    for user in users:
        asyncio.run(run_sql(mysql_empty, f"DROP USER {user}"))


@pytest.mark.mysql
def test_each_cause_of_the_server_is_told_with_its_remedy(command: Command, few_rights: URL, mysql_url: URL) -> None:
    reads = few_rights.username or ""
    nobody = reads.replace("reads_", "nobody_")
    missing = f"{few_rights.database}_missing"
    said = {
        few_rights.set(password="wrong-of-mine"): f"the user {reads} or the password is wrong",
        few_rights.set(username=nobody): f"the user {nobody} has no access to the database {few_rights.database}",
        few_rights: f"the user {reads} lacks a privilege in {few_rights.database}: CREATE command denied",
        mysql_url.set(database=missing): f"the database {missing} does not exist",
        few_rights.set(host="nowhere.invalid"): "the host nowhere.invalid is unknown",
        few_rights.set(port=1): "nothing listens at",
    }
    for url, words in said.items():
        text = url.set(drivername="mysql").render_as_string(hide_password=False)

        migrated, looked_at = command("migrate", DATABASE_URL=text), command("doctor", DATABASE_URL=text)

        assert (migrated.code, looked_at.code) == (1, 1)
        assert words in migrated.complaint
        if url is not few_rights:  # who may read can tell that the schema is not there yet
            assert words in looked_at.out.splitlines()[-1]
        assert "of-mine" not in migrated.err + looked_at.out
        assert "SELECT " not in migrated.err
    granted = command("migrate", DATABASE_URL=few_rights.set(drivername="mysql").render_as_string(hide_password=False))
    assert granted.complaint.endswith(f"Grant it: GRANT ALL ON `{few_rights.database}`.* TO '{reads}'@'…'")


def test_listener_that_says_nothing_is_left_in_time(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = f"127.0.0.1:{silent.getsockname()[1]}"

        refused = command("migrate", DATABASE_URL=f"mysql://root:x@{where}/gatepost")

    assert refused.complaint.startswith(f"the mysql database cannot be used: nothing answers at {where} in time")


def test_every_connection_of_a_command_waits_as_long_as_the_setting_says(command: Command) -> None:
    waits: list[float] = []

    def note(_dialect: object, _record: object, _arguments: object, options: dict[str, float]) -> None:
        waits.append(options["timeout"])

    event.listen(Engine, "do_connect", note)
    try:
        assert command("users", "list", DB_TIMEOUT_SECONDS="7").out == "none\n"
        assert command("migrate", DB_TIMEOUT_SECONDS="7").code == 0
    finally:
        event.remove(Engine, "do_connect", note)

    assert len(waits) >= 3
    assert set(waits) == {7.0}


def test_listener_that_is_no_database_is_told(command: Command) -> None:
    async def talk() -> str:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            outcome = await asyncio.to_thread(
                command, "migrate", DATABASE_URL=f"mysql://root:x@127.0.0.1:{port}/gatepost"
            )
            return outcome.complaint

    assert "closed the connection: is it really MySQL or MariaDB?" in asyncio.run(talk())


def test_file_that_cannot_be_opened_is_named(process: Command, tmp_path: Path) -> None:
    refused = process("migrate", DATABASE_URL=f"sqlite:///{tmp_path}/nowhere/gatepost.db")

    assert refused.complaint.startswith(
        f"the sqlite database cannot be used: {tmp_path}/nowhere/gatepost.db cannot be opened"
    )


@pytest.mark.mysql
@pytest.mark.parametrize(("seconds", "words"), [(0, None), (3, None), (30, "30 s ahead of"), (-7200, "7200 s behind")])
async def test_clock_that_is_apart_from_the_database_is_told(mysql_url: URL, seconds: int, words: str | None) -> None:
    engine = create_engine(mysql_url, timeout_seconds=30)
    clock = FakeClock()
    clock.advance(seconds=(SystemClock().now() - clock.now()).total_seconds() + seconds)

    found = [finding async for finding in clocks(Database(engine, timeout_seconds=30), clock)]
    await engine.dispose()

    assert [finding.severity for finding in found] == [Severity.WARNING] * (words is not None)
    assert words is None or words in found[0].text


async def test_file_has_no_clock_of_its_own(sqlite_url: URL) -> None:
    engine = create_engine(sqlite_url)

    found: list[Finding] = [finding async for finding in clocks(Database(engine, timeout_seconds=30), FakeClock())]
    await engine.dispose()

    assert found == []


def test_misspelt_name_is_told_by_doctor_and_before_a_migration(command: Command, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CORS_ORIGIN=https://app.example.com\nVITE_COLOR=red\n")

    migrated, looked_at = command("migrate", REDIS_URI="x"), command("doctor", BCRYPT_ROUNDS="12")

    assert migrated.err == (
        "gatepost: CORS_ORIGIN in .env is not a setting: did you mean CORS_ORIGINS?\n"
        "gatepost: REDIS_URI in the environment is not a setting: did you mean REDIS_URL?\n"
    )
    assert migrated.out.startswith("empty -> ")
    assert "warning  CORS_ORIGIN in .env is not a setting: did you mean CORS_ORIGINS?\n" in looked_at.out
    assert "ok       names in .env that are not settings and have no effect: VITE_COLOR\n" in looked_at.out


@pytest.mark.parametrize(
    ("arguments", "instead"),
    [
        (
            ("create-admin", "--username", "Abbey", "--email", "a@example.com"),
            "use --password-stdin",
        ),
        (("after-restore",), "say --yes"),
    ],
)
def test_question_without_a_terminal_says_how_to_do_without(
    process: Command, arguments: tuple[str, ...], instead: str
) -> None:
    refused = process(*arguments)

    assert (refused.code, refused.complaint) == (2, f"there is no terminal for questions: {instead}")
