"""The tables of invitations and their roles."""

from datetime import datetime

from sqlalchemy import Column, ForeignKey, Table
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gatepost.core.db.tables import Base, BigId, PrimaryId, exact, text
from gatepost.identity.accounts.models import Role, User
from gatepost.identity.accounts.roles import RoleName

invitation_roles = Table(
    "invitation_roles",
    Base.metadata,
    Column("invitation_id", BigId, ForeignKey("invitations.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", BigId, ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True, index=True),
    **Base.__table_args__,
)


class Invitation(Base):
    """A pending invitation. An address has at most one. It is deleted with its inviter's account."""

    __tablename__ = "invitations"

    id: Mapped[PrimaryId]
    email: Mapped[str] = mapped_column(text(320))
    email_canonical: Mapped[str] = mapped_column(exact(320), unique=True)
    # The digest of the link's token, which is created when the mail is sent.
    digest: Mapped[str | None] = mapped_column(exact(64), unique=True)
    inviter_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)

    inviter: Mapped[User] = relationship(lazy="raise")
    roles: Mapped[list[Role]] = relationship(secondary=invitation_roles, lazy="raise", order_by=Role.id)

    @property
    def role_names(self) -> list[str]:
        """The current names of its roles, without `user`, which everybody gets."""
        return [role.name for role in self.roles if role.name != RoleName.USER]
