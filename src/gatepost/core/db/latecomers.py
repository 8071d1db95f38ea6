"""Closes connections that were being opened or were in use while their engine was disposed of.

SQLAlchemy returns them to the old pool, which nobody closes any more: only the garbage collector would find them.
"""

from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

DISPOSALS = "gatepost_disposals"


def close_latecomers(engine: AsyncEngine) -> None:
    """Close each connection of the engine that is returned after its pool was disposed of."""
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
    # Before connecting, because the pool may be disposed of meanwhile.
    event.listen(engine.sync_engine, "do_connect", remember)
    event.listen(engine.sync_engine, "checkin", close)
