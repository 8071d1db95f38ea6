"""What requests ask the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import event

from gatepost.core.db.database import Database

OURS = ContextVar("asked by the test itself, and not by work in the background", default=False)


@contextmanager
def commits(database: Database) -> Iterator[list[Any]]:
    """Give the connections that requests within the block commit on, once a commit."""
    found: list[Any] = []

    def note(connection: Any) -> None:
        if OURS.get():
            found.append(connection)

    engine = database.engine.sync_engine
    event.listen(engine, "commit", note)
    token = OURS.set(True)
    try:
        yield found
    finally:
        OURS.reset(token)
        event.remove(engine, "commit", note)


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Give the statements that requests within the block make."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if OURS.get() and not statement.startswith("BEGIN"):
            found.append(statement)

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    token = OURS.set(True)
    try:
        yield found
    finally:
        OURS.reset(token)
        event.remove(engine, "before_cursor_execute", note)
