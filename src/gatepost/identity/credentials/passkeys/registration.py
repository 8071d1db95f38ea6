"""Verifying the registration of a passkey (WebAuthn 3, section 7.1)."""

from dataclasses import dataclass

from gatepost.identity.credentials.passkeys import strict_cbor
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
from gatepost.identity.credentials.passkeys.public_keys import read_public_key
from gatepost.identity.credentials.passkeys.refusals import PasskeyRefused, Refusal
from gatepost.identity.credentials.passkeys.responses import read_registration
from gatepost.identity.credentials.passkeys.strict_cbor import CborError

ATTESTATION_MEMBERS = {"fmt", "attStmt", "authData"}
NO_ATTESTATION = "none"


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """What to store of a new passkey, the public key in COSE. `aaguid` is a claim that nothing proves."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    aaguid: bytes
    transports: tuple[str, ...]
    user_verified: bool
    backup_eligible: bool
    backup_state: bool


def verify_registration(credential: object, expected: Expectation) -> NewPasskey:
    """Verify a RegistrationResponseJSON and return the passkey; the database ensures that its id is unique.

    The attestation statement is ignored, since none is requested.

    Raises:
        PasskeyRefused: it is not valid; nothing else is raised.
    """
    try:
        return _verified(credential, expected)
    except PasskeyRefused:
        raise
    except Exception as error:
        # Whatever a parser or a backend fails on came with the response.
        raise PasskeyRefused(Refusal.MALFORMED) from error


def _verified(credential: object, expected: Expectation) -> NewPasskey:
    response = read_registration(credential)
    require_client_data(response.client_data_json, Ceremony.CREATE, expected)
    data = _authenticator_data(response.attestation_object)
    require_authenticator_data(data, expected)
    made = data.credential
    if made is None:
        raise PasskeyRefused(Refusal.AUTHENTICATOR_DATA)
    if made.credential_id != response.credential_id:
        raise PasskeyRefused(Refusal.CREDENTIAL_ID)
    read_public_key(made.public_key)
    return NewPasskey(
        credential_id=made.credential_id,
        public_key=made.public_key,
        sign_count=data.sign_count,
        aaguid=made.aaguid,
        transports=response.transports,
        user_verified=Flags.USER_VERIFIED in data.flags,
        backup_eligible=Flags.BACKUP_ELIGIBLE in data.flags,
        backup_state=Flags.BACKUP_STATE in data.flags,
    )


def _authenticator_data(attestation_object: bytes) -> AuthenticatorData:
    try:
        attestation = strict_cbor.loads(attestation_object)
    except CborError:
        raise PasskeyRefused(Refusal.ATTESTATION_OBJECT) from None
    match attestation:
        case {"fmt": str() as kind, "attStmt": dict() as statement, "authData": bytes() as data} if (
            attestation.keys() == ATTESTATION_MEMBERS
        ):
            if kind == NO_ATTESTATION and statement:
                raise PasskeyRefused(Refusal.ATTESTATION_OBJECT)
            return read_authenticator_data(data)
    raise PasskeyRefused(Refusal.ATTESTATION_OBJECT)
