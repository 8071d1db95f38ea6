"""Deletes what has expired: a list of tasks, run in small batches by one replica at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import InstrumentedAttribute

from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, retry_conflicts
from gatepost.core.db.leases import Leases
from gatepost.core.db.row_counts import rows_changed

LEASE = "purge"
# Longer than any batch, and longer than the time between two rounds of the holder.
LEASE_LIFE = timedelta(minutes=10)
BATCH = 500
# Between two batches, so that other transactions can use the tables.
PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class PurgeTask:
    """One kind of data that expires. `run` deletes a batch and returns its size, 0 when nothing is left."""

    name: str
    run: Callable[[], Awaitable[int]]


class Purger:
    """Runs the tasks one after the other, each until nothing is left."""

    def __init__(self, leases: Leases, tasks: Sequence[PurgeTask]) -> None:
        self._leases = leases
        self.tasks = tuple(tasks)

    async def run_in_turn(self) -> None:
        """Purge, unless another replica does. A failed task does not stop the others.

        Raises:
            Exception: the error of the first task that failed, after the others have run.
        """
        failures: list[Exception] = []
        for task in self.tasks:
            try:
                await self._run_while_mine(task)
            except Exception as error:  # noqa: BLE001  raised below
                failures.append(error)
        if failures:
            raise failures[0]

    async def run_all(self, task: PurgeTask) -> int:
        """Run one task until nothing is left, even if other replicas run it too; return the number of deleted rows."""
        count = 0
        while gone := await task.run():
            count += gone
            await asyncio.sleep(PAUSE_SECONDS)
        return count

    async def _run_while_mine(self, task: PurgeTask) -> None:
        gone = 1
        while gone and await self._leases.take(LEASE, life=LEASE_LIFE):
            gone = await task.run()
            await asyncio.sleep(PAUSE_SECONDS)


class ExpiredRows:
    """Removes the rows of a table whose moments have all passed."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        key: InstrumentedAttribute[Any],
        *moments: InstrumentedAttribute[datetime],
    ) -> None:
        self._db = database
        self._clock = clock
        self._key = key
        self._moments = moments

    async def run(self) -> int:
        """Remove a batch and return how many went."""
        now = self._clock.now()
        return await delete_batch(self._db, self._key, *(moment <= now for moment in self._moments))


@retry_conflicts
async def delete_batch(database: Database, key: InstrumentedAttribute[Any], *conditions: ColumnElement[bool]) -> int:
    """Delete up to a batch of the rows that match all conditions, and return how many.

    On MySQL the rows are found first and then deleted by primary key: a deletion by condition would also lock the gaps
    between the rows and make writers wait.
    """
    model: Any = key.class_
    async with database.begin() as tx:
        if tx.get_bind().dialect.name == "sqlite":
            # In one statement: a key that is not valid text can be read, but then matches no row.
            found = key.in_(select(key).where(*conditions).limit(BATCH))
            statement = delete(model).where(found).execution_options(synchronize_session=False)
            return await rows_changed(tx, statement)
        ids = (await tx.scalars(select(key).where(*conditions).limit(BATCH))).all()
        if ids:
            await tx.execute(delete(model).where(key.in_(ids)).execution_options(synchronize_session=False))
    return len(ids)
