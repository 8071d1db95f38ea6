"""Connections that were being made or were lent out while their engine was disposed of.

SQLAlchemy puts them back into the pool of before, which nobody closes any more: the garbage collector would find them.
"""

from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

DISPOSALS = "gatepost_disposals"


def close_latecomers(engine: AsyncEngine) -> None:
    """Close each connection of the engine that comes back after its pool has gone."""
    disposals = 0

    def count(_: Any) -> None:
        nonlocal disposals
        disposals += 1

    def remember(_: Any, record: ConnectionPoolEntry, *_arguments: Any) -> None:
        record.info[DISPOSALS] = disposals

    def close(_: Any, record: ConnectionPoolEntry) -> None:
        if record.info.get(DISPOSALS) != disposals:
            record.invalidate()

    event.listen(engine.sync_engine, "engine_disposed", count)
    # Before a connection is made: the pool may go while that takes place.
    event.listen(engine.sync_engine, "do_connect", remember)
    event.listen(engine.sync_engine, "checkin", close)
