"""What there is to watch: every metric of a process, and those that all replicas have in common."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlalchemy.exc import DBAPIError

from gatepost.audit.sealer import AuditSealer
from gatepost.core.crypto.passwords import Passwords
from gatepost.core.db.database import Database, DatabaseUnavailable
from gatepost.core.logs.lines import standard_error
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
    *,
    connections: int,
) -> Iterator[ProcessMetric]:
    """Yield the metrics of a process, which may open so many connections; a new metric is one more line."""
    lines, line = standard_error(), passwords.line
    for kind, name, read, meaning in (
        (Kind.SUM, "workers", lambda: 1, "Worker processes."),
        (Kind.SUM, "http_requests_in_progress", lambda: requests.in_progress, "Requests that are being served."),
        (Kind.SUM, "hashing_pending", lambda: line.inside, "Passwords that wait for, or are in, hashing."),
        (Kind.SUM, "hashing_capacity", lambda: line.room, "Passwords that may wait or be hashed at once."),
        (Kind.COUNT, "hashing_rejected", lambda: line.refused, "Passwords that were turned away at once."),
        (Kind.SUM, "db_connections_in_use", lambda: database.connections_in_use, "Connections in use."),
        (Kind.SUM, "db_connections_limit", lambda: connections, "Connections that may be open."),
        (Kind.COUNT, "db_timeouts", lambda: database.timeouts, "Transactions that took too long."),
        (Kind.MAX, "revocation_feed_age_seconds", feed.age_seconds, "Since the worker furthest behind read the feed."),
        (Kind.MAX, "redis_down", lambda: limits.redis_is_down, "Whether a worker does without Redis."),
        (Kind.COUNT, "rate_limit_fallbacks", lambda: limits.fallbacks, "Requests that a worker counted without Redis."),
        (Kind.COUNT, "log_lines_dropped", lambda: lines.lost, "Lines of the log that nobody took."),
    ):
        yield ProcessMetric(f"gatepost_{name}", meaning, kind, read)


async def database_metrics(outbox: OutboxWorker, sealer: AuditSealer) -> Mapping[str, tuple[str, float]]:
    """Return what the database says; without it, or without its tables, only that it says nothing."""
    up = "gatepost_database_up", "Whether the database answers."
    try:
        mails = await outbox.counts()
        unsealed = await sealer.oldest_unsealed_at()
    except (DatabaseUnavailable, DBAPIError):
        return {up[0]: (up[1], 0)}
    now = outbox.now()
    return {
        up[0]: (up[1], 1),
        "gatepost_outbox_pending": ("Mails that are to be tried.", mails.pending),
        "gatepost_outbox_failed": ("Mails that were given up; see gatepost mail failed.", mails.failed),
        "gatepost_outbox_oldest_seconds": (
            "How long the oldest mail that is to be tried has waited.", _age(mails.oldest_pending_at, now)
        ),
        "gatepost_audit_unsealed_oldest_seconds": (
            "How long the oldest entry of the audit log has waited for its seal.", _age(unsealed, now)
        ),
    }  # fmt: skip


def _age(moment: datetime | None, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds()) if moment is not None else 0.0
