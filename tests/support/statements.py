"""What requests ask the database."""

from collections.abc import Callable, Iterator
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

    with _listening(database, "commit", note):
        yield found


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Give the statements that requests within the block make."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if OURS.get() and not statement.startswith("BEGIN"):
            found.append(statement)

    with _listening(database, "before_cursor_execute", note):
        yield found


@contextmanager
def _listening(database: Database, what: str, note: Callable[..., None]) -> Iterator[None]:
    engine = database.engine.sync_engine
    event.listen(engine, what, note)
    token = OURS.set(True)
    try:
        yield
    finally:
        OURS.reset(token)
        event.remove(engine, what, note)
