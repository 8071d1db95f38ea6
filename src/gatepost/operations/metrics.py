"""Figures in the text format of Prometheus."""

from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from gatepost.mail.repository import OutboxCounts


def exposition(outbox: OutboxCounts, *, now: datetime) -> bytes:
    """Return the figures; those of the outbox are of all replicas together."""
    registry = CollectorRegistry()
    oldest = outbox.oldest_pending_at
    for name, meaning, value in (
        ("gatepost_outbox_pending", "Mails that are to be tried.", outbox.pending),
        ("gatepost_outbox_failed", "Mails that were given up; see gatepost mail failed.", outbox.failed),
        (
            "gatepost_outbox_oldest_seconds",
            "How long the oldest mail that is to be tried has waited.",
            (now - oldest).total_seconds() if oldest is not None else 0,
        ),
    ):
        Gauge(name, meaning, registry=registry).set(value)
    return generate_latest(registry)
