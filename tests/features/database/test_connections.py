"""Connections that are cut off while they are made."""

import asyncio
import gc

import pytest
from sqlalchemy import URL, text

from gatepost.core.database import Database, create_engine


@pytest.mark.parametrize("milliseconds", [1, 4, 16])
async def test_connection_that_is_cut_off_while_it_is_made_is_closed(database_url: URL, milliseconds: int) -> None:
    """A connection that only the garbage collector finds warns, and a warning fails a test."""

    async def look(database: Database, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds), database.read() as tx:
                await tx.execute(text("SELECT 1"))
        except TimeoutError:
            return

    database = Database(create_engine(database_url, timeout_seconds=10), timeout_seconds=10)
    await asyncio.gather(*(look(database, milliseconds / 1000 * part / 5) for part in range(1, 11)))
    await database.dispose()
    gc.collect()
