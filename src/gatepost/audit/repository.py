"""The queries of the audit log and its seals."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, delete, exists, func, insert, or_, select, type_coerce
from sqlalchemy import update as sql_update
from sqlalchemy.engine import RowMapping
from sqlalchemy.sql import Select

from gatepost.audit.models import AuditEntry, AuditSeal
from gatepost.audit.shown import shown
from gatepost.core.db.database import Transaction
from gatepost.core.db.row_counts import rows_changed
from gatepost.core.db.tables import UNREADABLE

Raw = RowMapping
# The greatest id that the databases support.
LAST_ID = 2**63 - 1


def _raw(column: Any) -> ColumnElement[Any]:
    # The driver's value: reading must not fail on values that were written by hand.
    return type_coerce(column, Text).label(column.name)


ENTRY = (
    *(getattr(AuditEntry, name) for name in ("id", "event", "user_id", "actor_id", "session_id", "address")),
    *(AuditEntry.request_id, AuditEntry.seal_id, _raw(AuditEntry.at), _raw(AuditEntry.details)),
)
SEAL = (
    *(getattr(AuditSeal, name) for name in ("id", "entries", "previous", "content", "handover", "digest")),
    *(AuditSeal.purge_proof, _raw(AuditSeal.sealed_at), _raw(AuditSeal.purged_at)),
)
SEAL_WITH_ROWS = (*SEAL, _raw(AuditSeal.rows))


class Entries:
    """The entries, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def page(
        self, conditions: Collection[ColumnElement[bool]], *, after: tuple[datetime, int] | None, size: int
    ) -> Sequence[AuditEntry]:
        """Return the newest entries after a position that match all conditions, in displayable form.

        Entries whose time cannot be read have no position and are left out; `gatepost audit verify` reports them.
        """
        found: list[AuditEntry] = []
        column: Any = AuditEntry.at
        place: tuple[Any, int] | None = after
        while True:
            query = select(AuditEntry, _raw(AuditEntry.at)).where(*conditions)
            if place is not None:
                at, entry_id = place
                # The first condition follows from the second, but lets the database use the index.
                query = query.where(column <= at, or_(column < at, and_(column == at, AuditEntry.id < entry_id)))
            query = query.order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(size)
            rows = (await self._tx.execute(query)).all()
            found += [shown(entry) for entry, _ in rows if entry.at != UNREADABLE]
            if len(rows) < size or len(found) >= size:
                return found[:size]
            column, place = type_coerce(AuditEntry.at, Text), (rows[-1][1], rows[-1][0].id)

    async def unsealed(self, *, limit: int) -> Sequence[Raw]:
        """Return entries without a seal, ordered by id."""
        return await self._read(select(*ENTRY).where(AuditEntry.seal_id.is_(None)).order_by(AuditEntry.id).limit(limit))

    async def count_unsealed(self) -> int:
        """Return the number of entries without a seal."""
        return await self._tx.scalar(select(func.count()).where(AuditEntry.seal_id.is_(None))) or 0

    async def oldest_unsealed_at(self) -> datetime | None:
        """Return the time of the oldest entry without a seal."""
        query = select(AuditEntry.at).where(AuditEntry.seal_id.is_(None)).order_by(AuditEntry.id).limit(1)
        return await self._tx.scalar(query)

    async def seal(self, ids: Collection[int], seal_id: int) -> int:
        """Assign entries without a seal to a seal; return how many."""
        statement = (
            sql_update(AuditEntry)
            .where(AuditEntry.id.in_(ids), AuditEntry.seal_id.is_(None))
            .values(seal_id=seal_id)
            .execution_options(synchronize_session=False)
        )
        return await rows_changed(self._tx, statement)

    async def of_seals(self, *, above: int | None, to: int, after: tuple[int, int] | None, limit: int) -> Sequence[Raw]:
        """Return the entries of the seals after `above` up to `to`, ordered by seal and id, after a position."""
        query = select(*ENTRY).where(AuditEntry.seal_id <= to)
        if above is not None:
            query = query.where(AuditEntry.seal_id > above)
        if after is not None:
            seal_id, entry_id = after
            query = query.where(
                AuditEntry.seal_id >= seal_id,
                or_(AuditEntry.seal_id > seal_id, and_(AuditEntry.seal_id == seal_id, AuditEntry.id > entry_id)),
            )
        return await self._read(query.order_by(AuditEntry.seal_id, AuditEntry.id).limit(limit))

    async def beyond(self, seal_id: int | None, *, after: int | None, limit: int) -> Sequence[Raw]:
        """Return entries, ordered by id, that name a missing seal after this one, or any missing seal."""
        there = exists().where(AuditSeal.id == AuditEntry.seal_id)
        query = select(*ENTRY).where(~there)
        query = query.where(AuditEntry.seal_id.is_not(None) if seal_id is None else AuditEntry.seal_id > seal_id)
        if after is not None:
            query = query.where(AuditEntry.id > after)
        return await self._read(query.order_by(AuditEntry.id).limit(limit))

    async def delete_of(self, seal_ids: Collection[int]) -> int:
        """Delete the entries of these seals; return how many."""
        statement = (
            delete(AuditEntry).where(AuditEntry.seal_id.in_(seal_ids)).execution_options(synchronize_session=False)
        )
        return await rows_changed(self._tx, statement)

    async def _read(self, query: Select[Any]) -> Sequence[Raw]:
        rows: Sequence[Raw] = (await self._tx.execute(query)).mappings().all()
        return rows


class Seals:
    """The seals, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def head(self) -> Raw | None:
        """Return the newest seal that can have a successor, because the id after it is free.

        This is the newest seal, unless somebody has inserted one with the greatest possible id.
        """
        place = LAST_ID
        while True:
            query = select(*SEAL).where(AuditSeal.id.between(1, place)).order_by(AuditSeal.id.desc()).limit(1)
            newest = (await self._tx.execute(query)).mappings().one_or_none()
            if newest is None or newest["id"] < place:
                return newest
            place -= 1

    async def add(self, values: Mapping[str, Any]) -> None:
        """Insert a seal.

        Raises:
            IntegrityError: its id exists already.
        """
        await self._tx.execute(insert(AuditSeal).values(**values))

    async def page(self, *, after: int | None, limit: int) -> Sequence[Raw]:
        """Return seals with their `rows`, ordered by id."""
        query = select(*SEAL_WITH_ROWS).order_by(AuditSeal.id).limit(limit)
        if after is not None:
            query = query.where(AuditSeal.id > after)
        return (await self._tx.execute(query)).mappings().all()

    async def get(self, ids: Collection[int]) -> Sequence[Raw]:
        """Return seals by their ids."""
        return (await self._tx.execute(select(*SEAL).where(AuditSeal.id.in_(ids)))).mappings().all()

    async def handovers(self) -> Sequence[tuple[int, str]]:
        """Return the ids of all seals with a hand-over, with the encrypted key, the newest first."""
        query = select(AuditSeal.id, AuditSeal.handover).where(AuditSeal.handover.is_not(None))
        rows = (await self._tx.execute(query.order_by(AuditSeal.id.desc()))).all()
        return [(seal_id, closed or "") for seal_id, closed in rows]

    async def with_handover(self, *, limit: int) -> Sequence[Raw]:
        """Return the newest seals with a hand-over, the newest first."""
        query = select(*SEAL).where(AuditSeal.handover.is_not(None))
        return (await self._tx.execute(query.order_by(AuditSeal.id.desc()).limit(limit))).mappings().all()

    async def last_purged(self, *, since: datetime | None, limit: int) -> Sequence[Raw]:
        """Return seals whose entries were purged, since a time or ever, ordered from the newest seal.

        They are not ordered by `purged_at`, because the clocks of replicas differ.
        """
        is_purged = AuditSeal.purged_at.is_not(None) if since is None else AuditSeal.purged_at >= since
        query = select(*SEAL).where(is_purged).order_by(AuditSeal.id.desc()).limit(limit)
        return (await self._tx.execute(query)).mappings().all()

    async def expired(self, *, before: datetime, after: int, limit: int) -> Sequence[Raw]:
        """Return seals older than a time whose entries were not purged, ordered by id, after an id."""
        query = (
            select(*SEAL)
            .where(AuditSeal.purged_at.is_(None), AuditSeal.id > after, AuditSeal.sealed_at < before)
            .order_by(AuditSeal.id)
            .limit(limit)
        )
        return (await self._tx.execute(query)).mappings().all()

    async def mark_purged(self, seal_id: int, *, at: datetime, proof: str) -> bool:
        """Mark a seal as purged and empty its `rows`; False if it was purged before."""
        statement = (
            sql_update(AuditSeal)
            .where(AuditSeal.id == seal_id, AuditSeal.purged_at.is_(None))
            .values(purged_at=at, purge_proof=proof, rows=[])
            .execution_options(synchronize_session=False)
        )
        return await rows_changed(self._tx, statement) == 1
