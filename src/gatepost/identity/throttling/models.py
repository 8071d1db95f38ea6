"""The table of wrong guesses."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from gatepost.core.db.tables import Base, exact


class GuessCounter(Base):
    """A counter of wrong guesses, and the end of the wait.

    `subject` is a MAC, so that the table contains no names, addresses or typed text. From `expires_at` on, the count is
    ignored.
    """

    __tablename__ = "guess_counters"

    subject: Mapped[str] = mapped_column(exact(43), primary_key=True)
    failures: Mapped[int]
    blocked_until: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
