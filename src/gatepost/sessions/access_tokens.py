"""Access tokens: signed JWTs after RFC 9068."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from gatepost.access.principal import ACCESS_TOKEN_TYPE
from gatepost.core import jose
from gatepost.keys.ring import KeyRing
from gatepost.sessions.grants import Grant

# RFC 9068 asks for the client that the token was issued to; people who sign in here use the service's own.
CLIENT_ID = "gatepost"


class AccessTokens:
    """Issues access tokens; `access/verifier.py` reads them."""

    def __init__(self, keys: KeyRing, *, issuer: str, audience: str, life: timedelta) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self.life = life

    @property
    def key_id(self) -> str:
        """The name of the key that signs now."""
        return self._keys.signing.kid

    def issue(self, grant: Grant, *, now: datetime) -> tuple[str, datetime]:
        """Return a new access token and when it expires: never after its session, nor after `access_expires_at`.

        So whoever ends the session knows from its row until when its access tokens must be refused, whoever
        issues another one at that moment.
        """
        expires_at = min(now + self.life, grant.expires_at, grant.access_expires_at)
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(grant.user_id),
            "client_id": CLIENT_ID,
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
            "jti": secrets.token_urlsafe(16),
            "sid": str(grant.session_id),
            "username": grant.username,
            "roles": list(grant.roles),
            "permissions": list(grant.permissions),
            "amr": grant.amr.split(" "),
            "auth_time": int(grant.created_at.timestamp()),
            "ver": grant.token_version,
        }
        if grant.random_id is not None:
            claims["rid"] = grant.random_id
        return jose.sign(claims, self._keys.signing, typ=ACCESS_TOKEN_TYPE), expires_at
