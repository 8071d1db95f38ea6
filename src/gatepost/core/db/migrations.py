"""Migrates the schema."""

import importlib

from sqlalchemy.ext.asyncio import AsyncEngine


async def migrate(engine: AsyncEngine, revision: str = "head") -> None:
    """Migrate the database to a revision, up or down. Several processes may call this at the same time.

    Raises:
        MigrationError: the database has tables of another program, another migration takes too long, or there is no
            such revision.
    """
    # Alembic takes 9 MiB, which a worker does not need if the database is up to date.
    steps = importlib.import_module("gatepost.core.db.migration_steps")
    await steps.run(engine, revision)
