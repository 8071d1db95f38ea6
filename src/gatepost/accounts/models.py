"""Tables of people and their roles."""

from datetime import datetime

from sqlalchemy import Column, ForeignKey, Table
from sqlalchemy.orm import Mapped, mapped_column, relationship

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


class User(Base):
    """An account. The canonical columns decide what is the same account, on every database alike."""

    __tablename__ = "users"

    id: Mapped[PrimaryId]
    username: Mapped[str] = mapped_column(text(255))
    username_canonical: Mapped[str] = mapped_column(exact(255), unique=True)
    email: Mapped[str] = mapped_column(text(320))
    email_canonical: Mapped[str] = mapped_column(exact(320), unique=True)
    password_hash: Mapped[str] = mapped_column(exact(255))
    # Access tokens carry it; raising it makes all earlier ones stale.
    token_version: Mapped[int] = mapped_column(default=0)
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    roles: Mapped[list[Role]] = relationship(secondary=user_roles, lazy="raise", order_by=Role.id)

    @property
    def role_names(self) -> tuple[str, ...]:
        """The names of the account's roles, in the order of their ids."""
        return tuple(role.name for role in self.roles)

    def __repr__(self) -> str:
        return f"User(id={self.id})"
