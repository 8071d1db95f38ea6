"""The table of the audit log."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, mapped_column

from gatepost.core.tables import Base, BigId, PrimaryId, exact


class AuditEntry(Base):
    """One event. It has no foreign keys, since it outlives what it speaks of."""

    __tablename__ = "audit_log"

    id: Mapped[PrimaryId]
    at: Mapped[datetime]
    event: Mapped[str] = mapped_column(exact(64), index=True)
    # Whom it is about, and who did it; the actor is empty where that is the same person, or an operator's command.
    user_id: Mapped[int | None] = mapped_column(BigId, index=True)
    actor_id: Mapped[int | None] = mapped_column(BigId)
    session_id: Mapped[int | None] = mapped_column(BigId)
    address: Mapped[str] = mapped_column(exact(45))
    request_id: Mapped[str] = mapped_column(exact(64))
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    # The batch of the hash chain that holds it; empty until it is sealed.
    seal_id: Mapped[int | None] = mapped_column(BigId, index=True)


class AuditSeal(Base):
    """One link of the hash chain: a digest over the link before it and over the entries of its batch."""

    __tablename__ = "audit_seals"

    id: Mapped[PrimaryId]
    sealed_at: Mapped[datetime]
    entries: Mapped[int]
    digest: Mapped[str] = mapped_column(exact(64))
