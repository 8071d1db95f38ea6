"""Verifies access tokens and returns their principal; the service and the SDK share this check."""

from collections.abc import Callable, Mapping
from typing import Any

from gatepost.core.clock import Clock
from gatepost.core.crypto import jws
from gatepost.identity.tokens.errors import TokenExpired, TokenInvalid
from gatepost.identity.tokens.principal import ACCESS_TOKEN_TYPE, OWN_CLIENT_ID, Principal, UserPrincipal

CACHE_SIZE = 4096


class AccessTokenVerifier:
    """Verifies access tokens (RFC 9068), and caches the whole token of verified ones until they expire.

    `keys` returns the currently trusted keys by `kid`.
    """

    def __init__(
        self, keys: Callable[[], Mapping[str, jws.VerifyingKey]], clock: Clock, *, issuer: str, audience: str
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._issuer = issuer
        self._audience = audience
        self._verified: dict[str, tuple[str, Principal]] = {}

    def verify_user(self, token: str) -> UserPrincipal:
        """Verify a token that a person got by signing in here; `verify` also accepts the tokens of clients.

        Raises:
            TokenExpired: it has expired.
            TokenInvalid: it is not such a token.
        """
        principal = self.verify(token)
        if not isinstance(principal, UserPrincipal) or principal.client_id != OWN_CLIENT_ID:
            raise TokenInvalid
        return principal

    def verify(self, token: str) -> Principal:
        """Verify a token and return its principal. Revocation is not checked here, but with the feed.

        Raises:
            TokenExpired: it has expired.
            TokenInvalid: it is not one of our access tokens.
        """
        known = self._verified.get(token)
        if known is not None and known[0] in self._keys() and known[1].expires_at > self._clock.now():
            return known[1]
        principal = _principal(self.claims(token))
        self._remember(token, principal)
        return principal

    def session_of(self, token: str) -> int:
        """Return the session id of a token. It may have expired, because it can still end its session.

        Raises:
            TokenInvalid: it is not one of our access tokens.
        """
        return _principal(self.claims(token, expired_too=True)).session_id

    def claims(self, token: str, *, expired_too: bool = False) -> dict[str, Any]:
        """Return the claims of a valid token, without the cache; with `expired_too` it may have expired.

        Raises:
            TokenExpired: it has expired.
            TokenInvalid: it is not one of our access tokens.
        """
        try:
            return jws.verify(
                token,
                self._keys(),
                typ=ACCESS_TOKEN_TYPE,
                issuer=self._issuer,
                audience=self._audience,
                now=self._clock.now(),
                expired_too=expired_too,
            )
        except jws.TokenExpiredError as error:
            raise TokenExpired from error
        except jws.TokenRefusedError as error:
            raise TokenInvalid from error

    def _remember(self, token: str, principal: Principal) -> None:
        if len(self._verified) >= CACHE_SIZE:
            # Drop the older half; dicts keep their order.
            for old in list(self._verified)[: CACHE_SIZE // 2]:
                self._verified.pop(old, None)  # another thread may have removed it
        self._verified[token] = (jws.key_id(token), principal)


def _principal(claims: Mapping[str, Any]) -> Principal:
    try:
        return Principal.from_claims(claims)
    except ValueError as error:
        raise TokenInvalid from error
