"""The fifteen pairs of WebAuthn Level 3, section 16, by their values."""

import json
from pathlib import Path
from typing import Any

import pytest

from gatepost.core.crypto.base64url import encode
from gatepost.identity.credentials.passkeys.authentication import StoredPasskey, verify_authentication
from gatepost.identity.credentials.passkeys.ceremony import Expectation
from gatepost.identity.credentials.passkeys.refusals import Refusal
from gatepost.identity.credentials.passkeys.registration import verify_registration
from gatepost.identity.credentials.passkeys.relying_party import RelyingParty
from tests.unit.passkeys.verdicts import authenticated, registered, verdict

VECTORS = json.loads(Path(__file__).with_name("w3c_vectors.json").read_text(encoding="utf-8"))
# What we refuse on purpose: pages of ours in frames of others, and algorithms that nobody needs.
REFUSED = {
    "ES256, crossOrigin true": Refusal.CROSS_ORIGIN,
    "ES256, topOrigin": Refusal.CROSS_ORIGIN,
    "packed, ES384": Refusal.ALGORITHM,
    "packed, ES512": Refusal.ALGORITHM,
    "packed, Ed448": Refusal.ALGORITHM,
}
HANDLE = bytes(32)


def expected(part: dict[str, str]) -> Expectation:
    """Return what the vector was made for; some are without user verification."""
    party = RelyingParty("example.org", frozenset({"https://example.org"}))
    return Expectation(party, bytes.fromhex(part["challenge"]), user_verification=False)


def credential(vector: dict[str, Any], part: str) -> dict[str, Any]:
    """Return a half of a vector as a browser would send it."""
    name = encode(bytes.fromhex(vector["registration"]["credential_id"]))
    members = {"clientDataJSON", "attestationObject", "authenticatorData", "signature"}
    response = {member: encode(bytes.fromhex(text)) for member, text in vector[part].items() if member in members}
    return {"id": name, "rawId": name, "type": "public-key", "response": response}


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_vector_is_accepted_or_refused_for_what_we_do_not_take(vector: dict[str, Any]) -> None:
    made = vector["registration"]
    used = vector["authentication"]
    if vector["name"] in REFUSED:
        answer = credential(vector, "registration")
        assert verdict(verify_registration, answer, expected(made)) is REFUSED[vector["name"]]
        return

    passkey = registered(credential(vector, "registration"), expected(made))

    assert passkey.credential_id.hex() == made["credential_id"]
    assert passkey.aaguid.hex() == made["aaguid"]
    kept = StoredPasskey(passkey.credential_id, passkey.public_key, 0, passkey.backup_eligible, HANDLE)
    authenticated(credential(vector, "authentication"), kept, expected(used), is_discoverable=False)


def test_vectors_are_fifteen_and_ten_are_accepted() -> None:
    assert len(VECTORS) == 15
    assert {vector["name"] for vector in VECTORS} > set(REFUSED)
    assert len(REFUSED) == 5


def test_signature_of_another_vector_is_refused() -> None:
    first, second = VECTORS[0], VECTORS[1]
    passkey = verify_registration(credential(first, "registration"), expected(first["registration"]))
    kept = StoredPasskey(passkey.credential_id, passkey.public_key, 0, passkey.backup_eligible, HANDLE)
    answer = credential(first, "authentication")
    answer["response"]["signature"] = credential(second, "authentication")["response"]["signature"]

    reason = verdict(verify_authentication, answer, expected(first["authentication"]), kept, is_discoverable=False)

    assert reason is Refusal.SIGNATURE
