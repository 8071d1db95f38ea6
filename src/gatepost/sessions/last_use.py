"""When a session was last used: remembered on each request, written once a minute."""

from datetime import datetime

from sqlalchemy import bindparam, update

from gatepost.core.database import Database, retry_conflicts
from gatepost.sessions.models import Session


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
        if not uses:
            return
        try:
            await self._write(uses)
        except BaseException:
            self._uses = uses | self._uses
            raise

    @retry_conflicts
    async def _write(self, uses: dict[int, datetime]) -> None:
        statement = (
            update(Session.__table__)  # type: ignore[arg-type]  # a mapped class's table is a Table
            .where(Session.id == bindparam("session"), Session.last_used_at < bindparam("moment"))
            .values(last_used_at=bindparam("moment"))
        )
        # In the order of ids, so that two workers do not wait for each other.
        rows = [{"session": session, "moment": moment} for session, moment in sorted(uses.items())]
        async with self._db.begin() as tx:
            await (await tx.connection()).execute(statement, rows)
