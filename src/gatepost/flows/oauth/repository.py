"""Queries of resource servers."""

from collections.abc import Sequence

from sqlalchemy import select

from gatepost.core.db.database import Transaction
from gatepost.flows.oauth.models import ResourceServer


class ResourceServers:
    """The resource servers, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def get(self, client_id: str) -> ResourceServer | None:
        """Return a resource server."""
        return await self._tx.get(ResourceServer, client_id)

    async def all(self) -> Sequence[ResourceServer]:
        """Return every resource server, by name."""
        query = select(ResourceServer).order_by(ResourceServer.name, ResourceServer.client_id)
        return (await self._tx.scalars(query)).all()

    async def add(self, server: ResourceServer) -> None:
        """Insert a resource server.

        Raises:
            IntegrityError: its client id is taken.
        """
        self._tx.add(server)
        await self._tx.flush()

    async def delete(self, server: ResourceServer) -> None:
        """Delete a resource server."""
        await self._tx.delete(server)
        await self._tx.flush()
