"""Accounts at other providers on their way between two deployments: they hold no secret."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gatepost.core.clock import text_of
from gatepost.identity.credentials.external.linking import MOST_IDENTITIES
from gatepost.identity.external.models import LONGEST_PROVIDER
from gatepost.identity.providers.profile import LONGEST_ISSUER, LONGEST_SUBJECT, is_key
from gatepost.transfer.fields import Fields
from gatepost.transfer.marks import IDENTITY, Mark

LONGEST_EMAIL = 320


@dataclass(frozen=True, slots=True)
class MovedIdentity:
    """An account at another provider; `provider` is its name in the settings of both deployments."""

    provider: str
    issuer: str
    subject: str
    email: str | None
    created_at: datetime
    last_used_at: datetime | None

    @property
    def mark(self) -> Mark:
        """What no other account may have."""
        return mark_of(self.issuer, self.subject)

    def as_json(self) -> dict[str, Any]:
        """Return what an export has of it."""
        return {
            "provider": self.provider,
            "issuer": self.issuer,
            "subject": self.subject,
            "email": self.email,
            "created_at": text_of(self.created_at),
            "last_used_at": text_of(self.last_used_at),
        }


@dataclass(frozen=True, slots=True)
class MovedIdentities:
    """The identities of an account."""

    linked: tuple[MovedIdentity, ...]

    @property
    def marks(self) -> Sequence[Mark]:
        """What no other account may have."""
        return [identity.mark for identity in self.linked]

    def as_json(self) -> dict[str, Any]:
        """Return what an export has of them."""
        return {"linked": [identity.as_json() for identity in self.linked]}


def mark_of(issuer: str, subject: str) -> Mark:
    """Return the mark of an identity."""
    return IDENTITY, f"{issuer}\n{subject}".encode()


def read_identities(fields: Fields, now: datetime) -> MovedIdentities:
    """Read the identities of an account.

    Raises:
        FactorRefused: something of them cannot be read.
    """
    parts = fields.parts("linked", most=MOST_IDENTITIES, what="identities")
    linked = tuple(_read_identity(part, now) for part in parts)
    if len({identity.mark for identity in linked}) < len(linked):
        raise fields.refused("linked", "has the same identity twice")
    fields.end()
    return MovedIdentities(linked)


def _read_identity(fields: Fields, now: datetime) -> MovedIdentity:
    email = fields.take("email")
    if email is not None and not _is_text(email, LONGEST_EMAIL):
        raise fields.refused("email", f"is no text of 1 to {LONGEST_EMAIL} characters")
    identity = MovedIdentity(
        provider=_key(fields, "provider", LONGEST_PROVIDER),
        issuer=_key(fields, "issuer", LONGEST_ISSUER),
        subject=_key(fields, "subject", LONGEST_SUBJECT),
        email=email,
        created_at=fields.moment("created_at") or now,
        last_used_at=fields.moment("last_used_at"),
    )
    fields.end()
    return identity


def _key(fields: Fields, name: str, longest: int) -> str:
    value = fields.take(name)
    if not is_key(value, longest=longest):
        raise fields.refused(name, f"is no text of 1 to {longest} characters without spaces around it")
    return value


def _is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest and value.isprintable()
