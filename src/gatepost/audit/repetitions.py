"""What one person can cause again and again: told once a day, and how often more with the next time."""

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
# So long a count waits for the next time.
KEPT = timedelta(days=30)
# Told of one by one in a day; who has a network of 2^16 subscribers would fill the log with them.
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
    """Add an event to the caller's transaction, unless the same from the same subscriber was told within a day.

    After 20 subscribers of a day the others count as one. What was not told is counted, and stands in the next entry
    as `repeated`. Returns whether the event was added.
    """
    same = [event.value, user_id, session_id, details]
    # Whatever the subscriber: here `repeated` is how many of them were told of.
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
    # What is further ahead, a wrong clock or somebody with SQL has written: it silences nothing.
    return at < last.told_until <= at + DAY + CLOCKS_APART


class RepetitionPurge:
    """Removes counts that nothing came after."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    async def run(self) -> int:
        """Remove a batch and return how many went."""
        ended = self._clock.now() - KEPT
        return await delete_batch(self._db, AuditRepetition.subject, AuditRepetition.told_until <= ended)
