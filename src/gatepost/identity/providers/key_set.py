"""The keys by which a provider signs (RFC 7517)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gatepost.core.crypto.jws import VerifyingKey, WeakKeyError, verifying_key_from_jwk

ALGORITHMS = frozenset({"RS256", "PS256", "ES256", "ES384", "EdDSA"})
# RFC 9864 gives what is signed by Ed25519 its own name.
SAME_ALGORITHM = {"Ed25519": "EdDSA"}
# Of a key that does not say its algorithm, as Microsoft's.
BY_KIND = {"RSA": ("RS256", "PS256"), "EC P-256": ("ES256",), "EC P-384": ("ES384",), "OKP Ed25519": ("EdDSA",)}
# The gap in what Microsoft says for all tenants.
TENANT = "{tenantid}"
MOST_KEYS = 100


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """A key for one algorithm. Microsoft says of its keys whose tokens alone they sign: `issuer`, maybe with a gap."""

    verifying: VerifyingKey
    issuer: str | None

    def signs_for(self, issuer: object, tenant: object) -> bool:
        """Whether the key is for tokens of this issuer and tenant."""
        return self.issuer is None or self.issuer.replace(TENANT, str(tenant)) == issuer


class KeySet:
    """The usable keys of a JWK Set; the others are passed over (RFC 7517, section 5)."""

    def __init__(self, document: Any) -> None:
        members = document.get("keys") if isinstance(document, dict) else None
        self._keys = [key for one in (members if isinstance(members, list) else [])[:MOST_KEYS] for key in _keys(one)]

    def __len__(self) -> int:
        """Return how many there are; one that may be used by two algorithms counts twice."""
        return len(self._keys)

    def find(self, kid: str | None, algorithm: str) -> ProviderKey | None:
        """Return the key of this name, or without one the only key there is for the algorithm."""
        fit = [key for key in self._keys if key.verifying.algorithm == algorithm and kid in (None, key.verifying.kid)]
        return fit[0] if len(fit) == 1 else None


def named(algorithm: object) -> str:
    """Return the one name of an algorithm."""
    return SAME_ALGORITHM.get(algorithm, algorithm) if isinstance(algorithm, str) else ""


def _keys(members: object) -> Iterator[ProviderKey]:
    if not isinstance(members, Mapping):
        return
    said, issuer = members.get("alg"), members.get("issuer")
    kind = f"{members.get('kty')} {members.get('crv', '')}".rstrip()
    for algorithm in (named(said),) if said is not None else BY_KIND.get(kind, ()):
        # A set of one key needs no names (OpenID Connect Core 1.0, section 10.1).
        jwk = {"kid": "-", **members, "alg": algorithm}
        try:
            key = verifying_key_from_jwk(jwk, algorithms=ALGORITHMS)
        except WeakKeyError:
            continue
        yield ProviderKey(key, issuer if isinstance(issuer, str) else None)
