"""All metrics: those of a process, and those that all replicas share."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlalchemy.exc import DBAPIError

from gatepost.audit.sealer import AuditSealer
from gatepost.core.crypto.passwords import Passwords
from gatepost.core.db.database import Database, DatabaseUnavailable
from gatepost.core.logs.lines import standard_error
from gatepost.core.outbound import Outbound
from gatepost.core.request_metrics import RequestMetrics
from gatepost.identity.sessions.revocation import RevocationFeed
from gatepost.identity.throttling.rates import RateLimits
from gatepost.mail.worker import OutboxWorker
from gatepost.operations.process_metrics import Kind, ProcessMetric


def process_metrics(
    requests: RequestMetrics,
    passwords: Passwords,
    database: Database,
    feed: RevocationFeed,
    limits: RateLimits,
    outbound: Outbound,
    *,
    connections: int,
) -> Iterator[ProcessMetric]:
    """Yield the metrics of a process; `connections` is how many database connections it may open."""
    lines, line = standard_error(), passwords.line
    for kind, name, read, meaning in (
        (Kind.SUM, "workers", lambda: 1, "Worker processes."),
        (Kind.SUM, "http_requests_in_progress", lambda: requests.in_progress, "Requests in progress."),
        (Kind.SUM, "hashing_pending", lambda: line.inside, "Passwords that are being hashed or wait for it."),
        (Kind.SUM, "hashing_capacity", lambda: line.room, "Maximum number of passwords that may wait or be hashed."),
        (Kind.COUNT, "hashing_rejected", lambda: line.refused, "Passwords refused because too many were waiting."),
        (Kind.SUM, "db_connections_in_use", lambda: database.connections_in_use, "Database connections in use."),
        (Kind.SUM, "db_connections_limit", lambda: connections, "Maximum number of database connections."),
        (Kind.COUNT, "db_timeouts", lambda: database.timeouts, "Database transactions that timed out."),
        (Kind.MAX, "revocation_feed_age_seconds", feed.age_seconds, "Time since the slowest worker read the feed."),
        (Kind.MAX, "redis_down", lambda: limits.redis_is_down, "Whether Redis is unreachable for a worker."),
        (
            Kind.COUNT,
            "rate_limit_fallbacks",
            lambda: limits.fallbacks,
            "Requests that were rate limited without Redis.",
        ),
        (Kind.COUNT, "outbound_requests", lambda: outbound.requests, "Requests to other services, such as providers."),
        (Kind.COUNT, "outbound_failures", lambda: outbound.failures, "Those that got no answer that could be used."),
        (Kind.COUNT, "log_lines_dropped", lambda: lines.lost, "Log lines that could not be written."),
    ):
        yield ProcessMetric(f"gatepost_{name}", meaning, kind, read)


async def database_metrics(outbox: OutboxWorker, sealer: AuditSealer) -> Mapping[str, tuple[str, float]]:
    """Return the metrics from the database. If it or its tables are missing, only that it is down."""
    up = "gatepost_database_up", "Whether the database is reachable."
    try:
        mails = await outbox.counts()
        unsealed = await sealer.oldest_unsealed_at()
    except (DatabaseUnavailable, DBAPIError):
        return {up[0]: (up[1], 0)}
    now = outbox.now()
    return {
        up[0]: (up[1], 1),
        "gatepost_outbox_pending": ("Mails waiting to be sent.", mails.pending),
        "gatepost_outbox_failed": ("Mails that were given up; see gatepost mail failed.", mails.failed),
        "gatepost_outbox_oldest_seconds": (
            "Age of the oldest mail waiting to be sent.", _age(mails.oldest_pending_at, now)
        ),
        "gatepost_audit_unsealed_oldest_seconds": (
            "Age of the oldest audit log entry without a seal.", _age(unsealed, now)
        ),
    }  # fmt: skip


def _age(moment: datetime | None, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds()) if moment is not None else 0.0
