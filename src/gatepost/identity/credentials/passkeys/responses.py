"""The responses of browsers as JSON (WebAuthn 3, section 5.1): the relevant members, as bytes.

Unsigned convenience members such as `clientExtensionResults` and `publicKey` are ignored.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gatepost.core.crypto import base64url
from gatepost.identity.credentials.passkeys.authenticator_data import LONGEST_CREDENTIAL_ID
from gatepost.identity.credentials.passkeys.refusals import PasskeyRefused, Refusal

PUBLIC_KEY = "public-key"
LONGEST_CLIENT_DATA = 4096
LONGEST_ATTESTATION_OBJECT = 16384
LONGEST_USER_HANDLE = 64
# For the other members, all of which are shorter.
LONGEST_PART = 8192
MOST_TRANSPORTS = 8
# Unknown values are kept (section 5.8.4).
TRANSPORT = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class RegistrationResponse:
    """The response to `navigator.credentials.create()`."""

    credential_id: bytes
    client_data_json: bytes = field(repr=False)
    attestation_object: bytes = field(repr=False)
    transports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AuthenticationResponse:
    """The response to `navigator.credentials.get()`."""

    credential_id: bytes
    client_data_json: bytes = field(repr=False)
    authenticator_data: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    user_handle: bytes | None


def credential_id_of(credential: object) -> bytes:
    """Return the credential id of a response, to look the passkey up before verifying.

    Raises:
        PasskeyRefused: with MALFORMED or CREDENTIAL_ID.
    """
    match credential:
        case {"id": str() as name, "rawId": str() as raw, "type": "public-key"} if name == raw:
            return _bytes(raw, at_most=LONGEST_CREDENTIAL_ID, otherwise=Refusal.CREDENTIAL_ID)
    raise PasskeyRefused(Refusal.MALFORMED)


def read_registration(credential: object) -> RegistrationResponse:
    """Parse a RegistrationResponseJSON.

    Raises:
        PasskeyRefused: with MALFORMED, CREDENTIAL_ID, CLIENT_DATA or ATTESTATION_OBJECT.
    """
    credential_id = credential_id_of(credential)
    response = _response(credential)
    return RegistrationResponse(
        credential_id=credential_id,
        client_data_json=_client_data(response),
        attestation_object=_bytes(
            response.get("attestationObject"),
            at_most=LONGEST_ATTESTATION_OBJECT,
            otherwise=Refusal.ATTESTATION_OBJECT,
        ),
        transports=read_transports(response.get("transports", [])),
    )


def read_authentication(credential: object) -> AuthenticationResponse:
    """Parse an AuthenticationResponseJSON.

    Raises:
        PasskeyRefused: with MALFORMED, CREDENTIAL_ID, CLIENT_DATA, AUTHENTICATOR_DATA, SIGNATURE or USER_HANDLE.
    """
    credential_id = credential_id_of(credential)
    response = _response(credential)
    handle = response.get("userHandle")
    return AuthenticationResponse(
        credential_id=credential_id,
        client_data_json=_client_data(response),
        authenticator_data=_bytes(
            response.get("authenticatorData"), at_most=LONGEST_PART, otherwise=Refusal.AUTHENTICATOR_DATA
        ),
        signature=_bytes(response.get("signature"), at_most=LONGEST_PART, otherwise=Refusal.SIGNATURE),
        user_handle=None
        if handle is None
        else _bytes(handle, at_most=LONGEST_USER_HANDLE, otherwise=Refusal.USER_HANDLE),
    )


def read_transports(names: object) -> tuple[str, ...]:
    """Return how the authenticator can be reached, sorted and without duplicates.

    Raises:
        PasskeyRefused: with MALFORMED.
    """
    if not isinstance(names, list) or len(names) > MOST_TRANSPORTS:
        raise PasskeyRefused(Refusal.MALFORMED)
    if not all(isinstance(name, str) and TRANSPORT.fullmatch(name) for name in names):
        raise PasskeyRefused(Refusal.MALFORMED)
    return tuple(sorted(set(names)))


def _response(credential: object) -> Mapping[object, object]:
    match credential:
        case {"response": dict() as response}:
            return response
    raise PasskeyRefused(Refusal.MALFORMED)


def _client_data(response: Mapping[object, object]) -> bytes:
    return _bytes(response.get("clientDataJSON"), at_most=LONGEST_CLIENT_DATA, otherwise=Refusal.CLIENT_DATA)


def _bytes(text: object, *, at_most: int, otherwise: Refusal) -> bytes:
    """Decode canonical base64url.

    Raises:
        PasskeyRefused: with MALFORMED if it is anything else, with `otherwise` if it is empty or too long.
    """
    if not isinstance(text, str):
        raise PasskeyRefused(Refusal.MALFORMED)
    # Four characters encode three bytes.
    if not text or len(text) * 3 // 4 > at_most:
        raise PasskeyRefused(otherwise)
    try:
        return base64url.decode(text)
    except ValueError:
        raise PasskeyRefused(Refusal.MALFORMED) from None
