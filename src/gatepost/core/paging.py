"""Reading all of something, however much it is: a page a transaction, so that memory and locks stay small."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

from gatepost.core.db.database import Database, Transaction

T = TypeVar("T")
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
