"""How the tests judge: another library checks what is accepted, and a refusal has the expected reason."""

from collections.abc import Callable, Iterable
from typing import Any

import webauthn

from gatepost.core.crypto.base64url import decode, encode
from gatepost.identity.credentials.passkeys import strict_cbor
from gatepost.identity.credentials.passkeys.authentication import Assertion, StoredPasskey, verify_authentication
from gatepost.identity.credentials.passkeys.ceremony import Expectation
from gatepost.identity.credentials.passkeys.refusals import PasskeyRefused, Refusal
from gatepost.identity.credentials.passkeys.registration import NewPasskey, verify_registration
from tests.unit.passkeys.authenticator import EXPECTED

Case = tuple[dict[str, Any], Refusal]


def registered(credential: dict[str, Any], expected: Expectation = EXPECTED) -> NewPasskey:
    """Return the passkey that is accepted, by py_webauthn too."""
    passkey = verify_registration(credential, expected)
    second = webauthn.verify_registration_response(
        credential=_unattested(credential),
        expected_challenge=expected.challenge,
        expected_rp_id=expected.relying_party.id,
        expected_origin=sorted(expected.relying_party.origins),
        require_user_verification=expected.user_verification,
    )
    assert (second.credential_id, second.credential_public_key) == (passkey.credential_id, passkey.public_key)
    assert (second.sign_count, second.user_verified) == (passkey.sign_count, passkey.user_verified)
    assert second.aaguid.replace("-", "") == passkey.aaguid.hex()
    assert second.credential_backed_up == passkey.backup_state
    return passkey


def authenticated(
    credential: dict[str, Any],
    passkey: StoredPasskey,
    expected: Expectation = EXPECTED,
    *,
    is_discoverable: bool = True,
) -> Assertion:
    """Return the use of a passkey that is accepted, by py_webauthn too."""
    assertion = verify_authentication(credential, expected, passkey, is_discoverable=is_discoverable)
    second = webauthn.verify_authentication_response(
        credential={"clientExtensionResults": {}} | credential,
        expected_challenge=expected.challenge,
        expected_rp_id=expected.relying_party.id,
        expected_origin=sorted(expected.relying_party.origins),
        credential_public_key=passkey.public_key,
        credential_current_sign_count=passkey.sign_count,
        require_user_verification=expected.user_verification,
    )
    assert (second.new_sign_count, second.user_verified) == (assertion.sign_count, assertion.user_verified)
    assert second.credential_backed_up == assertion.backup_state
    return assertion


def verdict(verify: Callable[..., object], *given: Any, **named: Any) -> Refusal | None:
    """Return why something is refused, None where it is accepted.

    A refusal that only comes from an error of a parser fails the test: our own checks have to decide each.
    """
    try:
        verify(*given, **named)
    except PasskeyRefused as refused:
        if refused.__cause__ is not None:
            raise refused.__cause__ from None
        return refused.reason
    return None


def misjudged(cases: Iterable[Case], verify: Callable[[dict[str, Any]], object]) -> list[str]:
    """Return each lie that is not refused for its reason."""
    found = ((lie, reason, verdict(verify, lie)) for lie, reason in cases)
    return [f"{lie}: {given}, not {reason}" for lie, reason, given in found if given is not reason]


def _unattested(credential: dict[str, Any]) -> dict[str, Any]:
    """Return a registration without its attestation, which py_webauthn checks even where none was asked for."""
    response = credential["response"]
    data = strict_cbor.loads(decode(response["attestationObject"]))["authData"]
    attestation = encode(strict_cbor.dumps({"fmt": "none", "attStmt": {}, "authData": data}))
    return {"clientExtensionResults": {}} | credential | {"response": response | {"attestationObject": attestation}}
