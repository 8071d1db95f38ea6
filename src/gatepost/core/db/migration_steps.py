"""Runs the migrations with Alembic; imported only when they are run."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gatepost.core.db.database import WRITES
from gatepost.core.db.revisions import MigrationError, migrations_folder, revision_of

LOCK = "gatepost_migrate"
LOCK_SECONDS = 60


async def run(engine: AsyncEngine, revision: str) -> None:
    """Do the work of `migrations.migrate`."""
    writer = engine.execution_options(**{WRITES: True})
    async with writer.connect() as connection, _alone(connection):
        await connection.run_sync(_migrate, revision)
        await connection.commit()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    return config


def _migrate(connection: Connection, revision: str) -> None:
    current = revision_of(connection)
    tables = set(inspect(connection).get_table_names()) - {"alembic_version"}
    if current is None and tables:
        raise MigrationError(
            f"the database already holds tables that are not Gatepost's ({', '.join(sorted(tables)[:3])}, …); "
            "choose an empty one"
        )
    if connection.dialect.name != "sqlite":
        connection.commit()  # each migration is its own; on SQLite the check and all migrations are one transaction
    config = _config()
    config.attributes["connection"] = connection
    known = [step.revision for step in ScriptDirectory.from_config(config).walk_revisions()]
    if current is not None and current not in known:
        raise MigrationError(f"the database is at revision {current}, newer than this version of Gatepost")
    is_down = revision == "base" or (revision in known and current in known[: known.index(revision)])
    try:
        (command.downgrade if is_down else command.upgrade)(config, revision)
    except CommandError as error:
        raise MigrationError(f"there is no migration to revision {revision}: {error}") from error


@asynccontextmanager
async def _alone(connection: AsyncConnection) -> AsyncIterator[None]:
    """Hold a named lock of the server, because MySQL cannot roll back the change of a table."""
    if connection.dialect.name == "sqlite":
        yield
        return
    async with connection.engine.connect() as holder:
        got = await holder.scalar(text("SELECT GET_LOCK(:name, :wait)"), {"name": LOCK, "wait": LOCK_SECONDS})
        if got != 1:
            raise MigrationError(f"another migration has been running for {LOCK_SECONDS} s; try again")
        try:
            yield
        finally:
            await holder.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": LOCK})
