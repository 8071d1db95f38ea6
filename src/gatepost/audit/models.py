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
    event: Mapped[str] = mapped_column(exact(64))
    user_id: Mapped[int | None] = mapped_column(BigId)
    session_id: Mapped[int | None] = mapped_column(BigId)
    address: Mapped[str] = mapped_column(exact(45))
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
