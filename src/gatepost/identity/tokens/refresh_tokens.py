"""Refresh tokens: `gpr_<session id>.<generation>.<mac>`, which are not stored.

The MAC is HMAC-SHA256 with a key derived from SECRET_KEY, so that nobody can forge one from the database or from the
token of another session.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass

from gatepost.core.crypto import base64url
from gatepost.core.crypto.secrets import SecretKeys
from gatepost.core.ids import ID_TEXT
from gatepost.identity.tokens.errors import RefreshTokenInvalid

PREFIX = "gpr_"
FORM = re.compile(rf"gpr_({ID_TEXT})\.(0|[1-9][0-9]{{0,9}})\.([A-Za-z0-9_-]{{43}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class RefreshTicket:
    """The content of a refresh token: the session, and how many of its tokens came before this one."""

    session_id: int
    generation: int


class RefreshTokens:
    """Writes and reads refresh tokens."""

    def __init__(self, secrets: SecretKeys) -> None:
        self._keys = secrets.derive("refresh token")

    def write(self, ticket: RefreshTicket) -> str:
        """Return the token; it is always the same for the same ticket."""
        return f"{PREFIX}{_name(ticket)}.{_mac(self._keys[0], ticket)}"

    def read(self, token: str) -> RefreshTicket:
        """Return the content of a token.

        Raises:
            RefreshTokenInvalid: it is not one of our tokens.
        """
        form = FORM.fullmatch(token)
        if form is None:
            raise RefreshTokenInvalid
        ticket = RefreshTicket(int(form[1]), int(form[2]))
        fits = [hmac.compare_digest(_mac(key, ticket), form[3]) for key in self._keys]
        if not any(fits):
            raise RefreshTokenInvalid
        return ticket


def _name(ticket: RefreshTicket) -> str:
    return f"{ticket.session_id}.{ticket.generation}"


def _mac(key: bytes, ticket: RefreshTicket) -> str:
    return base64url.encode(hmac.digest(key, _name(ticket).encode("ascii"), hashlib.sha256))
