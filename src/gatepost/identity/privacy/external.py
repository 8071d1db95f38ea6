"""What an export shows of a person's accounts at other providers."""

from collections.abc import Sequence
from typing import Any

from gatepost.core.clock import text_of
from gatepost.core.db.database import Transaction
from gatepost.identity.external.models import ExternalIdentity, PendingAuthorization
from gatepost.identity.external.repository import Identities


async def identities_of(tx: Transaction, user_id: int) -> Sequence[dict[str, Any]]:
    """Return the linked accounts; there are few."""
    return list(map(_identity, await Identities(tx).of(user_id)))


def authorization(pending: PendingAuthorization) -> dict[str, Any]:
    """Return what is kept while somebody is at a provider."""
    return {
        "provider": pending.provider,
        "purpose": pending.purpose,
        "sessionId": pending.session_id,
        "createdAt": text_of(pending.created_at),
        "expiresAt": text_of(pending.expires_at),
    }


def _identity(identity: ExternalIdentity) -> dict[str, Any]:
    return {
        "provider": identity.provider,
        "issuer": identity.issuer,
        "subject": identity.subject,
        "email": identity.email,
        "createdAt": text_of(identity.created_at),
        "lastUsedAt": text_of(identity.last_used_at),
    }
