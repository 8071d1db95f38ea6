"""The state of an authorization request, and what is derived from it in the place of being stored."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

from gatepost.core.crypto import base64url
from gatepost.core.crypto.secrets import SecretKeys

RANDOM_BYTES = 24
FORM = re.compile(r"([A-Za-z0-9_-]{32})\.([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True)
class State:
    """A state, and what belongs to it: the verifier of PKCE (RFC 7636), and the nonce of the ID token.

    Who has seen the state alone knows neither.
    """

    text: str = field(repr=False)
    code_verifier: str = field(repr=False)
    nonce: str = field(repr=False)

    @property
    def code_challenge(self) -> str:
        """The S256 challenge of the verifier."""
        return base64url.encode(hashlib.sha256(self.code_verifier.encode()).digest())


class States:
    """Makes states, and reads them back. A state that is not ours is known without the database."""

    def __init__(self, keys: SecretKeys) -> None:
        self._keys = keys.derive("provider state")

    def new(self) -> State:
        """Return a new state."""
        return _state(self._keys[0], base64url.encode(secrets.token_bytes(RANDOM_BYTES)))

    def read(self, text: str) -> State | None:
        """Return what belongs to a state; None where it is none of ours."""
        form = FORM.fullmatch(text)
        if form is None:
            return None
        states = [_state(key, form[1]) for key in self._keys]
        return next((state for state in states if hmac.compare_digest(state.text, text)), None)


def _state(key: bytes, name: str) -> State:
    return State(
        f"{name}.{_derived(key, 'state', name)}",
        code_verifier=_derived(key, "code_verifier", name),
        nonce=_derived(key, "nonce", name),
    )


def _derived(key: bytes, what: str, name: str) -> str:
    return base64url.encode(hmac.digest(key, f"{what} {name}".encode(), hashlib.sha256))
