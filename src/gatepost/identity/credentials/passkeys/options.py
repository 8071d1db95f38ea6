"""Options for browsers as JSON (WebAuthn 3, sections 5.4 and 5.5)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gatepost.core.crypto import base64url
from gatepost.identity.credentials.passkeys.ceremony import Expectation
from gatepost.identity.credentials.passkeys.public_keys import Algorithm
from gatepost.identity.credentials.passkeys.responses import LONGEST_USER_HANDLE, PUBLIC_KEY

# The id of a challenge, and what to call the browser with.
Asked = tuple[str, dict[str, Any]]

# Of new ones.
USER_HANDLE_BYTES = 32
# Recommended with user verification (section 15.1).
TIMEOUT_MILLISECONDS = 300_000


@dataclass(frozen=True, slots=True)
class CredentialDescriptor:
    """An existing passkey, and how its authenticator can be reached."""

    id: bytes
    transports: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class PasskeyUser:
    """The owner of the new passkey. The handle is random, of 1 to 64 bytes; the names are shown to the user."""

    handle: bytes = field(repr=False)
    name: str
    display_name: str

    def __post_init__(self) -> None:
        if not 1 <= len(self.handle) <= LONGEST_USER_HANDLE:
            raise ValueError("the user handle does not have the right length")


def creation_options(
    asked: Expectation,
    user: PasskeyUser,
    *,
    rp_name: str,
    exclude: Iterable[CredentialDescriptor] = (),
) -> dict[str, Any]:
    """Return PublicKeyCredentialCreationOptionsJSON for a discoverable passkey.

    An authenticator that has one of `exclude` refuses to create another.
    """
    return {
        "rp": {"id": asked.relying_party.id, "name": rp_name},
        "user": {"id": base64url.encode(user.handle), "name": user.name, "displayName": user.display_name},
        "challenge": base64url.encode(asked.challenge),
        "pubKeyCredParams": [{"type": PUBLIC_KEY, "alg": int(algorithm)} for algorithm in Algorithm],
        "timeout": TIMEOUT_MILLISECONDS,
        "excludeCredentials": list(map(_descriptor, exclude)),
        "authenticatorSelection": {
            "residentKey": "required",
            # For browsers of Level 1.
            "requireResidentKey": True,
            "userVerification": _user_verification(asked),
        },
        "attestation": "none",
    }


def request_options(asked: Expectation, *, allow: Iterable[CredentialDescriptor] = ()) -> dict[str, Any]:
    """Return PublicKeyCredentialRequestOptionsJSON; without `allow`, the user chooses among all passkeys of the site.

    Without `allow`, only the challenge differs between visitors.
    """
    return {
        "challenge": base64url.encode(asked.challenge),
        "timeout": TIMEOUT_MILLISECONDS,
        "rpId": asked.relying_party.id,
        "allowCredentials": list(map(_descriptor, allow)),
        "userVerification": _user_verification(asked),
    }


def _user_verification(asked: Expectation) -> str:
    return "required" if asked.user_verification else "discouraged"


def _descriptor(credential: CredentialDescriptor) -> dict[str, Any]:
    return {"type": PUBLIC_KEY, "id": base64url.encode(credential.id), "transports": list(credential.transports)}
