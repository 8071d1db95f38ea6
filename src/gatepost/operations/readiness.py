"""Whether this process can serve."""

from sqlalchemy import text

from gatepost.core.database import Database
from gatepost.core.errors import Unavailable
from gatepost.core.migrations import known_revisions, newest_revision
from gatepost.sessions.errors import RevocationUnknown
from gatepost.sessions.revocation import RevocationFeed


class SchemaOutdated(Unavailable):
    """The database is at another schema than this version of the service works with."""

    code = "schema_outdated"
    title = "Schema outdated"
    message = "The database is at another schema. Run: gatepost migrate"


async def check_readiness(database: Database, feed: RevocationFeed) -> None:
    """Let a process pass that can serve.

    A schema of a later version is no hindrance: while that version is rolled out, this one goes on.

    Raises:
        DatabaseUnavailable: the database does not answer in time.
        SchemaOutdated: the database is at another schema.
        RevocationUnknown: the revocation feed has not been read for too long, so protected routes refuse.
    """
    async with database.read() as tx:
        revision = await tx.scalar(text("SELECT version_num FROM alembic_version"))
    if revision is None or (revision != newest_revision() and revision in known_revisions()):
        raise SchemaOutdated
    if feed.is_stale():
        raise RevocationUnknown
