"""The tables of the audit log."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index
from sqlalchemy.orm import Mapped, mapped_column

from gatepost.core.db.tables import Base, BigId, PrimaryId, exact


class AuditEntry(Base):
    """One event. It has no foreign keys, because it outlives the rows that it refers to."""

    __tablename__ = "audit_log"
    # Each filter has an index, in the order of the pages.
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
    # The person concerned, and the one who acted; the actor is NULL if it is the same person or an operator's command.
    user_id: Mapped[int | None] = mapped_column(BigId)
    actor_id: Mapped[int | None] = mapped_column(BigId)
    session_id: Mapped[int | None] = mapped_column(BigId)
    address: Mapped[str] = mapped_column(exact(45))
    request_id: Mapped[str] = mapped_column(exact(64))
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    # The seal that covers it; NULL until it is sealed.
    seal_id: Mapped[int | None] = mapped_column(BigId, index=True)


class AuditSeal(Base):
    """One link of the hash chain. Ids are 1, 2, 3 …, so that a missing one leaves a gap.

    `digest` covers all other columns except `rows`, `purged_at` and `purge_proof`. `content` covers `rows`: the ids and
    digests of the entries, which are emptied when the entries are purged.
    """

    __tablename__ = "audit_seals"

    id: Mapped[PrimaryId]
    sealed_at: Mapped[datetime]
    entries: Mapped[int]
    previous: Mapped[str] = mapped_column(exact(64))
    content: Mapped[str] = mapped_column(exact(64))
    # The previous key, encrypted with this link's key; only after a change of SECRET_KEY.
    handover: Mapped[str | None] = mapped_column(exact(255), index=True)
    digest: Mapped[str] = mapped_column(exact(64))
    rows: Mapped[list[Any]] = mapped_column(JSON)
    purged_at: Mapped[datetime | None] = mapped_column(index=True)
    purge_proof: Mapped[str | None] = mapped_column(exact(64))


class AuditRepetition(Base):
    """An event that was recorded: until when it is not recorded again, and how often it has happened since.

    `subject` is a digest of the event, the person concerned, the details, and the subscriber who caused it. In a row
    for all subscribers, `repeated` is the number of subscribers that were recorded within the day.
    """

    __tablename__ = "audit_repetitions"

    subject: Mapped[str] = mapped_column(exact(64), primary_key=True)
    repeated: Mapped[int]
    told_until: Mapped[datetime] = mapped_column(index=True)
