"""Refresh tokens: `gpr_<session id>.<generation>.<mac>`, which need no storage of their own.

The MAC is HMAC-SHA256 under a key derived from SECRET_KEY, so that neither the database nor the token of another
session makes one.
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
    """What a refresh token says: the session, and how many tokens of it came before this one."""

    session_id: int
    generation: int


class RefreshTokens:
    """Writes refresh tokens and reads them back."""

    def __init__(self, secrets: SecretKeys) -> None:
        self._keys = secrets.derive("refresh token")

    def write(self, ticket: RefreshTicket) -> str:
        """Return the token; the same ticket always gives the same one."""
        return f"{PREFIX}{_name(ticket)}.{_mac(self._keys[0], ticket)}"

    def read(self, token: str) -> RefreshTicket:
        """Return what the token says.

        Raises:
            RefreshTokenInvalid: it is not one of ours.
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
