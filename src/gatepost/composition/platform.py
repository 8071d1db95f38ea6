"""Builds the services that all others need: settings, clock, database, password hashing."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from gatepost.core.clock import Clock, SystemClock
from gatepost.core.crypto.passwords import Passwords
from gatepost.core.db.database import Database, create_engine
from gatepost.core.db.leases import Leases
from gatepost.core.outbound import Outbound
from gatepost.core.request_metrics import RequestMetrics
from gatepost.core.settings import Settings


@dataclass(frozen=True, slots=True)
class Platform:
    """The services that know no feature."""

    settings: Settings
    clock: Clock
    database: Database
    passwords: Passwords
    leases: Leases
    request_metrics: RequestMetrics
    outbound: Outbound


def build_platform(
    settings: Settings, *, clock: Clock | None, engine: AsyncEngine | None, outbound: Outbound | None
) -> Platform:
    """Build the platform; it does not connect to anything yet."""
    clock = clock or SystemClock()
    database = Database(engine or make_engine(settings), timeout_seconds=settings.db_timeout_seconds)
    return Platform(
        settings=settings,
        clock=clock,
        database=database,
        passwords=Passwords(
            rounds=settings.bcrypt_rounds,
            queue=settings.password_queue_size,
            queue_seconds=settings.password_queue_timeout_seconds,
        ),
        leases=Leases(database, clock),
        request_metrics=RequestMetrics(),
        outbound=outbound or Outbound(allows_http=not settings.in_production),
    )


def make_engine(settings: Settings) -> AsyncEngine:
    """Build the engine that the settings describe."""
    return create_engine(
        settings.sqlalchemy_url,
        pool_size=settings.db_pool_size,
        max_overflow=settings.db_max_overflow,
        recycle_seconds=settings.db_pool_recycle_seconds,
        timeout_seconds=settings.db_timeout_seconds,
    )
