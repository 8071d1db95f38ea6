"""JSON of invitations."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field

from gatepost.accounts.models import OneTimeToken
from gatepost.accounts.schemas import EmailAddress
from gatepost.http.schemas import In, Out


class InvitationRequest(In):
    """Whom to invite, and the roles that they will have besides `user`."""

    email: EmailAddress = Field(examples=["heba@gmail.com"])
    roles: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=16)] = Field(
        default=[], examples=[["moderator"]]
    )
    language: Literal["en", "de"] | None = Field(default=None, examples=["en"])


class InvitationResponse(Out):
    """An invitation that nobody has accepted yet."""

    id: int = Field(examples=[1])
    email: str = Field(examples=["heba@gmail.com"])
    roles: list[str] = Field(examples=[["moderator"]])
    invited_by: str = Field(examples=["admin"])
    created_at: datetime = Field(examples=["2026-01-31T12:00:00Z"])
    expires_at: datetime = Field(examples=["2026-02-07T12:00:00Z"])

    @classmethod
    def of(cls, row: OneTimeToken) -> Self:
        """Show an invitation, without its token."""
        return cls(
            id=row.id,
            email=row.data["email"],
            roles=row.data["roles"],
            invited_by=row.data["invited_by"],
            created_at=row.created_at,
            expires_at=row.expires_at,
        )
