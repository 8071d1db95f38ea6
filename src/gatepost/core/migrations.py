"""The schema's version: where the migrations lie, whether the database is up to date, and bringing it there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gatepost.core.database import WRITES

LOCK = "gatepost_migrate"
LOCK_SECONDS = 60


class MigrationError(Exception):
    """The database cannot be brought up to date; the message says why and what to do."""


def migrations_folder() -> Path:
    """Return the folder of the migrations: inside the installed package, or at the top of the checkout."""
    package = Path(__file__).resolve().parent.parent
    packaged = package / "_alembic"
    return packaged if packaged.is_dir() else package.parent.parent / "alembic"


@cache
def newest_revision() -> str:
    """Return the revision that this version of the service works with."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise MigrationError(f"no migrations in {migrations_folder()}; install gatepost again")
    return head


@cache
def known_revisions() -> frozenset[str]:
    """Return every revision up to the newest; another one comes from a later version of the service."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


async def current_revision(engine: AsyncEngine) -> str | None:
    """Return the revision that the database is at; None where it holds no tables of ours."""
    async with engine.connect() as connection:
        return await connection.run_sync(_revision)


async def migrate(engine: AsyncEngine, revision: str = "head") -> None:
    """Bring the database to a revision, up or down; several processes may ask at once.

    Raises:
        MigrationError: the database holds tables of another program, another migration takes too long, or there is
            no such revision.
    """
    writer = engine.execution_options(**{WRITES: True})
    async with writer.connect() as connection, _alone(connection):
        await connection.run_sync(_migrate, revision)
        await connection.commit()


async def require_current_schema(engine: AsyncEngine) -> None:
    """Let the service start only on the schema that it was written for.

    Raises:
        MigrationError: the database is at another revision; the message names the command.
    """
    current, newest = await current_revision(engine), newest_revision()
    if current != newest:
        raise MigrationError(
            f"the database is at revision {current or 'none'} and this version needs {newest}. Run: gatepost migrate"
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    return config


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _migrate(connection: Connection, revision: str) -> None:
    current = _revision(connection)
    tables = set(inspect(connection).get_table_names()) - {"alembic_version"}
    if current is None and tables:
        raise MigrationError(
            f"the database already holds tables that are not Gatepost's ({', '.join(sorted(tables)[:3])}, …); "
            "choose an empty one"
        )
    if connection.dialect.name != "sqlite":
        connection.commit()  # each step is its own; on SQLite the check and all steps are one transaction
    config = _config()
    config.attributes["connection"] = connection
    known = [step.revision for step in ScriptDirectory.from_config(config).walk_revisions()]
    if current is not None and current not in known:
        raise MigrationError(f"the database is at revision {current}, newer than this version of Gatepost")
    is_down = revision == "base" or (revision in known and current in known[: known.index(revision)])
    try:
        (command.downgrade if is_down else command.upgrade)(config, revision)
    except CommandError as error:
        raise MigrationError(f"there is no way to revision {revision}: {error}") from error


@asynccontextmanager
async def _alone(connection: AsyncConnection) -> AsyncIterator[None]:
    """Hold a lock of the server: a statement that changes a table cannot be undone on MySQL."""
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
