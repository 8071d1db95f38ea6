"""Tables of people and their roles."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Table
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gatepost.accounts.names import Name, is_address
from gatepost.core.ids import new_random_text
from gatepost.core.tables import Base, BigId, PrimaryId, exact, text

user_roles = Table(
    "user_roles",
    Base.metadata,
    Column("user_id", BigId, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", BigId, ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True, index=True),
    **Base.__table_args__,
)


class Role(Base):
    """A role; `user`, `moderator` and `admin` are there from the first migration."""

    __tablename__ = "roles"

    id: Mapped[PrimaryId]
    name: Mapped[str] = mapped_column(exact(64), unique=True)
    description: Mapped[str] = mapped_column(text(255), default="")
    # Words such as `users:read`, sorted; `*` is all of them.
    permissions: Mapped[list[str]] = mapped_column(JSON, default=list)
    # After a change: holders with greater ids still have access tokens of before it. Empty: none has.
    stale_above: Mapped[int | None] = mapped_column(BigId)


class RetiredRoleName(Base):
    """A name that a role had, which no other gets while access tokens with it may be in use."""

    __tablename__ = "retired_role_names"

    name: Mapped[str] = mapped_column(exact(64), primary_key=True)
    role_id: Mapped[int] = mapped_column(BigId)
    free_at: Mapped[datetime] = mapped_column(index=True)


class User(Base):
    """An account. The canonical columns decide what is the same account, on every database alike."""

    __tablename__ = "users"

    id: Mapped[PrimaryId]
    # Tells the account from one that had its number before a restore; early versions gave none.
    random_id: Mapped[str | None] = mapped_column(exact(16), default=new_random_text)
    username: Mapped[str] = mapped_column(text(255))
    username_canonical: Mapped[str] = mapped_column(exact(255), unique=True)
    email: Mapped[str] = mapped_column(text(320))
    email_canonical: Mapped[str] = mapped_column(exact(320), unique=True)
    email_verified_at: Mapped[datetime | None] = mapped_column(index=True)
    language: Mapped[str] = mapped_column(exact(16), default="en")
    password_hash: Mapped[str] = mapped_column(exact(255))
    # Access tokens carry it; raising it makes all earlier ones stale.
    token_version: Mapped[int] = mapped_column(default=0)
    # Counts the changes, so that two people do not overwrite each other's.
    version: Mapped[int] = mapped_column(default=1)
    disabled_at: Mapped[datetime | None] = mapped_column(index=True)
    # When the owner has last said that a session was not theirs.
    disowned_at: Mapped[datetime | None]
    # When the owner's wish to be deleted is carried out.
    erase_at: Mapped[datetime | None] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
    updated_at: Mapped[datetime]

    roles: Mapped[list[Role]] = relationship(secondary=user_roles, lazy="raise", order_by=Role.id)

    @property
    def role_names(self) -> tuple[str, ...]:
        """The names of the account's roles, in the order of their ids."""
        return tuple(role.name for role in self.roles)

    @property
    def permissions(self) -> tuple[str, ...]:
        """What the account's roles allow, sorted; `*` alone where one of them allows all."""
        return allowed_by(role.permissions for role in self.roles)

    def change_email(self, email: Name) -> bool:
        """Give the account another address; a user name that is the address goes with it. Return whether the name did.

        So a name with an @ is its account's own address always: the unique key of addresses keeps such names apart, and
        nobody's former address is in the way of whoever has it next.
        """
        follows = is_address(Name(self.username, self.username_canonical))
        is_renamed = follows and self.username != email.display
        self.email, self.email_canonical = email.display, email.canonical
        if follows:
            self.username, self.username_canonical = email.display, email.canonical
        return is_renamed

    def __repr__(self) -> str:
        return f"User(id={self.id})"


def allowed_by(permissions: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """Return what roles with these permissions allow together, sorted; `*` alone where one of them allows all."""
    words = {word for of_one in permissions for word in of_one}
    return ("*",) if "*" in words else tuple(sorted(words))


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
