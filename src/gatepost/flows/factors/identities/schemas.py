"""JSON of one's own identities."""

from datetime import datetime
from typing import Self

from pydantic import Field

from gatepost.flows.factors.identities.service import OwnIdentity
from gatepost.http.schemas import In, Out


class LinkRequest(In):
    """Nothing: the cookie says which sign-in."""


class IdentityResponse(Out):
    """An account at another provider that opens this one."""

    id: int = Field(examples=[1])
    provider: str = Field(description="Its name in the addresses.", examples=["google"])
    title: str = Field(description="Its name for people.", examples=["Google"])
    email: str | None = Field(
        description="What the provider has told last; it may be another one than the account's.",
        examples=["heba@gmail.com"],
    )
    created_at: datetime = Field(description="When it was linked.", examples=["2026-01-31T12:00:00Z"])
    last_used_at: datetime | None = Field(examples=["2026-01-31T12:00:00Z"])

    @classmethod
    def of(cls, own: OwnIdentity) -> Self:
        """Show an identity to its owner."""
        identity = own.identity
        return cls(
            id=identity.id,
            provider=identity.provider,
            title=own.title,
            email=identity.email,
            created_at=identity.created_at,
            last_used_at=identity.last_used_at,
        )
