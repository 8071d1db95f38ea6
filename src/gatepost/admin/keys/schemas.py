"""JSON of the signing keys, without private keys."""

from datetime import datetime
from typing import Self

from pydantic import Field

from gatepost.admin.keys.rotation import KeyState
from gatepost.admin.keys.timeline import KeyLife, KeyLives
from gatepost.http.schemas import Out


class KeyResponse(Out):
    """A signing key. A time is null if it has not come, or if the audit log no longer has it."""

    kid: str = Field(examples=["9bYk2mSxW3"])
    algorithm: str | None = Field(examples=["ES256"])
    state: KeyState = Field(
        description="`next` will sign, `active` signs, `retiring` only verifies, `retired` is deleted.",
        examples=["active"],
    )
    created_at: datetime | None = Field(
        description="When it was created and published.", examples=["2026-01-31T12:00:00Z"]
    )
    known_at: datetime | None = Field(
        description="When all verifiers have read it, so that it may sign.", examples=["2026-01-31T12:06:00Z"]
    )
    activated_at: datetime | None = Field(description="When it started to sign.", examples=["2026-02-28T12:00:00Z"])
    retiring_at: datetime | None = Field(description="When another key took over.", examples=[None])
    last_token_ends_at: datetime | None = Field(
        description="When the last token that it signed expires, so that it may be retired.", examples=[None]
    )
    retired_at: datetime | None = Field(description="When it was deleted.", examples=[None])

    @classmethod
    def of(cls, key: KeyLife) -> Self:
        """Show a key."""
        return cls(
            kid=key.kid,
            algorithm=key.algorithm,
            state=key.state,
            created_at=key.created_at,
            known_at=key.known_at,
            activated_at=key.activated_at,
            retiring_at=key.retiring_at,
            last_token_ends_at=key.last_token_ends_at,
            retired_at=key.retired_at,
        )


class KeysResponse(Out):
    """The signing keys, the newest first, followed by the retired keys."""

    algorithm: str = Field(description="The algorithm that signs access tokens now.", examples=["ES256"])
    is_stored: bool = Field(description="False with HS256, where the secret is a setting.", examples=[True])
    items: list[KeyResponse]

    @classmethod
    def of(cls, lives: KeyLives) -> Self:
        """Show the keys."""
        return cls(
            algorithm=lives.algorithm, is_stored=lives.is_stored, items=[KeyResponse.of(key) for key in lives.keys]
        )
