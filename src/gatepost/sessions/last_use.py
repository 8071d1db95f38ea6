"""When a session was last used: remembered on each request, written once a minute."""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, update

from gatepost.core.database import Database, retry_conflicts
from gatepost.sessions.models import Session

# Rows a transaction, each a round trip: few enough that nobody waits for them.
BATCH = 200


class LastUse:
    """The uses of this worker that are not written yet, one moment a session."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._uses: dict[int, datetime] = {}

    def note(self, session_id: int, *, at: datetime) -> None:
        """Remember a use."""
        self._uses[session_id] = at

    async def write(self) -> None:
        """Write what was remembered; what cannot be written now is tried again with the next."""
        uses, self._uses = self._uses, {}
        # In the order of ids, so that two workers do not wait for each other.
        rows: list[dict[str, Any]] = [
            {"session": session, "moment": moment} for session, moment in sorted(uses.items())
        ]
        for start in range(0, len(rows), BATCH):
            try:
                await self._write(rows[start : start + BATCH])
            except BaseException:
                self._uses = {row["session"]: row["moment"] for row in rows[start:]} | self._uses
                raise

    @retry_conflicts
    async def _write(self, rows: list[dict[str, Any]]) -> None:
        statement = (
            update(Session.__table__)  # type: ignore[arg-type]  # a mapped class's table is a Table
            .where(Session.id == bindparam("session"), Session.last_used_at < bindparam("moment"))
            .values(last_used_at=bindparam("moment"))
        )
        async with self._db.begin() as tx:
            await (await tx.connection()).execute(statement, rows)
