"""What a provider says of somebody."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeGuard

# An issuer or subject that is longer is refused: they are the key of an identity, and a cut one would be another key.
LONGEST_ISSUER = 255
LONGEST_SUBJECT = 255


def is_key(value: object, *, longest: int = LONGEST_SUBJECT) -> TypeGuard[str]:
    """Whether something can be the issuer or the subject of an identity: the same text in every database.

    MySQL and MariaDB pass over spaces at the end, so that such a subject would be somebody else's. OpenID Connect Core
    1.0, section 2, allows 255 ASCII characters.
    """
    return isinstance(value, str) and 0 < len(value) <= longest and value.isprintable() and value == value.strip()


@dataclass(frozen=True, slots=True)
class ProviderProfile:
    """A person at a provider, named by `issuer` and `subject`; whatever else is here may change, and proves nothing.

    `issuer` and `subject` are as `is_key` says. `is_email_verified` is true only by the rules for this
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
