"""The readiness checks of this process."""

import asyncio
from collections.abc import Mapping
from enum import StrEnum

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gatepost.core.db.database import Database, DatabaseUnavailable
from gatepost.core.db.revisions import known_revisions, newest_revision
from gatepost.core.errors import AppError, FieldProblem
from gatepost.identity.keys.errors import SigningKeyError
from gatepost.identity.keys.ring import KeyRing
from gatepost.identity.sessions.revocation import RevocationFeed
from gatepost.identity.tokens.errors import RevocationUnknown
from gatepost.operations.errors import KeysMissing, SchemaOutdated

# Kubernetes only waits a second for the answer.
ANSWER_SECONDS = 0.8


class Check(StrEnum):
    """A dependency of the process."""

    DATABASE = "database"
    SCHEMA = "schema"
    KEYS = "keys"
    FEED = "feed"


class Readiness:
    """Checks whether the process can serve. Answers in time even if the database hangs."""

    def __init__(self, database: Database, keys: KeyRing, feed: RevocationFeed) -> None:
        self._db = database
        self._keys = keys
        self._feed = feed
        self._asking: asyncio.Task[str | None] | None = None

    async def check(self) -> None:
        """Check that the process can serve.

        Raises:
            DatabaseUnavailable, SchemaOutdated, KeysMissing, RevocationUnknown: the first failed check; `fields` lists
            all of them.
        """
        failures = await self._failures()
        if failures:
            first = next(iter(failures.values()))
            first.fields = tuple(
                FieldProblem(check.value, error.code, error.message) for check, error in failures.items()
            )
            raise first

    async def _failures(self) -> Mapping[Check, AppError]:
        failures: dict[Check, AppError] = {}
        try:
            revision = await self._revision()
            # A newer schema is fine: this version keeps serving while the new version is rolled out.
            if revision is None or (revision != newest_revision() and revision in known_revisions()):
                failures[Check.SCHEMA] = SchemaOutdated()
        except DatabaseUnavailable as error:
            failures[Check.DATABASE] = error
        try:
            _ = self._keys.signing
        except SigningKeyError:
            failures[Check.KEYS] = KeysMissing()
        if self._feed.is_stale():
            failures[Check.FEED] = RevocationUnknown()
        return failures

    async def _revision(self) -> str | None:
        # A hanging query continues up to the transaction timeout; meanwhile no second one is started.
        asking = self._asking = self._asking or asyncio.create_task(self._ask())
        asking.add_done_callback(self._forget)
        done, _ = await asyncio.wait({asking}, timeout=ANSWER_SECONDS)
        if not done:
            raise DatabaseUnavailable
        return asking.result()

    def _forget(self, asked: asyncio.Task[str | None]) -> None:
        if self._asking is asked:
            self._asking = None
        if not asked.cancelled():
            asked.exception()

    async def _ask(self) -> str | None:
        try:
            async with self._db.read() as tx:
                revision: str | None = await tx.scalar(text("SELECT version_num FROM alembic_version"))
        except DBAPIError:
            # The database is reachable, but the table is missing.
            return None
        return revision
