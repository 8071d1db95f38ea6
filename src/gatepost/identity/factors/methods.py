"""How people prove who they are, and what each method shows."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gatepost.identity.tokens.principal import Acr


class Method(StrEnum):
    """A method, by its name in the API, in the database and in the audit log."""

    PASSWORD = "password"  # noqa: S105  a method, not a password
    TOTP = "totp"
    RECOVERY_CODE = "recovery_code"
    PASSKEY = "passkey"
    EMAIL_CODE = "email_code"
    # An account at another provider; and where the provider has told, and is believed, that it took several factors.
    PROVIDER = "provider"
    PROVIDER_FACTORS = "provider_factors"
    # A device on which a second factor was used, and was trusted then; it stands in for that factor and proves nothing.
    TRUSTED_DEVICE = "trusted_device"


@dataclass(frozen=True, slots=True)
class Strength:
    """What a method shows: the kinds of factors, and its words in tokens (`amr`, RFC 8176).

    `resists_phishing`: it cannot be used on a page that only looks like the right one.
    """

    factors: frozenset[str] = frozenset()
    amr: tuple[str, ...] = ()
    resists_phishing: bool = False


KNOWLEDGE, POSSESSION, VERIFICATION = "knowledge", "possession", "verification"
STRENGTHS: Mapping[Method, Strength] = {
    Method.PASSWORD: Strength(frozenset({KNOWLEDGE}), ("pwd",)),
    Method.TOTP: Strength(frozenset({POSSESSION}), ("otp",)),
    Method.RECOVERY_CODE: Strength(frozenset({POSSESSION}), ("otp",)),
    # Its device has verified the person, by a PIN or a fingerprint. Without an attestation nobody knows how well it
    # keeps the key: `swk` claims less than `hwk`.
    Method.PASSKEY: Strength(frozenset({POSSESSION, VERIFICATION}), ("swk", "user"), resists_phishing=True),
    # A mailbox, or an account elsewhere, is opened by what somebody knows: with a password it is still one factor.
    # RFC 8176 has no words for them; these are those of others.
    Method.EMAIL_CODE: Strength(frozenset({KNOWLEDGE}), ("email",)),
    Method.PROVIDER: Strength(frozenset({KNOWLEDGE}), ("fed",)),
    Method.PROVIDER_FACTORS: Strength(frozenset({KNOWLEDGE, POSSESSION}), ("fed",)),
    Method.TRUSTED_DEVICE: Strength(),
}
# The credential of these is an identity.
BY_IDENTITY = (Method.PROVIDER, Method.PROVIDER_FACTORS)
SEVERAL_FACTORS = "mfa"


def amr_of(methods: Collection[Method]) -> str:
    """Return the words of these methods in tokens, separated by spaces."""
    words = words_of(methods).split(" ") if methods else []
    return " ".join(words + ([SEVERAL_FACTORS] if _has_several(methods) else []))


def words_of(methods: Collection[Method]) -> str:
    """Return the same words, without one that says that they are several factors together."""
    return " ".join(dict.fromkeys(word for method in methods for word in STRENGTHS[method].amr))


def acr_of(methods: Collection[Method], *, last: Collection[Method]) -> Acr:
    """Return how sure these methods make it who somebody is: two of one kind are one factor.

    It is never more than the `last` of them show: a token tells one moment for its `acr` (RFC 9470), which a weaker
    method must not renew for a stronger one.
    """
    if not _has_several(methods):
        return Acr.ONE_FACTOR
    strengths = [STRENGTHS[method] for method in last]
    if any(strength.resists_phishing for strength in strengths):
        return Acr.PHISHING_RESISTANT
    return Acr.TWO_FACTORS if any(POSSESSION in strength.factors for strength in strengths) else Acr.ONE_FACTOR


def _has_several(methods: Collection[Method]) -> bool:
    return len(frozenset().union(*(STRENGTHS[method].factors for method in methods))) > 1
