"""Reads the audit log page by page, the newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement

from gatepost.admin.accounts.errors import CursorInvalid
from gatepost.audit.former_names import stored_names
from gatepost.audit.log import AuditEvent
from gatepost.audit.models import AuditEntry
from gatepost.audit.repository import Entries
from gatepost.core.clock import utc
from gatepost.core.db.database import Database, Transaction
from gatepost.core.ids import LARGEST_ID
from gatepost.core.paging import read_cursor, write_cursor
from gatepost.identity.accounts.repository import Users
from gatepost.identity.tokens.principal import UserPrincipal


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter for entries; all given conditions must match. `since` is inclusive, `until` is exclusive."""

    user_id: int | None = None
    actor_id: int | None = None
    event: AuditEvent | None = None
    address: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """The same for the database, but for the event, which may be stored under several names."""
        equal = (
            (AuditEntry.user_id, self.user_id),
            (AuditEntry.actor_id, self.actor_id),
            (AuditEntry.address, self.address),
        )
        conditions: list[ColumnElement[bool]] = [column == value for column, value in equal if value is not None]
        if self.since is not None:
            conditions.append(AuditEntry.at >= self.since)
        if self.until is not None:
            conditions.append(AuditEntry.at < self.until)
        return conditions


@dataclass(frozen=True, slots=True)
class AuditPage:
    """A page of entries, and the cursor of the next page; None on the last one."""

    entries: Sequence[AuditEntry]
    next_cursor: str | None


class AuditReader:
    """Reads the audit log."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def page(self, wanted: Wanted, *, size: int, after: str | None) -> AuditPage:
        """Return the newest entries, or those after a cursor, which is equally fast for every page.

        Raises:
            CursorInvalid: the cursor is invalid.
        """
        place = None if after is None else _read(after)
        async with self._db.read() as tx:
            return await _page(tx, wanted, after=place, size=size)

    async def activity(self, principal: UserPrincipal, *, size: int, after: str | None) -> AuditPage:
        """Return the events of the caller's account, like `page`; nothing if the account is deleted.

        Raises:
            CursorInvalid: the cursor is invalid.
        """
        place = None if after is None else _read(after)
        async with self._db.read() as tx:
            user = await Users(tx).of(principal.account)
            if user is None:
                return AuditPage([], None)
            return await _page(tx, Wanted(user_id=user.id), after=place, size=size)


async def _page(tx: Transaction, wanted: Wanted, *, after: tuple[datetime, int] | None, size: int) -> AuditPage:
    # One more than requested, to see whether there is a next page. Each name is a separate range in the index of
    # events.
    events = [] if wanted.event is None else [[AuditEntry.event == name] for name in stored_names(wanted.event)]
    found: list[AuditEntry] = []
    for event in events or [[]]:
        found += await Entries(tx).page([*wanted.conditions, *event], after=after, size=size + 1)
    entries = sorted(found, key=lambda entry: (entry.at, entry.id), reverse=True)[:size]
    return AuditPage(entries, _write(entries[-1]) if len(found) > size else None)


def _write(entry: AuditEntry) -> str:
    return write_cursor([entry.at.isoformat(), entry.id])


def _read(text: str) -> tuple[datetime, int]:
    try:
        at_text, entry_id = read_cursor(text)
        at = utc(datetime.fromisoformat(at_text))
    except (ValueError, TypeError) as error:
        raise CursorInvalid from error
    if type(entry_id) is not int or not 0 < entry_id <= LARGEST_ID:
        raise CursorInvalid
    return at, entry_id
