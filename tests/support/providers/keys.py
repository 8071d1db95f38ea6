"""Keys of a provider, and tokens that they sign: by PyJWT, which shares no code with what verifies them."""

import hmac
import json
import uuid
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from gatepost.core.crypto import base64url


@cache
def rsa_key(number: int) -> rsa.RSAPrivateKey:
    """Return one of some keys, each made once: that takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class SigningKey:
    """A private key for one algorithm, with a name of its own. RSA keys are one of a few, by their `number`."""

    def __init__(self, algorithm: str = "ES256", *, number: int = 1) -> None:
        self.algorithm = algorithm
        self.kid = uuid.uuid4().hex
        # Put over the header of each token; None leaves a member out.
        self.header: dict[str, Any] = {}
        self.private: Any = {
            "RS256": lambda: rsa_key(number),
            "PS256": lambda: rsa_key(number),
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate,
        }[algorithm]()

    def jwk(self, **more: Any) -> dict[str, Any]:
        """Return the public key as a member of a JWK Set; None leaves a member out."""
        public = json.loads(jwt.get_algorithm_by_name(self.algorithm).to_jwk(self.private.public_key()))
        members = public | {"kid": self.kid, "use": "sig", "alg": self.algorithm} | more
        return {name: value for name, value in members.items() if value is not None and name != "key_ops"}

    @property
    def pem(self) -> str:
        """The private key as PKCS #8 in PEM."""
        private: bytes = self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return private.decode()

    def sign(self, claims: dict[str, Any]) -> str:
        """Return a token with these claims."""
        header = {"alg": self.algorithm, "kid": self.kid, "typ": "JWT"} | self.header
        header = {name: value for name, value in header.items() if value is not None}
        message = ".".join(base64url.encode(json.dumps(part).encode()) for part in (header, claims))
        algorithm = jwt.get_algorithm_by_name(self.algorithm)
        return f"{message}.{base64url.encode(algorithm.sign(message.encode(), self.private))}"

    def sign_as_secret(self, claims: dict[str, Any]) -> str:
        """Return a token by HS256 whose secret is the public key, which verifiers have accepted that mix them up."""
        pem = self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        header = {"alg": "HS256", "kid": self.kid}
        message = ".".join(base64url.encode(json.dumps(part).encode()) for part in (header, claims))
        return f"{message}.{base64url.encode(hmac.digest(pem, message.encode(), 'sha256'))}"


def unsigned(claims: dict[str, Any]) -> str:
    """Return a token by nobody (`alg` none)."""
    return jwt.encode(claims, "", "none")
