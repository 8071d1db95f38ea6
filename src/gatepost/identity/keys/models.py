"""The table of signing keys."""

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from gatepost.core.db.tables import Base, exact


class StoredKey(Base):
    """A private key, encrypted with a key derived from SECRET_KEY.

    `slot` is `<algorithm>:active` or `<algorithm>:next`, and NULL for a retiring key. It is unique, so that only one of
    several replicas creates the first key.
    """

    __tablename__ = "signing_keys"

    kid: Mapped[str] = mapped_column(exact(64), primary_key=True)
    algorithm: Mapped[str] = mapped_column(exact(16))
    slot: Mapped[str | None] = mapped_column(exact(32), unique=True)
    encrypted_pem: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    activated_at: Mapped[datetime | None]
    retiring_at: Mapped[datetime | None]
