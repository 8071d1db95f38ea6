"""Publicly known attacks on signed tokens, made here with keys of our own.

The lists follow RFC 8725, the categories of the Wycheproof vectors for JSON Web Signature, and the playbook of
jwt_tool. Every attack is a text that no verifier of ours may accept.
"""

from tests.support.attacks.claims import ATTACKS as ON_CLAIMS
from tests.support.attacks.encodings import ATTACKS as ON_ENCODINGS
from tests.support.attacks.headers import ATTACKS as ON_HEADERS
from tests.support.attacks.signatures import ATTACKS as ON_SIGNATURES
from tests.support.attacks.target import Attack

FAMILIES: dict[str, tuple[Attack, ...]] = {
    "signatures": ON_SIGNATURES,
    "headers": ON_HEADERS,
    "encodings": ON_ENCODINGS,
    "claims": ON_CLAIMS,
}
ATTACKS = tuple(attack for attacks in FAMILIES.values() for attack in attacks)
