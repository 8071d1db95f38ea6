"""The table of the outbox."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, mapped_column

from gatepost.core.db.tables import Base, BigId, PrimaryId, exact, text


class OutboxMail(Base):
    """A mail to send; the row is deleted after sending.

    It contains no links and no tokens: they are created at the moment of sending. `due_at` is the time of the next
    attempt, None after the mail was given up.
    """

    __tablename__ = "mail_outbox"

    id: Mapped[PrimaryId]
    kind: Mapped[str] = mapped_column(exact(32))
    user_id: Mapped[int | None] = mapped_column(BigId)
    address: Mapped[str] = mapped_column(text(320))
    language: Mapped[str] = mapped_column(exact(16))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    failed_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(text(255), default="")
