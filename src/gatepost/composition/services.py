"""The composition root: builds all services of a process from the settings."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from gatepost.composition.admin import Admin, build_admin
from gatepost.composition.flows import Flows, build_flows
from gatepost.composition.identity import Identity, build_identity
from gatepost.composition.operations import Operations, build_operations
from gatepost.composition.platform import Platform, build_platform
from gatepost.core.clock import Clock
from gatepost.core.outbound import Outbound
from gatepost.core.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The services that routes and commands use; one instance per process."""

    platform: Platform
    identity: Identity
    flows: Flows
    admin: Admin
    operations: Operations

    @property
    def settings(self) -> Settings:
        """The settings that the services were built from."""
        return self.platform.settings

    def by_class(self) -> dict[type[Any], Any]:
        """Return the services by class, for dependency injection."""
        parts = [getattr(self, part.name) for part in fields(self)]
        services = (getattr(part, item.name) for part in parts for item in fields(part))
        return {type(service): service for service in services}

    async def start(self) -> None:
        """Load the keys and the revocation feed into memory."""
        await self.identity.keys.start()
        await self.identity.revocations.poll()

    async def stop(self, *, within_seconds: float = 5.0) -> None:
        """Write what is still in memory, and release threads and connections."""
        with suppress(Exception):  # an unreachable database must not delay the end of the process
            async with asyncio.timeout(within_seconds):
                await self.identity.activity.write()
        self.platform.passwords.close()
        await self.identity.rate_limits.close()
        await self.platform.database.dispose()


def build_services(
    settings: Settings,
    *,
    clock: Clock | None = None,
    engine: AsyncEngine | None = None,
    outbound: Outbound | None = None,
) -> Services:
    """Build all services; they are not connected or started yet."""
    platform = build_platform(settings, clock=clock, engine=engine, outbound=outbound)
    identity = build_identity(platform)
    admin = build_admin(platform, identity)
    return Services(
        platform=platform,
        identity=identity,
        flows=build_flows(platform, identity),
        admin=admin,
        operations=build_operations(platform, identity, admin),
    )
