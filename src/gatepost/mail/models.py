"""The table of the outbox."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, mapped_column

from gatepost.core.db.tables import Base, BigId, PrimaryId, exact, text


class OutboxMail(Base):
    """A mail that is to be sent; the row goes when it has been.

    It holds no link and no token: what a mail says in secret is made at the moment of sending. `due_at` is when it
    is tried next, and empty once it has been given up.
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
