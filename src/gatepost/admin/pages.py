"""Reading accounts: one, or a page of them."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from gatepost.accounts.errors import UnknownRole, UserNotFound
from gatepost.accounts.models import User
from gatepost.accounts.repository import Roles, Users
from gatepost.admin.lists import AccountList, Place, Total
from gatepost.admin.search import Cursor, Filter, Sort
from gatepost.core.database import Database
from gatepost.sessions.models import Session
from gatepost.sessions.service import SessionService


@dataclass(frozen=True, slots=True)
class Page:
    """Some accounts in order; `total` and `number` are None where the page was found by a cursor."""

    items: Sequence[User]
    size: int
    number: int | None
    total: Total | None
    next_cursor: str | None

    @property
    def pages(self) -> int | None:
        """How many pages there are, as far as was counted."""
        return None if self.total is None else -(-self.total.count // self.size)


class AccountReader:
    """Shows accounts to those who look after them."""

    def __init__(self, database: Database, sessions: SessionService) -> None:
        self._db = database
        self._sessions = sessions

    async def page(self, wanted: Filter, sort: Sort, *, number: int, size: int, after: str | None) -> Page:
        """Return a page by its number, or by the cursor of the page before, which costs the same however deep it is.

        Raises:
            UnknownRole: the filter names a role that does not exist.
            CursorUnusable: the cursor is none of ours, or belongs to another order.
        """
        cursor = None if after is None else Cursor.read(after, sort)
        async with self._db.read() as tx:
            if wanted.role is not None and not await Roles(tx).named([wanted.role]):
                raise UnknownRole(f"Failed! Role does not exist = {wanted.role}")
            accounts = await AccountList.of(tx, wanted)
            total = await accounts.total() if cursor is None else None
            # One more than is shown tells whether there is a next page.
            offset = 0 if cursor is not None else (number - 1) * size
            found = await accounts.page(Place(sort, size=size + 1, offset=offset, after=cursor))
        items = found[:size]
        return Page(
            items=items,
            size=size,
            number=None if cursor is not None else number,
            total=total,
            next_cursor=Cursor.at(items[-1], sort).write() if len(found) > size else None,
        )

    async def get(self, user_id: int) -> User:
        """Return an account.

        Raises:
            UserNotFound: there is none with this id.
        """
        async with self._db.read() as tx:
            user = await Users(tx).get(user_id)
        if user is None:
            raise UserNotFound
        return user

    async def sessions(self, user_id: int) -> AsyncIterator[Sequence[Session]]:
        """Give the sessions of an account that go on, the last used first, page by page.

        Raises:
            UserNotFound: there is none with this id.
        """
        await self.get(user_id)
        return self._sessions.list_of(user_id)
