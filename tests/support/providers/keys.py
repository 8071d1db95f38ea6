"""Keys of a provider, and tokens that they sign: by PyJWT, which shares no code with what is tested."""

import hmac
import json
import uuid
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gatepost.core.crypto import base64url

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class SigningKey:
    """A private key for one algorithm, with a name of its own."""

    def __init__(self, algorithm: str = "ES256") -> None:
        self.algorithm = algorithm
        self.kid = uuid.uuid4().hex
        self.private: Any = {
            "RS256": lambda: RSA_KEY,
            "PS256": lambda: RSA_KEY,
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate,
        }[algorithm]()

    def jwk(self, **more: Any) -> dict[str, Any]:
        """Return the public key as a member of a JWK Set; None leaves a member out."""
        public = json.loads(jwt.get_algorithm_by_name(self.algorithm).to_jwk(self.private.public_key()))
        members = public | {"kid": self.kid, "use": "sig", "alg": self.algorithm} | more
        return {name: value for name, value in members.items() if value is not None and name != "key_ops"}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        """Return a token with these claims."""
        return jwt.encode(claims, self.private, self.algorithm, headers={"kid": self.kid, **header})

    def sign_as_secret(self, claims: dict[str, Any]) -> str:
        """Return a token by HS256 whose secret is the public key, which verifiers have accepted that mix them up."""
        pem = self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        header = {"alg": "HS256", "kid": self.kid}
        message = ".".join(base64url.encode(json.dumps(part).encode()) for part in (header, claims))
        return f"{message}.{base64url.encode(hmac.digest(pem, message.encode(), 'sha256'))}"


def unsigned(claims: dict[str, Any]) -> str:
    """Return a token by nobody (`alg` none)."""
    return jwt.encode(claims, "", "none")
