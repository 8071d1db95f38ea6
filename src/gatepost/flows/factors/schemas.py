"""JSON of one's own second factors."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from gatepost.core.crypto.passwords import LONGEST as LONGEST_PASSWORD
from gatepost.flows.factors.passkeys.schemas import PasskeyResponse
from gatepost.flows.factors.service import Enrolment, Factors
from gatepost.http.schemas import In, Out

CODES = ["7KQ2M-XW9TB", "3FJ8N-0RVHC"]


class PasswordProof(In):
    """The current password."""

    password: Annotated[str, Field(max_length=LONGEST_PASSWORD)] = Field(repr=False, examples=["123456"])


class ConfirmRequest(In):
    """The first code of the app."""

    code: Annotated[str, Field(min_length=1, max_length=64)] = Field(repr=False, examples=["123 456"])


class TotpResponse(Out):
    """A secret for an authenticator app, shown this once."""

    secret: str = Field(repr=False, description="To type it in.", examples=["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"])
    otpauth_uri: str = Field(repr=False, examples=["otpauth://totp/Gatepost:Abbey%20Salami?secret=JBSWY3DP…"])
    qr_svg: str = Field(repr=False, description="The address as a QR code, for within a page.", examples=["<svg …"])

    @classmethod
    def of(cls, enrolment: Enrolment) -> Self:
        """Show what was begun."""
        return cls(secret=enrolment.secret, otpauth_uri=enrolment.uri, qr_svg=enrolment.svg)


class RecoveryCodesResponse(Out):
    """Recovery codes, shown this once; each is good once. Empty where the account had some already."""

    recovery_codes: list[str] = Field(repr=False, examples=[CODES])


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
    """What an account has set up; null where it has not."""

    totp: TotpState | None
    recovery_codes: RecoveryCodesState | None
    passkeys: list[PasskeyResponse]

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
        )
