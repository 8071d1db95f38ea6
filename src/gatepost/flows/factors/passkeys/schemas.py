"""JSON of one's own passkeys."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, Field

from gatepost.core.crypto import base64url
from gatepost.flows.factors.passkeys.service import OwnPasskeys
from gatepost.http.schemas import In, Out
from gatepost.identity.credentials.passkeys.aaguids import authenticator_name
from gatepost.identity.credentials.passkeys.bounds import LONGEST_NAME, can_be_name
from gatepost.identity.credentials.passkeys.schemas import ChallengeId, Credential
from gatepost.identity.credentials.recovery_codes.schemas import ShownCodes
from gatepost.identity.factors.models import Passkey


def _is_name(text: str) -> str:
    if not can_be_name(text):
        raise ValueError("a name is one line of text, without spaces around it")
    return text


PasskeyName = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME), AfterValidator(_is_name)]


class NewPasskeyRequest(In):
    """What the browser has made with the options."""

    challenge_id: ChallengeId = Field(repr=False)
    credential: Credential = Field(repr=False)
    name: PasskeyName | None = Field(
        default=None, description="By default the name of the authenticator.", examples=["My phone"]
    )


class RenameRequest(In):
    """Another name."""

    name: PasskeyName = Field(examples=["My phone"])


class PasskeyResponse(Out):
    """A passkey of one's own."""

    id: int = Field(examples=[1])
    name: str = Field(examples=["My phone"])
    provider: str | None = Field(
        description="What its authenticator claims to be; nothing proves it.", examples=["Google Password Manager"]
    )
    synced: bool = Field(description="Whether its authenticator keeps it on several devices.", examples=[True])
    credential_id: str = Field(description="The id of the credential, base64url.", examples=["kS3Zt0qf"])
    rp_id: str = Field(description="The domain that it was made for.", examples=["example.com"])
    created_at: datetime = Field(examples=["2026-01-31T12:00:00Z"])
    last_used_at: datetime | None = Field(examples=["2026-01-31T12:00:00Z"])

    @classmethod
    def of(cls, passkey: Passkey) -> Self:
        """Show a passkey to its owner."""
        return cls(
            id=passkey.id,
            name=passkey.name,
            provider=authenticator_name(passkey.aaguid),
            synced=passkey.backup_state,
            credential_id=base64url.encode(passkey.credential_id),
            rp_id=passkey.rp_id,
            created_at=passkey.created_at,
            last_used_at=passkey.last_used_at,
        )


class AddedPasskeyResponse(PasskeyResponse):
    """A passkey that was added just now, and the recovery codes that were made with it."""

    recovery_codes: ShownCodes = Field(description="Ten, shown only once, with the first second factor; else empty.")

    @classmethod
    def added(cls, passkey: Passkey, recovery_codes: Sequence[str]) -> Self:
        """Show what was added."""
        return cls(**PasskeyResponse.of(passkey).model_dump(), recovery_codes=list(recovery_codes))


class PasskeysResponse(Out):
    """The passkeys of an account, and what browsers know it by, to tell them which of theirs are still good."""

    rp_id: str | None = Field(description="null where passkeys are not available.", examples=["example.com"])
    user_handle: str | None = Field(
        description="base64url; null where there never was a passkey.", examples=["kS3Zt0qfVh6c"]
    )
    username: str = Field(examples=["Abbey Salami"])
    passkeys: list[PasskeyResponse]

    @classmethod
    def of(cls, own: OwnPasskeys) -> Self:
        """Show the passkeys of an account to its owner."""
        return cls(
            rp_id=own.rp_id,
            user_handle=base64url.encode(own.handle) if own.handle is not None else None,
            username=own.username,
            passkeys=list(map(PasskeyResponse.of, own.passkeys)),
        )
