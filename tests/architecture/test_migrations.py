"""The migrations: they make the tables of the models, go down and up again, and harm nobody else's database."""

import asyncio
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, Connection, String, inspect, make_url, text
from sqlalchemy.dialects import mysql

from gatepost.audit.former_names import FORMER_NAMES
from gatepost.core.db import migration_steps, revisions
from gatepost.core.db.database import create_engine
from gatepost.core.db.migrations import migrate
from gatepost.core.db.revisions import (
    MigrationError,
    current_revision,
    known_revisions,
    newest_revision,
    require_current_schema,
)
from gatepost.core.db.tables import MYSQL
from gatepost.models import Base
from tests.support.mysql import run_sql
from tests.support.server import server_env

GATEPOST = Path(sys.executable).with_name("gatepost")


@pytest.fixture(params=["sqlite", pytest.param("mysql", marks=pytest.mark.mysql)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """Give an empty database of each kind, and drop it."""
    if request.param == "sqlite":
        yield URL.create("sqlite+aiosqlite", database=str(tmp_path / "empty.db"))
        return
    server: URL = request.getfixturevalue("mysql_url")
    name = f"gatepost_test_{uuid.uuid4().hex[:12]}"
    asyncio.run(run_sql(server, f"CREATE DATABASE {name} CHARACTER SET latin1"))
    yield server.set(database=name)
    asyncio.run(run_sql(server, f"DROP DATABASE {name}"))


async def migrated(url: URL, revision: str = "head") -> None:
    """Bring a database to a revision."""
    engine = create_engine(url, timeout_seconds=30)
    try:
        await migrate(engine, revision)
    finally:
        await engine.dispose()


async def seen(url: URL, look: Any) -> Any:
    """Return what a function sees on a connection."""
    engine = create_engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(look)
    finally:
        await engine.dispose()


async def changed(url: URL, *statements: str) -> None:
    """Run statements on a database."""
    engine = create_engine(url)
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()


def differences(connection: Connection) -> list[Any]:
    """Return what an automatic migration would change."""
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "target_metadata": Base.metadata, "include_schemas": False}
    )
    return list(compare_metadata(context, Base.metadata))


def tables(connection: Connection) -> set[str]:
    """Return the names of the tables."""
    return set(inspect(connection).get_table_names())


async def test_migrations_make_the_tables_of_the_models(empty_url: URL) -> None:
    await migrated(empty_url)

    assert await seen(empty_url, differences) == []
    assert await seen(empty_url, tables) == {*Base.metadata.tables, "alembic_version"}


async def test_every_constraint_has_the_name_that_the_models_give_it(empty_url: URL) -> None:
    await migrated(empty_url)

    def constraints(connection: Connection) -> set[str]:
        inspector = inspect(connection)
        found: list[Any] = []
        for table in Base.metadata.tables:
            found += [*inspector.get_unique_constraints(table), *inspector.get_foreign_keys(table)]
        return {str(item["name"]) for item in found}

    expected = {
        str(constraint.name)
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if not str(constraint.name).startswith("pk_")
    }
    assert await seen(empty_url, constraints) == expected


@pytest.mark.mysql
async def test_texts_of_mysql_are_compared_as_the_models_say_whatever_the_server_prefers(mysql_url: URL) -> None:
    def collations(connection: Connection) -> dict[tuple[str, str], str]:
        rows = connection.execute(
            text(
                "SELECT table_name, column_name, collation_name FROM information_schema.columns "
                "WHERE table_schema = DATABASE() AND collation_name IS NOT NULL AND table_name != 'alembic_version'"
            )
        )
        return {(row[0], row[1]): row[2] for row in rows}

    found = await seen(mysql_url, collations)

    assert found["users", "username_canonical"] == found["users", "email_canonical"] == "utf8mb4_bin"
    for table in Base.metadata.tables.values():
        for column in table.columns:
            declared = column.type.dialect_impl(mysql.dialect())
            if isinstance(column.type, String) and (column.type._variant_mapping.keys() & set(MYSQL)):
                assert found[table.name, column.name] == getattr(declared, "collation", None), column
    assert all(collation.startswith("utf8mb4_") for collation in found.values())


async def test_migrations_go_down_to_nothing_and_up_again(empty_url: URL) -> None:
    await migrated(empty_url)
    await migrated(empty_url, "base")
    assert await seen(empty_url, tables) == {"alembic_version"}

    await migrated(empty_url)

    assert await seen(empty_url, differences) == []
    roles = await seen(empty_url, lambda connection: connection.execute(text("SELECT id, name FROM roles")).all())
    assert [tuple(role) for role in sorted(roles)] == [(1, "user"), (2, "moderator"), (3, "admin")]


async def test_each_step_goes_down_and_up_again(empty_url: URL) -> None:
    engine = create_engine(empty_url, timeout_seconds=30)
    steps = sorted(known_revisions())

    for step in steps:
        await migrate(engine, step)
        assert await current_revision(engine) == step
    for step in reversed(steps):
        await migrate(engine, step)
        assert await current_revision(engine) == step
    await migrate(engine, "base")

    assert await current_revision(engine) is None
    await engine.dispose()


async def test_accounts_that_are_there_get_their_words_and_last_sign_ins(empty_url: URL) -> None:
    await migrated(empty_url, "0028")
    moment = "2026-01-31 12:00:00.000000"
    # More than one batch, with a gap in the ids.
    ids = [*range(1, 1003), 5000]
    columns = (
        "id, username, username_canonical, email, email_canonical, language, password_hash, token_version, version"
    )
    accounts = ", ".join(
        f"({number}, 'Jörg {number}', 'jörg {number}', 'j{number}@Example.com', 'j{number}@example.com', 'en', '!', "
        f"0, 1, '{moment}', '{moment}')"
        for number in ids
    )
    session = ", ".join(f"'{moment}'" for _ in range(6))
    await changed(
        empty_url,
        f"INSERT INTO users ({columns}, created_at, updated_at) VALUES {accounts}",
        "INSERT INTO sessions (id, user_id, generation, key_id, amr, address, user_agent, device, rotated_at, "
        "created_at, last_used_at, idle_expires_at, absolute_expires_at, access_expires_at) "
        f"VALUES (9, 5000, 0, 'k', 'pwd', '', '', '', {session})",
    )

    await migrated(empty_url)
    # Cut off in the middle: what is there is made anew.
    await migrated(empty_url, "0031")
    await changed(empty_url, "INSERT INTO search_words (user_id, word) VALUES (7, 'stale')")
    await migrated(empty_url)

    def words(connection: Connection) -> list[tuple[int, str]]:
        rows = connection.execute(text("SELECT user_id, word FROM search_words ORDER BY user_id, word"))
        return [(row[0], row[1]) for row in rows]

    fixed = ("jorg", "joerg", "example.com", "com")
    expected = {(number, word) for number in ids for word in (*fixed, str(number), f"j{number}")}
    assert set(await seen(empty_url, words)) == expected
    signed_in = "SELECT id, last_sign_in_at FROM users WHERE last_sign_in_at IS NOT NULL"
    found = await seen(empty_url, lambda connection: connection.execute(text(signed_in)).all())
    assert [(row[0], str(row[1])[:19]) for row in found] == [(5000, moment[:19])]


async def test_statistics_follow_the_names_of_events_up_and_down(empty_url: URL) -> None:
    def names(table: str) -> Callable[[Connection], list[str]]:
        query = text(f"SELECT name FROM {table} ORDER BY value")
        return lambda connection: list(connection.execute(query).scalars())

    former = [*FORMER_NAMES, "account.created", "people"]
    rows = ", ".join(
        f"('2026-01-31', '{name}', '', {place}, '2026-01-31 12:00:00')" for place, name in enumerate(former)
    )
    await migrated(empty_url, "0032")
    await changed(empty_url, f"INSERT INTO daily_figures (day, name, detail, value, counted_at) VALUES {rows}")

    await migrated(empty_url)
    assert await seen(empty_url, names("daily_statistics")) == [*FORMER_NAMES.values(), "account.created", "people"]

    await migrated(empty_url, "0032")
    assert await seen(empty_url, names("daily_figures")) == former


async def test_migrating_again_changes_nothing(empty_url: URL) -> None:
    await migrated(empty_url)
    await migrated(empty_url)

    assert await seen(empty_url, differences) == []


async def test_tables_of_another_program_are_left_alone(empty_url: URL) -> None:
    await changed(empty_url, "CREATE TABLE wp_posts (id INTEGER)", "CREATE TABLE users (id INTEGER)")

    with pytest.raises(MigrationError, match=r"not Gatepost's \(users, wp_posts, …\); choose an empty one"):
        await migrated(empty_url)

    assert await seen(empty_url, tables) - {"alembic_version"} == {"users", "wp_posts"}


async def test_database_of_a_newer_version_is_left_alone(empty_url: URL) -> None:
    await migrated(empty_url)
    await changed(empty_url, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(MigrationError, match="at revision 9999, newer than this version"):
        await migrated(empty_url)
    engine = create_engine(empty_url)
    with pytest.raises(MigrationError, match=r"at revision 9999 .* Run: gatepost migrate"):
        await require_current_schema(engine)
    await engine.dispose()

    assert await seen(empty_url, tables) >= {"users", "sessions"}


@pytest.mark.parametrize("revision", [None, "0003"])
async def test_service_asks_for_the_schema_that_it_was_written_for(empty_url: URL, revision: str | None) -> None:
    if revision is not None:
        await migrated(empty_url, revision)
    engine = create_engine(empty_url)

    with pytest.raises(MigrationError) as refused:
        await require_current_schema(engine)

    await engine.dispose()
    assert str(refused.value) == (
        f"the database is at revision {revision or 'none'} and this version needs {newest_revision()}. "
        "Run: gatepost migrate"
    )


async def test_two_processes_migrate_at_once(empty_url: URL, tmp_path: Path) -> None:
    env = server_env(DATABASE_URL=empty_url.render_as_string(hide_password=False))

    processes = [
        await asyncio.create_subprocess_exec(
            GATEPOST, "migrate", cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for _ in range(2)
    ]
    outputs = await asyncio.gather(*(process.communicate() for process in processes))

    assert [process.returncode for process in processes] == [0, 0], outputs
    assert await seen(empty_url, differences) == []


@pytest.mark.mysql
async def test_migration_waits_for_another_one_no_longer_than_it_says(
    mysql_url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration_steps, "LOCK_SECONDS", 0)
    holder = create_engine(mysql_url)
    async with holder.connect() as connection:
        await connection.execute(text("SELECT GET_LOCK('gatepost_migrate', 0)"))

        with pytest.raises(MigrationError, match="another migration has been running"):
            await migrated(mysql_url)
    await holder.dispose()


@pytest.mark.mysql
@pytest.mark.parametrize("password", ["100%", "p%40ss%(x)s", "a@b/c:d?e#f%25"])
async def test_any_password_of_the_database_works(mysql_url: URL, tmp_path: Path, password: str) -> None:
    name = f"gp_{uuid.uuid4().hex[:12]}"
    await run_sql(mysql_url, f"CREATE DATABASE {name}")
    try:
        for host in ("localhost", "127.0.0.1", "%"):
            await run_sql(mysql_url, f"CREATE USER '{name}'@'{host}' IDENTIFIED BY '{password}'")
            await run_sql(mysql_url, f"GRANT ALL ON {name}.* TO '{name}'@'{host}'")
        url = mysql_url.set(username=name, password=password, database=name)
        for env in (
            {"DATABASE_URL": url.set(drivername="mysql").render_as_string(hide_password=False)},
            {
                "DB_HOST": url.host or "", "DB_PORT": str(url.port or 3306), "DB_USER": name,
                "DB_PASSWORD": password, "DB_NAME": name,
            },
        ):  # fmt: skip
            process = await asyncio.create_subprocess_exec(
                GATEPOST, "migrate", cwd=tmp_path, env=server_env(**env),
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            output, _ = await process.communicate()
            assert process.returncode == 0, output
        assert await seen(make_url(url), differences) == []
    finally:
        await run_sql(mysql_url, f"DROP DATABASE {name}")
        for host in ("localhost", "127.0.0.1", "%"):
            await run_sql(mysql_url, f"DROP USER IF EXISTS '{name}'@'{host}'")


def test_checkout_and_package_have_the_same_folder_of_migrations() -> None:
    folder = revisions.migrations_folder()

    assert (folder / "env.py").is_file()
    assert {file.name.partition("_")[0] for file in (folder / "versions").glob("*.py")} == known_revisions()
