"""Events that somebody can cause repeatedly: recorded once a day, with the number of repetitions in the next entry."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from gatepost.audit.log import AuditEvent, record
from gatepost.audit.models import AuditRepetition
from gatepost.core.clock import CLOCKS_APART, Clock
from gatepost.core.db.database import Database, Transaction
from gatepost.core.db.held_rows import hold_rows
from gatepost.core.db.purging import delete_batch
from gatepost.core.request_info import RequestInfo, network

DAY = timedelta(days=1)
# How long a count is kept for the next entry.
KEPT = timedelta(days=30)
# The subscribers recorded individually per day; somebody with a network of 2^16 subscribers could flood the log.
SUBSCRIBERS = 20


async def record_once_a_day(
    tx: Transaction,
    event: AuditEvent,
    *,
    at: datetime,
    info: RequestInfo,
    details: Mapping[str, Any],
    user_id: int | None = None,
    session_id: int | None = None,
) -> bool:
    """Add an event to the caller's transaction, unless the same from the same subscriber was recorded within a day.

    After 20 subscribers in a day, all others count as one. Events that are not recorded are counted, and the next entry
    has their number as `repeated`. Returns whether the event was added.
    """
    same = [event.value, user_id, session_id, details]
    # For all subscribers: here `repeated` is the number of subscribers that were recorded.
    day = await _held(tx, same, at=at)
    if not _is_silent(day, at):
        day.repeated, day.told_until = 0, at + DAY
    own = [*same, network(info.address)]
    known = await tx.get(AuditRepetition, _subject(own))
    is_one_more = known is None or not _is_silent(known, at)
    last = await _held(tx, [*same, "others"] if is_one_more and day.repeated >= SUBSCRIBERS else own, at=at)
    if _is_silent(last, at):
        last.repeated += 1
        return False
    told = {**details, "repeated": last.repeated} if last.repeated else details
    record(tx, event, at=at, user_id=user_id, session_id=session_id, info=info, details=told)
    last.repeated, last.told_until = 0, at + DAY
    day.repeated += 1
    return True


async def _held(tx: Transaction, what: list[Any], *, at: datetime) -> AuditRepetition:
    subject = _subject(what)
    await hold_rows(tx, AuditRepetition, [{"subject": subject, "repeated": 0, "told_until": at}])
    query = select(AuditRepetition).where(AuditRepetition.subject == subject)
    return (await tx.scalars(query.with_for_update().execution_options(populate_existing=True))).one()


def _subject(what: list[Any]) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def _is_silent(last: AuditRepetition, at: datetime) -> bool:
    # A later time comes from a wrong clock or from manual SQL, and must not suppress anything.
    return at < last.told_until <= at + DAY + CLOCKS_APART


class RepetitionPurge:
    """Deletes counts that no further event has used."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    async def run(self) -> int:
        """Delete a batch and return how many."""
        ended = self._clock.now() - KEPT
        return await delete_batch(self._db, AuditRepetition.subject, AuditRepetition.told_until <= ended)
