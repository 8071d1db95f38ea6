"""Tables of sessions and of what was revoked."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from gatepost.core.db.tables import Base, BigId, PrimaryId, exact, text
from gatepost.identity.tokens.principal import Acr

# Why a session has ended of which its owner has said that it was not theirs.
DISOWNED = "not_me"


class SessionKind(StrEnum):
    """What a session came of."""

    SIGN_IN = "sign_in"


@dataclass(frozen=True, slots=True)
class Authentication:
    """How the person of a session has proved who they are.

    `amr` names the methods (RFC 8176), separated by spaces; `acr` says how sure that is, and `at` when it was last. All
    three come of `proofs`, which `identity/assurance/proofs.py` writes and reads.
    """

    amr: str
    acr: str
    at: datetime
    proofs: list[dict[str, Any]]


class Session(Base):
    """One device that stays signed in. Its id is random, so that no other session ever has the same.

    `generation` counts the refresh tokens; which one is current is all that is kept of them, so that the table
    forges nothing. `access_expires_at` is when the last access token given to the session ends at the latest,
    and `key_id` the key that signed it.
    """

    __tablename__ = "sessions"
    __table_args__ = (  # type: ignore[assignment]  # the base class has the dictionary alone
        # Those that go on are counted from it alone; it finds idle ones too.
        Index("ix_sessions_live", "idle_expires_at", "absolute_expires_at", "ended_at"),
        Base.__table_args__,
    )

    id: Mapped[PrimaryId]
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    generation: Mapped[int] = mapped_column(default=0)
    rotated_at: Mapped[datetime]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime]
    idle_expires_at: Mapped[datetime]
    absolute_expires_at: Mapped[datetime]
    access_expires_at: Mapped[datetime]
    key_id: Mapped[str] = mapped_column(exact(64))
    kind: Mapped[str] = mapped_column(exact(16), server_default=SessionKind.SIGN_IN)
    amr: Mapped[str] = mapped_column(exact(64))
    acr: Mapped[str] = mapped_column(exact(64), server_default=Acr.ONE_FACTOR)
    # The last time that the person proved who they are; of sessions of earlier versions, when they were opened.
    authenticated_at: Mapped[datetime | None]
    # Method, moment and credential of each proof; sessions of earlier versions have none, and came of a password.
    proofs: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON)
    # The client that it was opened for, if not the service's own, and what that may do; who acts in the person's place.
    client_id: Mapped[str | None] = mapped_column(exact(64))
    scope: Mapped[str | None] = mapped_column(exact(1024))
    actor_id: Mapped[int | None] = mapped_column(BigId)
    # Where it was last used, and where it was opened, which earlier versions did not keep.
    address: Mapped[str] = mapped_column(exact(45))
    opened_address: Mapped[str | None] = mapped_column(exact(45))
    user_agent: Mapped[str] = mapped_column(text(255))
    # The User-Agent in words; with the address, how a device without a token is known again.
    device: Mapped[str] = mapped_column(text(100))
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    end_reason: Mapped[str | None] = mapped_column(exact(32))

    @property
    def proved_at(self) -> datetime:
        """When the person last proved who they are."""
        return self.authenticated_at or self.created_at

    @property
    def expires_at(self) -> datetime:
        """When the session ends by itself, unless it is refreshed before."""
        return ends_at(self.idle_expires_at, self.absolute_expires_at)


def ends_at(idle_expires_at: datetime, absolute_expires_at: datetime) -> datetime:
    """Return when a session ends by itself."""
    return min(idle_expires_at, absolute_expires_at)


class Revocation(Base):
    """One line of the revocation feed; `identity/tokens/revocation_list.py` tells what it can say.

    It is kept until `expires_at`, when every access token that it concerns has expired.
    """

    __tablename__ = "revocations"

    id: Mapped[PrimaryId]
    session_id: Mapped[int | None] = mapped_column(BigId)
    user_id: Mapped[int | None] = mapped_column(BigId, index=True)
    min_token_version: Mapped[int | None]
    random_id: Mapped[str | None] = mapped_column(exact(16))
    issued_before: Mapped[datetime | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
