"""The table of sign-ins that are not complete."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from gatepost.core.db.tables import Base, BigId, PrimaryId, exact, text


class PendingSignIn(Base):
    """What somebody has proved who has to prove more; it is no session, and its token opens nothing else.

    `version` and `token_version` are those of the account as it was proved: after any change it is proved anew.
    """

    __tablename__ = "pending_sign_ins"

    id: Mapped[PrimaryId]
    digest: Mapped[str] = mapped_column(exact(64), unique=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    random_id: Mapped[str | None] = mapped_column(exact(16))
    token_version: Mapped[int]
    version: Mapped[int]
    # The method and the moment of each.
    proofs: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    is_new_device: Mapped[bool]
    address: Mapped[str] = mapped_column(exact(45))
    user_agent: Mapped[str] = mapped_column(text(255))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
