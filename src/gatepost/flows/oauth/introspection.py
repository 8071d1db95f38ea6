"""What other services and token holders do with tokens: introspection (RFC 7662) and revocation (RFC 7009)."""

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
    """Answers about tokens, and takes them back."""

    def __init__(self, gate: Gate, verifier: AccessTokenVerifier, sessions: SessionService) -> None:
        self._gate = gate
        self._verifier = verifier
        self._sessions = sessions

    async def introspect(self, token: str) -> dict[str, Any]:
        """Return the claims of an access token that is good now, with `active`; else only that it is not.

        A refresh token is never active here: a resource server that asks would take it for an access token.

        Raises:
            RevocationUnknown, DatabaseUnavailable: that cannot be told now.
        """
        try:
            await self._gate.authenticate(token, at_once=True)
            claims = self._verifier.claims(token)
        except Unauthorized:
            return {"active": False}
        return {"active": True, "token_type": "Bearer", **claims}

    async def revoke(self, token: str, *, info: RequestInfo) -> None:
        """End the session of a token, refresh or access; a token that is none is fine (RFC 7009, section 2.2).

        An access token that went stale still speaks for its session here, as its refresh token does; one that has
        expired is taken back already.
        """
        if token.startswith(REFRESH_PREFIX):
            await self._sessions.sign_out(HeldTokens(refresh=[token]), info=info)
            return
        with suppress(Unauthorized):
            self._verifier.verify(token)
            await self._sessions.sign_out(HeldTokens(access=[token]), info=info)
