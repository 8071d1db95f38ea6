"""The table of one-time links."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from gatepost.core.db.tables import Base, BigId, PrimaryId, exact


class OneTimeToken(Base):
    """A token of a mail link, as a digest; it is for one purpose, one address, and one use."""

    __tablename__ = "one_time_tokens"

    id: Mapped[PrimaryId]
    purpose: Mapped[str] = mapped_column(exact(32))
    digest: Mapped[str] = mapped_column(exact(64), unique=True)
    # Empty for a sign-up, whose account is not there yet.
    user_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    # Of "this was not me" the mailbox (`names.mailbox_of`): another one of the same canonical form may be a thief's.
    email_canonical: Mapped[str] = mapped_column(exact(320), index=True)
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
