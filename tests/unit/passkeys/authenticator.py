"""A software authenticator with one passkey, and a browser in front of it; both can be told to lie in any field."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from gatepost.core.crypto.base64url import encode
from gatepost.identity.credentials.passkeys.authentication import StoredPasskey
from gatepost.identity.credentials.passkeys.ceremony import Expectation
from gatepost.identity.credentials.passkeys.public_keys import Algorithm
from gatepost.identity.credentials.passkeys.relying_party import RelyingParty
from gatepost.identity.credentials.passkeys.strict_cbor import dumps

ORIGIN = "https://auth.example.com"
EXPECTED = Expectation(RelyingParty("example.com", frozenset({ORIGIN})), bytes(range(32)), user_verification=True)
HANDLE = b"\x05" * 32
AAGUID = bytes.fromhex("bada5566a7aa401fbd9645619a55120d")
UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
ABSENT = object()
PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

# For a test that asks for a `key`.
with_every_algorithm = pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(65537, 2048),
    ],
    ids=["ES256", "EdDSA", "RS256"],
)


@dataclass
class Authenticator:
    """Every part of an answer can be given by name instead of the right one."""

    key: PrivateKey = field(default_factory=lambda: ec.derive_private_key(7, ec.SECP256R1()))
    credential_id: bytes = b"\x09" * 32

    def create(self, **lies: Any) -> dict[str, Any]:
        """Answer navigator.credentials.create() as JSON."""
        credential_id = lies.get("attested_id", self.credential_id)
        length = lies.get("id_length", len(credential_id)).to_bytes(2)
        attested = lies.get("attested", AAGUID + length + credential_id + lies.get("cose", cose_of(self.key)))
        data = self._data(lies, UP | UV | AT, attested)
        statement = {"fmt": "none", "attStmt": {}, "authData": data}
        attestation = lies.get("attestation", dumps(without_absent(statement | lies.get("statement", {}))))
        return self._answer(lies, "webauthn.create", {"attestationObject": attestation})

    def get(self, **lies: Any) -> dict[str, Any]:
        """Answer navigator.credentials.get() as JSON."""
        data = self._data(lies, UP | UV, lies.get("attested", b""))
        signed = data + hashlib.sha256(client_data("webauthn.get", lies)).digest()
        signature = lies.get("signature", sign(lies.get("key", self.key), lies.get("signed", signed)))
        parts = {"authenticatorData": data, "signature": signature, "userHandle": HANDLE}
        return self._answer(lies, "webauthn.get", parts)

    def _data(self, lies: dict[str, Any], flags: int, attested: bytes) -> bytes:
        head = hashlib.sha256(lies.get("rp_id", "example.com").encode()).digest()
        head += bytes([lies.get("flags", flags)]) + lies.get("sign_count", 0).to_bytes(4)
        return bytes(lies.get("data", head + attested + lies.get("extensions", b"") + lies.get("behind", b"")))

    def _answer(self, lies: dict[str, Any], kind: str, parts: dict[str, bytes]) -> dict[str, Any]:
        texts = {name: encode(part) for name, part in ({"clientDataJSON": client_data(kind, lies)} | parts).items()}
        name = encode(lies.get("id", self.credential_id))
        response = without_absent(texts | lies.get("response", {}))
        answer = {"id": name, "rawId": name, "type": "public-key", "response": response}
        return without_absent(answer | lies.get("answer", {}))


def client_data(kind: str, lies: dict[str, Any]) -> bytes:
    """Return what a browser says to have done."""
    said = {"type": kind, "challenge": encode(EXPECTED.challenge), "origin": ORIGIN, "crossOrigin": False}
    written = json.dumps(without_absent(said | lies.get("client", {}))).encode()
    return bytes(lies.get("client_data", written))


def without_absent(members: dict[str, Any]) -> dict[str, Any]:
    """Return the members that there are."""
    return {name: value for name, value in members.items() if value is not ABSENT}


def cose_of(key: PrivateKey) -> bytes:
    """Return the public key in COSE."""
    match key:
        case ec.EllipticCurvePrivateKey():
            point = key.public_key().public_numbers()
            return dumps({1: 2, 3: Algorithm.ES256, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)})
        case ed25519.Ed25519PrivateKey():
            return dumps({1: 1, 3: Algorithm.EDDSA, -1: 6, -2: key.public_key().public_bytes_raw()})
        case rsa.RSAPrivateKey():
            numbers = key.public_key().public_numbers()
            return dumps({1: 3, 3: Algorithm.RS256, -1: numbers.n.to_bytes(key.key_size // 8), -2: b"\1\0\1"})


def sign(key: PrivateKey, message: bytes) -> bytes:
    """Sign as the algorithm of the key requires."""
    match key:
        case ec.EllipticCurvePrivateKey():
            return key.sign(message, ec.ECDSA(hashes.SHA256()))
        case ed25519.Ed25519PrivateKey():
            return key.sign(message)
        case rsa.RSAPrivateKey():
            return key.sign(message, padding.PKCS1v15(), hashes.SHA256())


def stored(authenticator: Authenticator, **other: Any) -> StoredPasskey:
    """Return the passkey as an account has it."""
    passkey = StoredPasskey(
        credential_id=authenticator.credential_id,
        public_key=cose_of(authenticator.key),
        sign_count=0,
        backup_eligible=False,
        user_handle=HANDLE,
    )
    return dataclasses.replace(passkey, **other)
