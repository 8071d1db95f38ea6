"""Whether this process can serve."""

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

# Those who ask give up soon after: a second is what Kubernetes waits.
ANSWER_SECONDS = 0.8


class Check(StrEnum):
    """What a process needs to serve."""

    DATABASE = "database"
    SCHEMA = "schema"
    KEYS = "keys"
    FEED = "feed"


class Readiness:
    """Tells whether a process can serve, in time also when the database hangs."""

    def __init__(self, database: Database, keys: KeyRing, feed: RevocationFeed) -> None:
        self._db = database
        self._keys = keys
        self._feed = feed
        self._asking: asyncio.Task[str | None] | None = None

    async def check(self) -> None:
        """Let a process pass that can serve.

        Raises:
            DatabaseUnavailable, SchemaOutdated, KeysMissing, RevocationUnknown: the first of what is amiss; `fields`
                names all of it.
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
            # A later schema is no hindrance: while that version is rolled out, this one goes on.
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
        # A question that hangs goes on, up to the limit of any transaction, and is not asked twice meanwhile.
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
            # It answers, and has no such table.
            return None
        return revision
