"""What a provider says of somebody."""

from dataclasses import dataclass
from datetime import datetime

# An issuer or subject that is longer is refused: they are the key of an identity, and a cut one would be another key.
LONGEST_ISSUER = 255
LONGEST_SUBJECT = 255


@dataclass(frozen=True, slots=True)
class ProviderProfile:
    """A person at a provider, named by `issuer` and `subject`; whatever else is here may change, and proves nothing.

    `issuer` and `subject` have at most 255 characters each. `is_email_verified` is true only by the rules for this
    kind of provider (`verified_email.py`). `amr`, `acr` and `authenticated_at` say how and when the person signed in
    there, where the provider tells (OpenID Connect Core 1.0, section 2).
    """

    issuer: str
    subject: str
    email: str | None = None
    is_email_verified: bool = False
    name: str | None = None
    username: str | None = None
    amr: tuple[str, ...] = ()
    acr: str | None = None
    authenticated_at: datetime | None = None
