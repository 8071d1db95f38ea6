"""Ends waits manually."""

from collections.abc import Sequence

from gatepost.core.db.database import Database, retry_conflicts
from gatepost.identity.throttling.guesses import Guesses


class Unlocker:
    """Lets an operator end the waits of strangers."""

    def __init__(self, database: Database, guesses: Guesses) -> None:
        self._db = database
        self._guesses = guesses

    @retry_conflicts
    async def run(self, *, names: Sequence[str], addresses: Sequence[str]) -> int:
        """Forget wrong guesses for these names and from these addresses; return the number of deleted counters."""
        async with self._db.begin() as tx:
            return await self._guesses.forget(tx, names=names, addresses=addresses)
