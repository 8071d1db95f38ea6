"""The table of wrong guesses."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from gatepost.core.db.tables import Base, exact


class GuessCounter(Base):
    """How often somebody has guessed wrong, and until when they wait.

    `subject` is a MAC of whom the row is about, so that the table holds no name, address or typed text. At
    `expires_at` the row is as good as gone.
    """

    __tablename__ = "guess_counters"

    subject: Mapped[str] = mapped_column(exact(43), primary_key=True)
    failures: Mapped[int]
    blocked_until: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
