"""JSON of a secret for an authenticator app, wherever one is set up."""

from typing import Self

from pydantic import Field

from gatepost.http.schemas import Out
from gatepost.identity.factors.enrolment import ShownSecret


class TotpResponse(Out):
    """A secret for an authenticator app, shown only once."""

    secret: str = Field(repr=False, description="To type it in.", examples=["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"])
    otpauth_uri: str = Field(repr=False, examples=["otpauth://totp/Gatepost:Abbey%20Salami?secret=JBSWY3DP…"])
    qr_svg: str = Field(repr=False, description="The address as a QR code, for within a page.", examples=["<svg …"])

    @classmethod
    def of(cls, shown: ShownSecret) -> Self:
        """Show what was begun."""
        return cls(secret=shown.secret, otpauth_uri=shown.uri, qr_svg=shown.svg)
