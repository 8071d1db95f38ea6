"""Tables of second factors; what is in them is used in `identity/credentials/`."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from gatepost.core.db.tables import Base, BigId, exact
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


def owner_of(user: User) -> str:
    """Return whom the secrets of an account are sealed for: it, and none that has its number after a restore."""
    return f"account {user.id} {user.random_id or ''}"
