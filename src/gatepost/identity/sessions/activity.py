"""Records when sessions were last used and when accounts last signed in: kept in memory, written once a minute."""

from datetime import datetime
from typing import Any

from sqlalchemy import Update, bindparam, or_, update
from sqlalchemy.orm import InstrumentedAttribute

from gatepost.core.db.database import Database, Transaction, after_commit, retry_conflicts
from gatepost.identity.accounts.models import User
from gatepost.identity.sessions.models import Session

# Rows per transaction, each a round trip: few enough that nobody has to wait long.
BATCH = 200


class SessionActivity:
    """The activity that this worker has seen and not written yet."""

    def __init__(self, database: Database) -> None:
        self._uses = _Moments(database, Session.id, Session.last_used_at)
        self._sign_ins = _Moments(database, User.id, User.last_sign_in_at)

    def note_use(self, session_id: int, *, at: datetime) -> None:
        """Remember a use of a session."""
        self._uses.note(session_id, at=at)

    def note_opened(self, tx: Transaction, session: Session) -> None:
        """Remember a sign-in to an account, after the session's transaction has committed."""
        user_id, at = session.user_id, session.created_at
        after_commit(tx, lambda: self._sign_ins.note(user_id, at=at))

    async def write(self) -> None:
        """Write what was remembered; rows that cannot be written now are written the next time."""
        await self._uses.write()
        await self._sign_ins.write()


class _Moments:
    """The latest time of each row for one column, whose value never decreases."""

    def __init__(self, database: Database, key: InstrumentedAttribute[int], column: InstrumentedAttribute[Any]) -> None:
        self._db = database
        self._statement = _later(key, column)
        self._moments: dict[int, datetime] = {}

    def note(self, row: int, *, at: datetime) -> None:
        self._moments[row] = at

    async def write(self) -> None:
        moments, self._moments = self._moments, {}
        # Ordered by id, so that two workers do not wait for each other.
        rows: list[dict[str, Any]] = [{"row": row, "moment": moment} for row, moment in sorted(moments.items())]
        for start in range(0, len(rows), BATCH):
            try:
                await self._write(rows[start : start + BATCH])
            except BaseException:
                self._moments = {row["row"]: row["moment"] for row in rows[start:]} | self._moments
                raise

    @retry_conflicts
    async def _write(self, rows: list[dict[str, Any]]) -> None:
        async with self._db.begin() as tx:
            await (await tx.connection()).execute(self._statement, rows)


def _later(key: InstrumentedAttribute[int], column: InstrumentedAttribute[Any]) -> Update:
    moment = bindparam("moment", type_=column.type)
    return (
        update(key.class_.__table__)
        .where(key == bindparam("row"), or_(column.is_(None), column < moment))
        .values({column: moment})
    )
