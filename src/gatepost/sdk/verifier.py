"""Verifies access tokens in any Python program, with the published keys and only the package cryptography."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from http.client import HTTPException
from threading import Lock
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from gatepost.core import strict_json
from gatepost.core.clock import Clock, SystemClock
from gatepost.core.crypto import jws
from gatepost.identity.tokens.errors import RevocationUnknown, TokenInvalid
from gatepost.identity.tokens.principal import UserPrincipal
from gatepost.identity.tokens.verifier import AccessTokenVerifier
from gatepost.sdk.key_set import IssuerError, keys_of

logger = logging.getLogger("gatepost.sdk")

JWKS_PATH = "/.well-known/jwks.json"
TIMEOUT_SECONDS = 5.0
LARGEST_KEY_SET = 1024 * 1024
KEYS_LIVE = timedelta(minutes=5)
# The keys are read at most this often, whatever keys tokens name.
KEYS_PAUSE = timedelta(seconds=10)
# Older keys are not trusted, because one of them may have been retired.
KEYS_KEPT = timedelta(hours=1)


class TokenVerifier:
    """Verifies the access tokens of one issuer; it is thread-safe.

    `issuer` is exactly the service's PUBLIC_URL, and `audience` its JWT_AUDIENCE. If your program reaches the service
    at another URL, for example between containers, set `address`. The keys are read at the first token, and again every
    five minutes. Revocations are not checked: a token is valid until it expires.

    Raises:
        ValueError: the URL is not an http or https URL.
    """

    def __init__(
        self, *, issuer: str, audience: str = "gatepost", address: str | None = None, clock: Clock | None = None
    ) -> None:
        self._issuer = issuer
        self._uri = (address or issuer).rstrip("/") + JWKS_PATH
        if not self._uri.startswith(("http://", "https://")):
            raise ValueError(f"{address or issuer!r} is not an address of HTTP")
        self._clock = clock or SystemClock()
        self._keys: Mapping[str, jws.VerifyingKey] = {}
        self._reading = Lock()
        self._asked_at: timedelta | None = None
        self._read_at: timedelta | None = None
        self._failed = False
        self._verifier = AccessTokenVerifier(lambda: self._keys, self._clock, issuer=issuer, audience=audience)

    def verify(self, token: str) -> UserPrincipal:
        """Verify an access token and return its person.

        Raises:
            TokenExpired, TokenInvalid: the token is not valid; each is `Unauthorized`, 401.
            RevocationUnknown: the keys cannot be read now, so the token cannot be checked; it is `Unavailable`, 503.
        """
        try:
            kid = jws.key_id(token)
        except jws.TokenRefusedError as error:
            raise TokenInvalid from error
        self._look_for(kid)
        return self._verifier.verify_user(token)

    def _look_for(self, kid: str) -> None:
        # A thread that already has the key continues while another thread reads.
        if self._is_due(kid) and self._reading.acquire(blocking=kid not in self._keys):
            try:
                if self._is_due(kid):
                    self._read()
            finally:
                self._reading.release()
        is_old = self._read_at is None or self._clock.elapsed() - self._read_at > KEYS_KEPT
        if is_old or (self._failed and kid not in self._keys):
            raise RevocationUnknown

    def _is_due(self, kid: str) -> bool:
        now = self._clock.elapsed()
        if self._asked_at is not None and now - self._asked_at < KEYS_PAUSE:
            return False
        return kid not in self._keys or self._read_at is None or now - self._read_at >= KEYS_LIVE

    def _read(self) -> None:
        self._asked_at = asked_at = self._clock.elapsed()
        try:
            self._keys = keys_of(_get(self._uri))
        except (OSError, HTTPException, IssuerError, ValueError) as error:
            # Logged once, until reading works again.
            if not self._failed:
                logger.warning("the keys of %s cannot be read: %s", self._issuer, error)
            self._failed = True
        else:
            self._failed, self._read_at = False, asked_at


class _NoRedirect(HTTPRedirectHandler):
    """Refuses redirects: keys only come from the configured URL."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _get(uri: str) -> dict[str, Any]:
    request = Request(uri, headers={"Accept": "application/json"})  # noqa: S310  only http and https, see above
    try:
        with build_opener(_NoRedirect).open(request, timeout=TIMEOUT_SECONDS) as answer:
            body = answer.read(LARGEST_KEY_SET + 1)
    except HTTPError as error:
        error.close()
        raise IssuerError(f"{uri} answers {error.code}") from error
    if len(body) > LARGEST_KEY_SET:
        raise IssuerError(f"{uri} answers more than {LARGEST_KEY_SET} bytes")
    members = strict_json.loads(body)
    if not isinstance(members, dict):
        raise IssuerError(f"{uri} answers something that is not a JSON object")
    return members
