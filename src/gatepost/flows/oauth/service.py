"""Registers and authenticates resource servers."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, retry_conflicts
from gatepost.flows.oauth.errors import (
    ClientExists,
    ClientIdInvalid,
    ClientNameInvalid,
    ClientNotFound,
    InvalidClient,
)
from gatepost.flows.oauth.models import ResourceServer
from gatepost.flows.oauth.repository import ResourceServers
from gatepost.identity.tokens.principal import OWN_CLIENT_ID

CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
LONGEST_NAME = 255
SECRET_PREFIX = "gps_"  # noqa: S105  the start of every secret, so that scanners find a leaked one
NOBODYS_DIGEST = "0" * 64


class ClientService:
    """Manages the resource servers."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    async def add(self, client_id: str, *, name: str) -> str:
        """Register a resource server and return its secret, which is not stored.

        Raises:
            ClientIdInvalid: the id has characters other than letters, digits and . _ -, or is reserved in tokens.
            ClientNameInvalid: the name is empty, too long, or not printable.
            ClientExists: the id is taken.
        """
        # In tokens it would be the service's own, or as a subject (RFC 9068, section 5) the id of an account.
        if not CLIENT_ID.fullmatch(client_id) or client_id == OWN_CLIENT_ID or client_id.isdecimal():
            raise ClientIdInvalid
        if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
            raise ClientNameInvalid
        secret = SECRET_PREFIX + secrets.token_urlsafe(32)
        try:
            await self._add(client_id, name=name, secret=secret)
        except IntegrityError as error:
            raise ClientExists from error
        return secret

    async def list(self) -> Sequence[ResourceServer]:
        """Return every resource server, by name."""
        async with self._db.read() as tx:
            return await ResourceServers(tx).all()

    @retry_conflicts
    async def remove(self, client_id: str) -> None:
        """Remove a resource server. Its secret is refused from then on.

        Raises:
            ClientNotFound: no resource server has this id.
        """
        now = self._clock.now()
        async with self._db.begin() as tx:
            servers = ResourceServers(tx)
            server = await servers.get(client_id)
            if server is None:
                raise ClientNotFound
            await servers.delete(server)
            record(tx, AuditEvent.CLIENT_REMOVED, at=now, details={"client_id": client_id})

    async def authenticate(self, client_id: str, secret: str) -> None:
        """Check the credentials of a resource server.

        Raises:
            InvalidClient: the secret is wrong, or the resource server does not exist.
        """
        server = None
        if CLIENT_ID.fullmatch(client_id):
            async with self._db.read() as tx:
                server = await ResourceServers(tx).get(client_id)
        known = server.secret_sha256 if server is not None else NOBODYS_DIGEST
        if not hmac.compare_digest(_digest(secret), known):
            raise InvalidClient

    @retry_conflicts
    async def _add(self, client_id: str, *, name: str, secret: str) -> None:
        now = self._clock.now()
        async with self._db.begin() as tx:
            await ResourceServers(tx).add(
                ResourceServer(client_id=client_id, name=name, secret_sha256=_digest(secret), created_at=now)
            )
            record(tx, AuditEvent.CLIENT_CREATED, at=now, details={"client_id": client_id})


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
