"""Bringing the schema to a revision."""

import importlib

from sqlalchemy.ext.asyncio import AsyncEngine


async def migrate(engine: AsyncEngine, revision: str = "head") -> None:
    """Bring the database to a revision, up or down; several processes may ask at once.

    Raises:
        MigrationError: the database holds tables of another program, another migration takes too long, or there is
            no such revision.
    """
    # Alembic is 9 MiB, which a worker that serves on a database that is up to date does without.
    steps = importlib.import_module("gatepost.core.db.migration_steps")
    await steps.run(engine, revision)
