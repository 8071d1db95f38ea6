"""The tables of the audit log."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index
from sqlalchemy.orm import Mapped, mapped_column

from gatepost.core.db.tables import Base, BigId, PrimaryId, exact


class AuditEntry(Base):
    """One event. It has no foreign keys, since it outlives what it speaks of."""

    __tablename__ = "audit_log"
    # Each filter of a page has its index, in the order of the page.
    __table_args__ = (  # type: ignore[assignment]  # the base class has the dictionary alone
        Index(None, "at"),
        Index(None, "user_id", "at"),
        Index(None, "actor_id", "at"),
        Index(None, "event", "at"),
        Index(None, "address", "at"),
        Base.__table_args__,
    )

    id: Mapped[PrimaryId]
    at: Mapped[datetime]
    event: Mapped[str] = mapped_column(exact(64))
    # Whom it is about, and who did it; the actor is empty where that is the same person, or an operator's command.
    user_id: Mapped[int | None] = mapped_column(BigId)
    actor_id: Mapped[int | None] = mapped_column(BigId)
    session_id: Mapped[int | None] = mapped_column(BigId)
    address: Mapped[str] = mapped_column(exact(45))
    request_id: Mapped[str] = mapped_column(exact(64))
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    # The link of the hash chain that holds it; empty until it is sealed.
    seal_id: Mapped[int | None] = mapped_column(BigId, index=True)


class AuditSeal(Base):
    """One link of the hash chain. Ids go 1, 2, 3 …, so that a missing one leaves a gap.

    `digest` covers the other columns but `rows`, `purged_at` and `purge_proof`; `content` covers `rows`, the ids
    and digests of the entries, which are emptied when the entries are purged.
    """

    __tablename__ = "audit_seals"

    id: Mapped[PrimaryId]
    sealed_at: Mapped[datetime]
    entries: Mapped[int]
    previous: Mapped[str] = mapped_column(exact(64))
    content: Mapped[str] = mapped_column(exact(64))
    # The key of the link before, encrypted under this one's; only where SECRET_KEY has changed in between.
    handover: Mapped[str | None] = mapped_column(exact(255), index=True)
    digest: Mapped[str] = mapped_column(exact(64))
    rows: Mapped[list[Any]] = mapped_column(JSON)
    purged_at: Mapped[datetime | None] = mapped_column(index=True)
    purge_proof: Mapped[str | None] = mapped_column(exact(64))


class AuditRepetition(Base):
    """What was told, until when the same is not told again, and how often it has happened since.

    `subject` is a digest of what is the same: the event, whom it is about, the details, and who caused it. Without who
    caused it, `repeated` is how many of them were told of in the day.
    """

    __tablename__ = "audit_repetitions"

    subject: Mapped[str] = mapped_column(exact(64), primary_key=True)
    repeated: Mapped[int]
    told_until: Mapped[datetime] = mapped_column(index=True)
