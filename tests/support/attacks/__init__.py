"""Publicly known attacks on signed tokens, made here with keys of our own.

The lists follow RFC 8725, the categories of the Wycheproof vectors for JSON Web Signature, and the playbook of
jwt_tool. Every attack is a text that no verifier of ours may accept.
"""

from tests.support.attacks import claims, encodings, headers, signatures
from tests.support.attacks.target import Attack

ATTACKS: tuple[Attack, ...] = (*signatures.ATTACKS, *headers.ATTACKS, *encodings.ATTACKS, *claims.ATTACKS)
