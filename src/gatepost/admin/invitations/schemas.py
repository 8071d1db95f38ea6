"""JSON of invitations."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field

from gatepost.http.schemas import In, Out
from gatepost.identity.accounts.schemas import EmailAddress
from gatepost.identity.invitations.models import Invitation
from gatepost.mail.languages import Language


class InvitationRequest(In):
    """The person to invite, and their roles in addition to `user`."""

    email: EmailAddress = Field(examples=["heba@gmail.com"])
    roles: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=16)] | None = Field(
        default=None, examples=[["moderator"]]
    )
    language: Language | None = Field(default=None, examples=["en"])


class InvitationResponse(Out):
    """An invitation that nobody has accepted yet."""

    id: int = Field(examples=[1])
    email: str = Field(examples=["heba@gmail.com"])
    roles: list[str] = Field(
        description="The roles in addition to `user`, with their current names.", examples=[["moderator"]]
    )
    invited_by: str = Field(examples=["admin"])
    created_at: datetime = Field(examples=["2026-01-31T12:00:00Z"])
    expires_at: datetime = Field(examples=["2026-02-07T12:00:00Z"])

    @classmethod
    def of(cls, invitation: Invitation) -> Self:
        """Show an invitation, without its token."""
        return cls(
            id=invitation.id,
            email=invitation.email,
            roles=invitation.role_names,
            invited_by=invitation.inviter.username,
            created_at=invitation.created_at,
            expires_at=invitation.expires_at,
        )


async def shown(pages: AsyncIterator[Sequence[Invitation]]) -> AsyncIterator[list[dict[str, Any]]]:
    """Show invitations page by page, as JSON."""
    async for page in pages:
        yield [InvitationResponse.of(invitation).model_dump(mode="json", by_alias=True) for invitation in page]
