"""Reads accounts: one, a page, or all."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from gatepost.admin.accounts.lists import Account, AccountList, Place, Total
from gatepost.admin.accounts.preconditions import Caller, authority_of
from gatepost.admin.accounts.search import Cursor, Filter, Sort
from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.identity.accounts.errors import UnknownRole, UserNotFound
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.repository import Roles, Users
from gatepost.identity.accounts.roles import Permission
from gatepost.identity.external.repository import Identities
from gatepost.identity.factors.enrolment import usable_methods
from gatepost.identity.sessions.models import Session
from gatepost.identity.sessions.service import SessionService

# Accounts that an export reads in one transaction.
EXPORT_PAGE = 500


@dataclass(frozen=True, slots=True)
class AccountPage:
    """A page of accounts; `total` and `number` are None if it was requested with a cursor."""

    items: Sequence[Account]
    size: int
    number: int | None
    total: Total | None
    next_cursor: str | None

    @property
    def pages(self) -> int | None:
        """How many pages there are, as far as was counted."""
        return None if self.total is None else -(-self.total.count // self.size)


class AccountReader:
    """Reads accounts for administrators."""

    def __init__(self, database: Database, clock: Clock, sessions: SessionService) -> None:
        self._db = database
        self._clock = clock
        self._sessions = sessions

    async def page(self, wanted: Filter, sort: Sort, *, number: int, size: int, after: str | None) -> AccountPage:
        """Return a page by its number, or by the cursor of the previous page, which is equally fast for every page.

        Raises:
            UnknownRole: the filter names a role that does not exist.
            CursorInvalid: the cursor is not one of ours, or belongs to another order.
        """
        cursor = None if after is None else Cursor.read(after, sort)
        async with self._db.read() as tx:
            await _require_role(tx, wanted)
            accounts = await AccountList.of(tx, wanted)
            total = await accounts.total() if cursor is None else None
            # One more than requested, to see whether there is a next page.
            offset = 0 if cursor is not None else (number - 1) * size
            found = await accounts.page(Place(sort, size=size + 1, offset=offset, after=cursor))
        items = found[:size]
        if total is not None and items:
            total = total.at_least(offset + len(found))
        return AccountPage(
            items=items,
            size=size,
            number=None if cursor is not None else number,
            total=total,
            next_cursor=Cursor.at(items[-1].user, sort).write() if len(found) > size else None,
        )

    @retry_conflicts
    async def export(self, wanted: Filter, sort: Sort, *, by: Caller) -> AsyncIterator[Sequence[Account]]:
        """Record the export, and return accounts page by page. Accounts created or deleted meanwhile may be missing.

        Raises:
            TokenStale, TokenRevoked, PermissionRequired: as for every change.
            UnknownRole: the filter names a role that does not exist.
        """
        details = {"form": "csv", "filter": wanted.parts}
        async with self._db.begin() as tx:
            await authority_of(tx, by, Permission.USERS_READ)
            await _require_role(tx, wanted)
            record(
                tx, AuditEvent.ACCOUNTS_EXPORTED, at=self._clock.now(), actor_id=by.user_id, info=by.info,
                details=details,
            )  # fmt: skip
        return self._all(wanted, sort)

    async def _all(self, wanted: Filter, sort: Sort) -> AsyncIterator[Sequence[Account]]:
        cursor: Cursor | None = None
        while True:
            async with self._db.read() as tx:
                accounts = await AccountList.of(tx, wanted)
                page = await accounts.page(Place(sort, size=EXPORT_PAGE, after=cursor))
            yield page
            if len(page) < EXPORT_PAGE:
                return
            cursor = Cursor.at(page[-1].user, sort)

    async def get(self, user_id: int) -> Account:
        """Return an account.

        Raises:
            UserNotFound: there is none with this id.
        """
        async with self._db.read() as tx:
            user = await Users(tx).get(user_id)
            if user is None:
                raise UserNotFound
            return await _account(tx, user)

    async def of(self, user: User) -> Account:
        """Return an account that was just changed, or created."""
        async with self._db.read() as tx:
            return await _account(tx, user)

    async def sessions(self, user_id: int) -> AsyncIterator[Sequence[Session]]:
        """Return the active sessions of an account page by page, the most recently used first.

        Raises:
            UserNotFound: there is none with this id.
        """
        await self.get(user_id)
        return self._sessions.list_of(user_id)


async def _account(tx: Transaction, user: User) -> Account:
    return Account(user, await usable_methods(tx, user.id), await Identities(tx).of(user.id))


async def _require_role(tx: Transaction, wanted: Filter) -> None:
    if wanted.role is not None and not await Roles(tx).named([wanted.role]):
        raise UnknownRole(f"Failed! Role does not exist = {wanted.role}")
