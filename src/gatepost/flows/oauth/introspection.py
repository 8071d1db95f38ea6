"""Introspection (RFC 7662) and revocation (RFC 7009) of tokens."""

from contextlib import suppress
from typing import Any

from gatepost.core.errors import Unauthorized
from gatepost.core.request_info import RequestInfo
from gatepost.identity.access.gate import Gate
from gatepost.identity.sessions.handout import HeldTokens
from gatepost.identity.sessions.service import SessionService
from gatepost.identity.tokens.refresh_tokens import PREFIX as REFRESH_PREFIX
from gatepost.identity.tokens.verifier import AccessTokenVerifier


class TokenIntrospection:
    """Introspects and revokes tokens."""

    def __init__(self, gate: Gate, verifier: AccessTokenVerifier, sessions: SessionService) -> None:
        self._gate = gate
        self._verifier = verifier
        self._sessions = sessions

    async def introspect(self, token: str) -> dict[str, Any]:
        """Return the claims of a valid access token with `active`; for any other token only that it is not active.

        Refresh tokens are never active here: a resource server would mistake them for access tokens.

        Raises:
            RevocationUnknown, DatabaseUnavailable: this cannot be determined now.
        """
        try:
            await self._gate.authenticate(token, at_once=True)
            claims = self._verifier.claims(token)
        except Unauthorized:
            return {"active": False}
        return {"active": True, "token_type": "Bearer", **claims}

    async def revoke(self, token: str, *, info: RequestInfo) -> None:
        """End the session of a refresh or access token. Invalid tokens are ignored (RFC 7009, section 2.2).

        A stale access token still ends its session here, as its refresh token does. An expired one needs no revocation.
        """
        if token.startswith(REFRESH_PREFIX):
            await self._sessions.sign_out(HeldTokens(refresh=[token]), info=info)
            return
        with suppress(Unauthorized):
            self._verifier.verify(token)
            await self._sessions.sign_out(HeldTokens(access=[token]), info=info)
