"""Runs the migrations on the connection that `gatepost migrate` passes, or else on the database of the settings."""

import asyncio

from alembic import context
from sqlalchemy import Connection

from gatepost.composition.platform import make_engine
from gatepost.core.settings import load_settings
from gatepost.models import Base


def run(connection: Connection) -> None:
    """Run the migrations: on SQLite all in one transaction, on MySQL, which commits each statement, one by one."""
    is_sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=is_sqlite,
        transaction_per_migration=not is_sqlite,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def run_on_the_settings_database() -> None:
    """Connect as the service does, and run the migrations."""
    engine = make_engine(load_settings())
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()


if (given := context.config.attributes.get("connection")) is not None:
    run(given)
else:
    asyncio.run(run_on_the_settings_database())
