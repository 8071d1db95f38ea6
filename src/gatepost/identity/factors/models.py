"""Tables of second factors; what is in them is used in `identity/credentials/`."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from gatepost.core.db.tables import Base, BigId, PrimaryId, exact, octets, text
from gatepost.identity.accounts.models import User


class TotpSecret(Base):
    """What an account shares with an authenticator app; it counts from `confirmed_at` on, after its first right code.

    No code of `last_step` or before is good any more.
    """

    __tablename__ = "totp"

    user_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    sealed_secret: Mapped[str] = mapped_column(exact(128))
    last_step: Mapped[int]
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class RecoveryCodes(Base):
    """The recovery codes of an account: their digests, and which of them are unused, a bit each."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    sealed_key: Mapped[str] = mapped_column(exact(128))
    digests: Mapped[list[str]] = mapped_column(JSON)
    unused: Mapped[int]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]

    @property
    def left(self) -> int:
        """How many are unused."""
        return self.unused.bit_count()


class UserHandle(Base):
    """What authenticators know an account by: random, so that it tells nothing, and the same for all its passkeys.

    Ours have 32 bytes; those of other systems have up to 64 (WebAuthn 3, section 5.4.3).
    """

    __tablename__ = "user_handles"

    user_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    handle: Mapped[bytes] = mapped_column(octets(64), unique=True)


class Passkey(Base):
    """A passkey of an account: the public key in COSE, the counter, and what its authenticator says of itself.

    `rp_id` is the domain that it was made for; it is good for no other. The AAGUID is a claim, and decides nothing.
    """

    __tablename__ = "passkeys"

    id: Mapped[PrimaryId]
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    credential_id: Mapped[bytes] = mapped_column(octets(1023), unique=True)
    public_key: Mapped[bytes] = mapped_column(octets(1024))
    sign_count: Mapped[int] = mapped_column(BigId)
    backup_eligible: Mapped[bool]
    backup_state: Mapped[bool]
    aaguid: Mapped[bytes] = mapped_column(octets(16))
    transports: Mapped[list[str]] = mapped_column(JSON)
    name: Mapped[str] = mapped_column(text(64))
    rp_id: Mapped[str] = mapped_column(exact(253))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]


class PasskeyChallenge(Base):
    """A challenge that a browser is to answer, once, for one purpose.

    `bound_to` is the session or the sign-in that it was made in, and `handle` the user handle of an account that does
    not exist yet.
    """

    __tablename__ = "passkey_challenges"

    id: Mapped[PrimaryId]
    digest: Mapped[str] = mapped_column(exact(64), unique=True)
    purpose: Mapped[str] = mapped_column(exact(16))
    challenge: Mapped[bytes] = mapped_column(octets(32))
    user_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    bound_to: Mapped[str] = mapped_column(exact(64))
    handle: Mapped[bytes | None] = mapped_column(octets(32))
    expires_at: Mapped[datetime] = mapped_column(index=True)


def owner_of(user: User) -> str:
    """Return whom the secrets of an account are sealed for: it, and none that has its number after a restore."""
    return f"account {user.id} {user.random_id or ''}"
