"""Access tokens: signed JWTs after RFC 9068, verified from memory."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from gatepost.access.principal import ACCESS_TOKEN_TYPE, Principal
from gatepost.accounts.models import User
from gatepost.core import jose
from gatepost.core.clock import Clock
from gatepost.keys.ring import KeyRing
from gatepost.sessions.errors import TokenExpired, TokenInvalid
from gatepost.sessions.models import Session

# RFC 9068 asks for the client that the token was issued to; people who sign in here use the service's own.
CLIENT_ID = "gatepost"
CACHE_SIZE = 4096


class AccessTokens:
    """Issues access tokens and verifies them; a verified one is remembered, whole, until it expires."""

    def __init__(self, keys: KeyRing, clock: Clock, *, issuer: str, audience: str, life: timedelta) -> None:
        self._keys = keys
        self._clock = clock
        self._issuer = issuer
        self._audience = audience
        self.life = life
        self._verified: dict[str, tuple[str, Principal]] = {}

    @property
    def key_id(self) -> str:
        """The name of the key that signs now."""
        return self._keys.signing.kid

    def issue(self, user: User, session: Session, *, now: datetime) -> tuple[str, datetime]:
        """Return a new access token and when it expires, which is never after its session."""
        expires_at = min(now + self.life, session.expires_at)
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(user.id),
            "client_id": CLIENT_ID,
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
            "jti": secrets.token_urlsafe(16),
            "sid": str(session.id),
            "username": user.username,
            "roles": list(user.role_names),
            "amr": session.amr.split(" "),
            "auth_time": int(session.created_at.timestamp()),
            "ver": user.token_version,
        }
        return jose.sign(claims, self._keys.signing, typ=ACCESS_TOKEN_TYPE), expires_at

    def verify(self, token: str) -> Principal:
        """Return whom a token is from; whether it was revoked is the feed's to say.

        Raises:
            TokenExpired: its time is over.
            TokenInvalid: it is not an access token of ours.
        """
        now = self._clock.now()
        known = self._verified.get(token)
        if known is not None and known[0] in self._keys.verifying and known[1].expires_at > now:
            return known[1]
        try:
            principal = Principal.from_claims(self.claims(token))
        except ValueError as error:
            raise TokenInvalid from error
        if len(self._verified) >= CACHE_SIZE:
            # The first half in: dicts keep their order.
            for old in list(self._verified)[: CACHE_SIZE // 2]:
                del self._verified[old]
        self._verified[token] = (jose.key_id(token), principal)
        return principal

    def claims(self, token: str) -> dict[str, Any]:
        """Return the claims of a good token, past the memory.

        Raises:
            TokenExpired: its time is over.
            TokenInvalid: it is not an access token of ours.
        """
        try:
            return jose.verify(
                token,
                self._keys.verifying,
                typ=ACCESS_TOKEN_TYPE,
                issuer=self._issuer,
                audience=self._audience,
                now=self._clock.now(),
            )
        except jose.TokenExpiredError as error:
            raise TokenExpired from error
        except jose.TokenRefusedError as error:
            raise TokenInvalid from error
