"""JSON of one's own second factors."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from gatepost.flows.factors.passkeys.schemas import PasskeyResponse
from gatepost.flows.factors.service import Factors
from gatepost.flows.factors.trusted_devices import is_current
from gatepost.http.schemas import In, Out
from gatepost.identity.assurance.models import TrustedDevice
from gatepost.identity.credentials.recovery_codes.schemas import ShownCodes
from gatepost.identity.throttling.devices import Device


class ConfirmRequest(In):
    """The first code of the app."""

    code: Annotated[str, Field(min_length=1, max_length=64)] = Field(repr=False, examples=["123 456"])


class RecoveryCodesResponse(Out):
    """Recovery codes, shown only once; each works once. Empty if the account already had some."""

    recovery_codes: ShownCodes


class TotpState(Out):
    """An authenticator app that is set up."""

    confirmed_at: datetime = Field(examples=["2026-01-31T12:00:00Z"])
    last_used_at: datetime | None = Field(examples=["2026-01-31T12:00:00Z"])


class RecoveryCodesState(Out):
    """Recovery codes that were made."""

    left: int = Field(description="Of ten.", examples=[10])
    created_at: datetime = Field(examples=["2026-01-31T12:00:00Z"])
    last_used_at: datetime | None = Field(examples=[None])


class FactorsResponse(Out):
    """What an account signs in with; null where it has not set that up."""

    totp: TotpState | None
    recovery_codes: RecoveryCodesState | None
    passkeys: list[PasskeyResponse]
    has_password: bool = Field(description="Whether it also has a password.", examples=[True])

    @classmethod
    def of(cls, factors: Factors) -> Self:
        """Show the factors of an account to its owner."""
        totp, codes = factors.totp, factors.recovery_codes
        return cls(
            totp=None
            if totp is None or totp.confirmed_at is None
            else TotpState(confirmed_at=totp.confirmed_at, last_used_at=totp.last_used_at),
            recovery_codes=None
            if codes is None
            else RecoveryCodesState(left=codes.left, created_at=codes.created_at, last_used_at=codes.last_used_at),
            passkeys=list(map(PasskeyResponse.of, factors.passkeys)),
            has_password=factors.has_password,
        )


class TrustedDeviceResponse(Out):
    """A device on which no second factor is asked for."""

    id: int = Field(examples=[1])
    is_current: bool = Field(description="Whether the request comes from it.", examples=[True])
    device: str = Field(description="Browser or app, and operating system.", examples=["Firefox on Ubuntu"])
    user_agent: str = Field(examples=["Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"])
    address: str = Field(description="Of the last sign-in.", examples=["203.0.113.7"])
    created_at: datetime = Field(examples=["2026-01-31T12:00:00Z"])
    last_used_at: datetime = Field(description="Of the last sign-in.", examples=["2026-01-31T12:00:00Z"])
    expires_at: datetime = Field(examples=["2026-03-02T12:00:00Z"])

    @classmethod
    def of(cls, trusted: TrustedDevice, device: Device, *, until: datetime) -> Self:
        """Show it to its owner, who asks from `device`."""
        return cls(
            id=trusted.id,
            is_current=is_current(trusted, device),
            device=trusted.device,
            user_agent=trusted.user_agent,
            address=trusted.address,
            created_at=trusted.created_at,
            last_used_at=trusted.last_used_at,
            expires_at=until,
        )
