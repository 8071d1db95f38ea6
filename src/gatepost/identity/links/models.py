"""The tables of what mails carry that works once: links, and codes."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from gatepost.core.db.tables import Base, BigId, PrimaryId, exact, text


class OneTimeToken(Base):
    """A token of a mail link, as a digest; it is for one purpose, one address, and one use."""

    __tablename__ = "one_time_tokens"

    id: Mapped[PrimaryId]
    purpose: Mapped[str] = mapped_column(exact(32))
    digest: Mapped[str] = mapped_column(exact(64), unique=True)
    # Empty for a sign-up, whose account is not there yet.
    user_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    # Of "this was not me" the mailbox (`names.mailbox_of`): another one of the same canonical form may be a thief's.
    email_canonical: Mapped[str] = mapped_column(exact(320), index=True)
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class EmailCode(Base):
    """A code that a mailbox gets, for one purpose and for one place where it was asked for; of each place the last.

    `bound_to` names that place: the digest of a cookie, or what else tells it from all others. `code_mac` is empty
    until the mail is sent.
    """

    __tablename__ = "email_codes"

    id: Mapped[PrimaryId]
    purpose: Mapped[str] = mapped_column(exact(16))
    bound_to: Mapped[str] = mapped_column(exact(64), unique=True)
    # Empty where the address had no account when the code was asked for, or where it does not matter whose it is.
    user_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(text(320))
    email_canonical: Mapped[str] = mapped_column(exact(320))
    code_mac: Mapped[str] = mapped_column(exact(43))
    link_digest: Mapped[str] = mapped_column(exact(64), unique=True)
    # How many codes were typed.
    tries: Mapped[int]
    address: Mapped[str] = mapped_column(exact(45))
    user_agent: Mapped[str] = mapped_column(text(255))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
