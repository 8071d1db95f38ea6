"""A verifier under attack, and what its attacker has in hand."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gatepost.core import strict_json
from gatepost.core.crypto.jose import SigningKey, sign

ES256, RS256, HS256 = "ES256", "RS256", "HS256"
ALGORITHMS = (ES256, RS256, HS256)
ASYMMETRIC = (ES256, RS256)


@dataclass(frozen=True)
class Target:
    """What a verifier accepts, and its own signing key, for tokens that are wrong in all but the signature."""

    key: SigningKey = field(repr=False)
    claims: Mapping[str, Any]
    # A web address at which somebody listens; whoever fetches it is caught.
    trap: str

    @property
    def header(self) -> dict[str, Any]:
        """The header that a good token has."""
        return {"alg": self.key.algorithm, "kid": self.key.kid, "typ": "at+jwt"}

    @property
    def good(self) -> str:
        """A token that is accepted."""
        return self.token()

    def token(self, *, header: Mapping[str, Any] | None = None, claims: Mapping[str, Any] | None = None) -> str:
        """Sign a header and claims; what is not given is as in a good token."""
        return self.text_token(
            header=to_json(self.header if header is None else header),
            claims=to_json(self.claims if claims is None else claims),
        )

    def text_token(self, *, header: str | bytes | None = None, claims: str | bytes | None = None) -> str:
        """Sign texts that need not be JSON."""
        return self.segment_token(
            encode(to_json(self.header) if header is None else header),
            encode(to_json(self.claims) if claims is None else claims),
        )

    def segment_token(self, header: str, claims: str) -> str:
        """Sign segments that need not be base64url."""
        message = f"{header}.{claims}"
        return f"{message}.{encode(self.sign(message.encode('utf-8', 'surrogatepass')))}"

    def sign(self, message: bytes) -> bytes:
        """Sign with the verifier's own key."""
        return self.key.key.sign(message)

    def with_signature(self, make: Callable[[bytes], bytes], *, header: Mapping[str, Any] | None = None) -> str:
        """Return a token with a signature that is made otherwise."""
        message = f"{encode(to_json(self.header | dict(header or {})))}.{encode(to_json(self.claims))}"
        return f"{message}.{encode(make(message.encode()))}"

    @property
    def private(self) -> Any:
        """The private key, as cryptography has it."""
        return serialization.load_pem_private_key(self.key.key.to_pem(), password=None)

    @property
    def secret(self) -> bytes:
        """The shared secret of HS256."""
        return decode(str(self.key.key.to_dict()["k"]))

    def public_bytes(self, encoding: serialization.Encoding, kind: serialization.PublicFormat) -> bytes:
        """The public key, as an attacker downloads it."""
        private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = self.private
        return private.public_key().public_bytes(encoding, kind)


def signed_anew(token: str, key: SigningKey, *, typ: str = "at+jwt", **changes: Any) -> str:
    """Sign a good token's claims once more, some of them changed; None takes a claim out."""
    claims = strict_json.loads(decode(token.split(".")[1])) | changes
    return sign({name: value for name, value in claims.items() if value is not None}, key, typ=typ)


Forge = Callable[[Target], str]


@dataclass(frozen=True)
class Attack:
    """A text to present as an access token; `code` is the refusal that it must meet."""

    name: str
    forge: Forge
    algorithms: tuple[str, ...] = ALGORITHMS
    code: str = "token_invalid"
    # HTTP itself strips the spaces around a field's value.
    over_http: bool = True


def resigned(change: Callable[[Target, bytes], bytes], **header: Any) -> Forge:
    """Return a forge whose signature is made from the target and the message."""
    return lambda target: target.with_signature(lambda message: change(target, message), header=header)


def with_header(**changes: Any) -> Forge:
    """Return a forge of tokens that are well signed, with other header members."""
    return lambda target: target.token(header=target.header | changes)


def with_claims(**changes: Any) -> Forge:
    """Return a forge of tokens that are well signed, with other claims."""
    return lambda target: target.token(claims={**target.claims, **changes})


def encode(data: str | bytes) -> str:
    """Encode in base64url without padding."""
    raw = data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode(segment: str) -> bytes:
    """Decode base64url without padding."""
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def to_json(value: Any) -> str:
    """Write JSON without spaces; NaN and infinities as Python spells them."""
    return json.dumps(value, separators=(",", ":"))


def hmac_of(secret: bytes, message: bytes, algorithm: hashes.HashAlgorithm | None = None) -> bytes:
    """Return a MAC, under any secret at all."""
    mac = hmac.HMAC(secret, algorithm or hashes.SHA256())
    mac.update(message)
    return mac.finalize()
