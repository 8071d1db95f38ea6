"""Reading all of something, however much it is: a page a transaction, so that memory and locks stay small.

Whoever asks for the pages gets cursors: the place of the last thing of a page, as text for a URL.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

from gatepost.core.crypto import base64url
from gatepost.core.db.database import Database, Transaction

T = TypeVar("T")
Place = list[int | str | None]
# Returns up to so many of what comes after the last one that it has given.
ReadPage = Callable[[Transaction, T | None, int], Awaitable[Sequence[T]]]

PAGE = 200


async def in_pages(database: Database, read: ReadPage[T], *, size: int = PAGE) -> AsyncIterator[Sequence[T]]:
    """Give pages until there is no more."""
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
    """Return a place as text for a URL."""
    text = json.dumps(place, ensure_ascii=False, separators=(",", ":"))
    return base64url.encode(text.encode())


def read_cursor(text: str) -> Any:
    """Return what a text of `write_cursor` holds, or whatever else its writer has put there.

    Raises:
        ValueError: it holds nothing.
    """
    try:
        return json.loads(base64url.decode(text))
    except RecursionError as error:
        raise ValueError("not a cursor") from error
