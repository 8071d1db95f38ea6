"""Replaces connections of the pool that the server has closed meanwhile, before they are used."""

import asyncio
import time
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import await_only

USED_AT = "gatepost_used_at"
PING_AFTER_SECONDS = 10.0
PING_SECONDS = 0.5


def replace_dead(engine: AsyncEngine) -> None:
    """Make the pool of this MySQL engine replace dead connections when they are checked out."""
    event.listen(engine.sync_engine, "checkin", _note_use)
    event.listen(engine.sync_engine, "checkout", _require_alive)


def _note_use(_: Any, record: ConnectionPoolEntry) -> None:
    record.info[USED_AT] = time.monotonic()


def _require_alive(connection: Any, record: ConnectionPoolEntry, _: Any) -> None:
    """Check that a connection is alive.

    The reader of a connection knows when the server has closed it, so no query is needed. Only after a long idle time,
    when a firewall may have dropped the connection, the server is pinged, for at most half a second.

    Raises:
        InvalidatePoolError: the connection is dead, and the others in the pool may be too.
    """
    used_at = record.info.get(USED_AT)
    if used_at is None:
        return
    reader = connection.driver_connection._reader  # noqa: SLF001  as aiomysql's own pool does
    if reader.eof_received or reader.at_eof() or reader.exception() is not None:
        raise InvalidatePoolError
    if time.monotonic() - used_at > PING_AFTER_SECONDS:
        try:
            await_only(asyncio.wait_for(connection.driver_connection.ping(reconnect=False), PING_SECONDS))
        except Exception as error:
            raise InvalidatePoolError from error
