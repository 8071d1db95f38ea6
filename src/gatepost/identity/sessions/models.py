"""The tables of sessions and of revocations."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from gatepost.core.db.tables import Base, BigId, PrimaryId, exact, text
from gatepost.identity.tokens.principal import Acr

# The end reason of a session that the owner of the account has reported as not theirs.
DISOWNED = "not_me"


class SessionKind(StrEnum):
    """How a session was created."""

    SIGN_IN = "sign_in"


@dataclass(frozen=True, slots=True)
class Authentication:
    """How the person of a session has authenticated.

    `amr` are the methods (RFC 8176), separated by spaces; `acr` is the level, and `at` the time of the last proof. All
    three are derived from `proofs`, which `identity/assurance/proofs.py` writes and reads.
    """

    amr: str
    acr: str
    at: datetime
    proofs: list[dict[str, Any]]


class Session(Base):
    """One device that is signed in. Its id is random, so that no other session ever has the same.

    `generation` counts the refresh tokens. Only the number of the current one is stored, so that the table cannot be
    used to forge one. `access_expires_at` is when the last access token of the session expires at the latest, and
    `key_id` the key that signed it.
    """

    __tablename__ = "sessions"
    __table_args__ = (  # type: ignore[assignment]  # the base class has the dictionary alone
        # Live sessions are counted with this index alone; it also finds idle ones.
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
    # The person's last authentication; NULL in sessions of earlier versions, for which it is `created_at`.
    authenticated_at: Mapped[datetime | None]
    # Method, time and credential of each proof; NULL in sessions of earlier versions, which a password opened.
    proofs: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON)
    # The client that it was opened for, if not the service's own, and its scope; who acts in the person's place.
    client_id: Mapped[str | None] = mapped_column(exact(64))
    scope: Mapped[str | None] = mapped_column(exact(1024))
    actor_id: Mapped[int | None] = mapped_column(BigId)
    # The addresses of the last use and of the opening; earlier versions did not store the latter.
    address: Mapped[str] = mapped_column(exact(45))
    opened_address: Mapped[str | None] = mapped_column(exact(45))
    user_agent: Mapped[str] = mapped_column(text(255))
    # The name derived from the User-Agent; with the address, it recognizes a device without a device token.
    device: Mapped[str] = mapped_column(text(100))
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    end_reason: Mapped[str | None] = mapped_column(exact(32))

    @property
    def proved_at(self) -> datetime:
        """When the person last authenticated."""
        return self.authenticated_at or self.created_at

    @property
    def expires_at(self) -> datetime:
        """When the session expires, unless it is refreshed before."""
        return ends_at(self.idle_expires_at, self.absolute_expires_at)


def ends_at(idle_expires_at: datetime, absolute_expires_at: datetime) -> datetime:
    """Return when a session expires."""
    return min(idle_expires_at, absolute_expires_at)


class Revocation(Base):
    """One entry of the revocation feed; `identity/tokens/revocation_list.py` describes its content.

    It is kept until `expires_at`, when all access tokens that it concerns have expired.
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
