"""Reads any number of rows, one page per transaction, so that memory use and locks stay small.

Callers of paged routes get cursors: the position of the last item of a page, as text for a URL.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

from gatepost.core.crypto import base64url
from gatepost.core.db.database import Database, Transaction

T = TypeVar("T")
Place = list[int | str | None]
# Reads up to the given number of items after the given one, or from the start if it is None.
ReadPage = Callable[[Transaction, T | None, int], Awaitable[Sequence[T]]]

PAGE = 200


async def in_pages(database: Database, read: ReadPage[T], *, size: int = PAGE) -> AsyncIterator[Sequence[T]]:
    """Yield pages until there are no more."""
    last: T | None = None
    while True:
        async with database.read() as tx:
            page = await read(tx, last, size)
        if page:
            yield page
            last = page[-1]
        if len(page) < size:
            return


def write_cursor(place: Place) -> str:
    """Return a position as text for a URL."""
    text = json.dumps(place, ensure_ascii=False, separators=(",", ":"))
    return base64url.encode(text.encode())


def read_cursor(text: str) -> Any:
    """Return the content of a cursor. It comes from outside, so it may be any JSON value.

    Raises:
        ValueError: the text is not a cursor.
    """
    try:
        return json.loads(base64url.decode(text))
    except RecursionError as error:
        raise ValueError("not a cursor") from error
