"""The revision of the schema: where the migrations are, and whether the database is up to date."""

from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine


class MigrationError(Exception):
    """The database cannot be migrated; the message says why and what to do."""


def migrations_folder() -> Path:
    """Return the folder of the migrations: inside the installed package, or at the top of the checkout."""
    package = Path(__file__).resolve().parents[2]
    packaged = package / "_alembic"
    return packaged if packaged.is_dir() else package.parent.parent / "alembic"


@cache
def known_revisions() -> frozenset[str]:
    """Return all revisions that this version knows: the numbers at the start of the migrations' file names."""
    numbers = frozenset(path.name.partition("_")[0] for path in migrations_folder().glob("versions/[0-9]*_*.py"))
    if not numbers:
        raise MigrationError(f"no migrations in {migrations_folder()}; install gatepost again")
    return numbers


def newest_revision() -> str:
    """Return the revision that this version of the service works with."""
    return max(known_revisions())


async def current_revision(engine: AsyncEngine) -> str | None:
    """Return the revision of the database; None if it has none of our tables."""
    async with engine.connect() as connection:
        return await connection.run_sync(revision_of)


def revision_of(connection: Connection) -> str | None:
    """Return the revision that Alembic has stored in this database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


async def require_current_schema(engine: AsyncEngine) -> None:
    """Check that the database has the schema that this version needs.

    Raises:
        MigrationError: it is at another revision; the message names the command to run.
    """
    current, newest = await current_revision(engine), newest_revision()
    if current != newest:
        raise MigrationError(
            f"the database is at revision {current or 'none'} and this version needs {newest}. Run: gatepost migrate"
        )
