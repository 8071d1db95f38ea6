"""JSON of one's own account."""

from datetime import datetime
from typing import Self

from pydantic import Field

from gatepost.flows.profile.service import ProfileChange
from gatepost.http.schemas import In, Out
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import parse_wanted_name
from gatepost.identity.accounts.schemas import Username, role_labels
from gatepost.mail.languages import Language


class ProfileChangeRequest(In):
    """The fields to change. Fields that are left out stay as they are."""

    username: Username | None = Field(default=None, examples=["Abbey Salami"])
    language: Language | None = Field(default=None, description="Of mails.", examples=["en"])

    def change(self) -> ProfileChange:
        """Return the change with the name in both forms."""
        return ProfileChange(parse_wanted_name(self.username) if self.username else None, self.language)


class DeletionResponse(Out):
    """When the account will be deleted."""

    erase_at: datetime = Field(examples=["2026-02-14T12:00:00Z"])
    message: str = Field(examples=["Your account will be deleted. Sign in before then to keep it."])


class ProfileResponse(Out):
    """One's own account."""

    id: int = Field(examples=[1])
    username: str = Field(examples=["Abbey Salami"])
    email: str = Field(examples=["heba@gmail.com"])
    email_verified: bool = Field(examples=[True])
    language: str = Field(description="Of mails.", examples=["en"])
    roles: list[str] = Field(examples=[["ROLE_USER"]])
    permissions: list[str] = Field(description="`*` is all.", examples=[[]])
    created_at: datetime = Field(examples=["2026-01-31T12:00:00Z"])
    updated_at: datetime = Field(examples=["2026-01-31T12:00:00Z"])

    @classmethod
    def of(cls, user: User) -> Self:
        """Show an account to its owner."""
        return cls(
            id=user.id,
            username=user.username,
            email=user.email,
            email_verified=user.email_verified_at is not None,
            language=user.language,
            permissions=list(user.permissions),
            roles=role_labels(user),
            created_at=user.created_at,
            updated_at=user.updated_at,
        )
