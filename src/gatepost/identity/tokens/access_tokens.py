"""Issues access tokens: signed JWTs as in RFC 9068."""

import logging
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from gatepost.core.crypto import jose
from gatepost.identity.accounts.models import allowed_by
from gatepost.identity.accounts.rights import MOST_BYTES, fitting, size_of
from gatepost.identity.keys.ring import KeyRing
from gatepost.identity.tokens.principal import ACCESS_TOKEN_TYPE, OWN_CLIENT_ID
from gatepost.identity.tokens.subject import HeldRole, TokenSubject

# Browsers store cookies of up to 4096 bytes, including name and attributes (RFC 6265, section 6.1), and drop longer
# ones.
LONGEST = 4000

logger = logging.getLogger("gatepost")


class AccessTokens:
    """Issues access tokens; `identity/tokens/verifier.py` reads them."""

    def __init__(self, keys: KeyRing, *, issuer: str, audience: str, life: timedelta) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self.life = life

    @property
    def key_id(self) -> str:
        """The `kid` of the current signing key."""
        return self._keys.signing.kid

    def issue(self, subject: TokenSubject, *, now: datetime) -> tuple[str, datetime]:
        """Return a new access token and when it expires: never after its session, nor after `access_expires_at`.

        So the row of an ended session says until when its access tokens must be refused, even if another one is issued
        at the same moment.

        If all roles do not fit, because they or the user name are too long, it contains only the first ones.
        """
        expires_at = min(now + self.life, subject.expires_at, subject.access_expires_at)
        token = self._sign(subject, subject.roles, now=now, expires_at=expires_at)
        if len(token) > LONGEST:
            # Four characters of base64url encode three bytes.
            too_much = (len(token) - LONGEST) * 3 // 4 + 1
            kept = fitting(subject.roles, most_bytes=min(MOST_BYTES, size_of(subject.roles) - too_much))
            left_out = len(subject.roles) - len(kept)
            logger.warning(
                "account %s has more roles than fit into an access token: %s left out", subject.user_id, left_out
            )
            token = self._sign(subject, kept, now=now, expires_at=expires_at)
        return token, expires_at

    def _sign(self, subject: TokenSubject, roles: Sequence[HeldRole], *, now: datetime, expires_at: datetime) -> str:
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(subject.user_id),
            "client_id": subject.client_id or OWN_CLIENT_ID,
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
            "jti": secrets.token_urlsafe(16),
            "sid": str(subject.session_id),
            "username": subject.username,
            "roles": [role.name for role in roles],
            "permissions": list(allowed_by(role.permissions for role in roles)),
            "amr": subject.amr.split(" "),
            "auth_time": int(subject.authenticated_at.timestamp()),
            "acr": subject.acr,
            "ver": subject.token_version,
        }
        if subject.scope:
            claims["scope"] = subject.scope
        if subject.random_id is not None:
            claims["rid"] = subject.random_id
        return jose.sign(claims, self._keys.signing, typ=ACCESS_TOKEN_TYPE)
