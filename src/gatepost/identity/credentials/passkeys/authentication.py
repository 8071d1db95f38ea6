"""Verifying a sign-in with a passkey (WebAuthn 3, section 7.2)."""

import hashlib
import hmac
from dataclasses import dataclass

from gatepost.identity.credentials.passkeys.authenticator_data import (
    AuthenticatorData,
    Flags,
    read_authenticator_data,
)
from gatepost.identity.credentials.passkeys.ceremony import (
    Ceremony,
    Expectation,
    require_authenticator_data,
    require_client_data,
)
from gatepost.identity.credentials.passkeys.public_keys import has_signed, read_public_key
from gatepost.identity.credentials.passkeys.refusals import PasskeyRefused, Refusal
from gatepost.identity.credentials.passkeys.responses import AuthenticationResponse, read_authentication


@dataclass(frozen=True, slots=True)
class StoredPasskey:
    """A passkey as stored, and the user handle of its account."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    backup_eligible: bool
    user_handle: bytes


@dataclass(frozen=True, slots=True)
class Assertion:
    """A valid assertion: the new values to store, and whether the user was verified."""

    sign_count: int
    user_verified: bool
    backup_state: bool


def verify_authentication(
    credential: object, expected: Expectation, passkey: StoredPasskey, *, is_discoverable: bool
) -> Assertion:
    """Verify an AuthenticationResponseJSON that this passkey has to have made.

    With `is_discoverable` the account was not known before, and the response has to contain its user handle. Store the
    new counter with an UPDATE that has the old one as a condition, so that only one of two equal responses succeeds.

    Raises:
        PasskeyRefused: it is not valid; nothing else is raised. SIGN_COUNT means that everything else was correct.
    """
    try:
        return _verified(read_authentication(credential), expected, passkey, is_discoverable=is_discoverable)
    except PasskeyRefused:
        raise
    except Exception as error:
        # Whatever a parser or a backend fails on came with the response.
        raise PasskeyRefused(Refusal.MALFORMED) from error


def _verified(
    response: AuthenticationResponse, expected: Expectation, passkey: StoredPasskey, *, is_discoverable: bool
) -> Assertion:
    if response.credential_id != passkey.credential_id:
        raise PasskeyRefused(Refusal.CREDENTIAL_ID)
    _require_handle(response.user_handle, passkey.user_handle, is_discoverable=is_discoverable)
    require_client_data(response.client_data_json, Ceremony.GET, expected)
    data = read_authenticator_data(response.authenticator_data)
    if data.credential is not None:
        raise PasskeyRefused(Refusal.AUTHENTICATOR_DATA)
    require_authenticator_data(data, expected)
    if (Flags.BACKUP_ELIGIBLE in data.flags) != passkey.backup_eligible:
        raise PasskeyRefused(Refusal.BACKUP_STATE)
    signed = response.authenticator_data + hashlib.sha256(response.client_data_json).digest()
    if not has_signed(read_public_key(passkey.public_key), signed, response.signature):
        raise PasskeyRefused(Refusal.SIGNATURE)
    # Last, after the signature: a stranger cannot make us notify the owner.
    _require_growth(passkey.sign_count, data)
    return Assertion(
        sign_count=data.sign_count,
        user_verified=Flags.USER_VERIFIED in data.flags,
        backup_state=Flags.BACKUP_STATE in data.flags,
    )


def _require_handle(given: bytes | None, wanted: bytes, *, is_discoverable: bool) -> None:
    if given is None and not is_discoverable:
        return
    if given is None or not hmac.compare_digest(given, wanted):
        raise PasskeyRefused(Refusal.USER_HANDLE)


def _require_growth(before: int, data: AuthenticatorData) -> None:
    """Refuse a counter that does not increase. Synced passkeys have none and always send 0."""
    if before == data.sign_count == 0:
        return
    if data.sign_count <= before:
        raise PasskeyRefused(Refusal.SIGN_COUNT)
