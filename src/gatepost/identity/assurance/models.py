"""Tables of pending sign-ins and of trusted devices."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gatepost.core.db.tables import Base, BigId, PrimaryId, exact, text


class PendingSignIn(Base):
    """What somebody has proved who has to prove more; it is no session, and its token opens nothing else.

    `version` and `token_version` are those of the account as it was proved: after any change it has to be proved again.
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


class TrustedDevice(Base):
    """A device on which somebody has shown their second factor, and is not asked for it for some time (`ends_at`).

    `digest` is that of the name in its device token, which it was given with the trust: nobody else has it.
    """

    __tablename__ = "trusted_devices"
    __table_args__ = (  # type: ignore[assignment]  # the base class has the dictionary alone
        UniqueConstraint("user_id", "digest"),
        Base.__table_args__,
    )

    id: Mapped[PrimaryId]
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id", ondelete="CASCADE"))
    digest: Mapped[str] = mapped_column(exact(64))
    device: Mapped[str] = mapped_column(text(100))
    user_agent: Mapped[str] = mapped_column(text(255))
    address: Mapped[str] = mapped_column(exact(45))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)

    def ends_at(self, life: timedelta) -> datetime:
        """Return when it is trusted no more, where devices are trusted for `life` by now."""
        return min(self.expires_at, self.created_at + life)
