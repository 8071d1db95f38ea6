"""Connections of the pool that the server has closed meanwhile: replaced before anybody meets one."""

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
    """Let the pool of this engine of MySQL replace connections that are dead when they are taken out."""
    event.listen(engine.sync_engine, "checkin", _note_use)
    event.listen(engine.sync_engine, "checkout", _require_alive)


def _note_use(_: Any, record: ConnectionPoolEntry) -> None:
    record.info[USED_AT] = time.monotonic()


def _require_alive(connection: Any, record: ConnectionPoolEntry, _: Any) -> None:
    """Let a connection pass that lives.

    The end of a closed one lies in its reader, so that no question is needed. Only where nothing was heard for
    long, and a firewall may have forgotten the connection, the server is asked, for half a second.

    Raises:
        InvalidatePoolError: it is dead, and those beside it may be.
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
