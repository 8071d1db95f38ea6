"""Tables of accounts at other providers, and of authorizations that are under way."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gatepost.core.db.tables import Base, BigId, PrimaryId, exact, text
from gatepost.identity.providers.profile import LONGEST_ISSUER, LONGEST_SUBJECT

# Of the name in the settings.
LONGEST_PROVIDER = 32


class ExternalIdentity(Base):
    """An account at another provider that opens one of ours.

    `issuer` and `subject` say whose it is: they never pass to somebody else, as addresses and names do. `provider` is
    the name in the settings, and `email` what the provider has told last; both are for people to read, and decide
    nothing.
    """

    __tablename__ = "identities"
    __table_args__ = (  # type: ignore[assignment]  # the base class has the dictionary alone
        UniqueConstraint("issuer", "subject"),
        Base.__table_args__,
    )

    id: Mapped[PrimaryId]
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    provider: Mapped[str] = mapped_column(exact(LONGEST_PROVIDER))
    issuer: Mapped[str] = mapped_column(exact(LONGEST_ISSUER))
    subject: Mapped[str] = mapped_column(exact(LONGEST_SUBJECT))
    email: Mapped[str | None] = mapped_column(text(320))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]


class PendingAuthorization(Base):
    """A browser that was sent to another provider, and what the provider said when it came back.

    `digest` is that of the state, and `browser_digest` that of the cookie of the browser that has asked. `user_id` and
    `session_id` are there where somebody asked who is signed in. No token of the provider is kept.
    """

    __tablename__ = "pending_authorizations"

    id: Mapped[PrimaryId]
    digest: Mapped[str] = mapped_column(exact(64), unique=True)
    browser_digest: Mapped[str] = mapped_column(exact(64), index=True)
    provider: Mapped[str] = mapped_column(exact(LONGEST_PROVIDER))
    purpose: Mapped[str] = mapped_column(exact(16))
    user_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    session_id: Mapped[int | None] = mapped_column(BigId)
    invitation_id: Mapped[int | None] = mapped_column(BigId)
    return_to: Mapped[str | None] = mapped_column(text(2048))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    # When the browser came back: a state is good once.
    answered_at: Mapped[datetime | None]
    told: Mapped[dict[str, Any] | None] = mapped_column(JSON)

    def __repr__(self) -> str:
        return f"PendingAuthorization(id={self.id})"
