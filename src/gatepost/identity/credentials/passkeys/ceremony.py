"""The checks that registration and authentication share (WebAuthn 3, sections 7.1 and 7.2)."""

import hmac
from dataclasses import dataclass, field
from enum import StrEnum

from gatepost.core import strict_json
from gatepost.core.crypto import base64url
from gatepost.identity.credentials.passkeys.authenticator_data import AuthenticatorData, Flags
from gatepost.identity.credentials.passkeys.refusals import PasskeyRefused, Refusal
from gatepost.identity.credentials.passkeys.relying_party import RelyingParty

SHORTEST_CHALLENGE = 16
CLIENT_DATA_DEPTH = 4


class Ceremony(StrEnum):
    """The `type` in the client data."""

    CREATE = "webauthn.create"
    GET = "webauthn.get"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What was requested: for which relying party, with which challenge, with user verification or without.

    The challenge has at least 16 random bytes and is valid once: the caller has consumed it.
    """

    relying_party: RelyingParty
    challenge: bytes = field(repr=False)
    user_verification: bool

    def __post_init__(self) -> None:
        if len(self.challenge) < SHORTEST_CHALLENGE:
            raise ValueError("a challenge that can be guessed")


def require_client_data(client_data_json: bytes, ceremony: Ceremony, expected: Expectation) -> None:
    """Check what the browser says: type, challenge and origin.

    Raises:
        PasskeyRefused: with CLIENT_DATA, TYPE, CHALLENGE, ORIGIN, CROSS_ORIGIN or TOP_ORIGIN.
    """
    try:
        data = strict_json.loads(client_data_json, max_depth=CLIENT_DATA_DEPTH)
    except strict_json.StrictJsonError:
        raise PasskeyRefused(Refusal.CLIENT_DATA) from None
    match data:
        case {"type": str() as kind, "challenge": str() as challenge, "origin": str() as origin}:
            pass
        case _:
            raise PasskeyRefused(Refusal.CLIENT_DATA)
    if kind != ceremony:
        raise PasskeyRefused(Refusal.TYPE)
    if not hmac.compare_digest(challenge.encode(), base64url.encode(expected.challenge).encode()):
        raise PasskeyRefused(Refusal.CHALLENGE)
    if origin not in expected.relying_party.origins:
        raise PasskeyRefused(Refusal.ORIGIN)
    # Our pages never run in a frame of another site.
    if data.get("crossOrigin", False) is not False:
        raise PasskeyRefused(Refusal.CROSS_ORIGIN)
    if "topOrigin" in data:
        raise PasskeyRefused(Refusal.TOP_ORIGIN)


def require_authenticator_data(data: AuthenticatorData, expected: Expectation) -> None:
    """Check what the authenticator says: RP ID, user presence and verification, backup flags.

    Raises:
        PasskeyRefused: with RP_ID, USER_PRESENCE, USER_VERIFICATION or BACKUP_STATE.
    """
    if not hmac.compare_digest(data.rp_id_hash, expected.relying_party.id_hash):
        raise PasskeyRefused(Refusal.RP_ID)
    if not data.flags & Flags.USER_PRESENT:
        raise PasskeyRefused(Refusal.USER_PRESENCE)
    if expected.user_verification and not data.flags & Flags.USER_VERIFIED:
        raise PasskeyRefused(Refusal.USER_VERIFICATION)
    if data.flags & Flags.BACKUP_STATE and not data.flags & Flags.BACKUP_ELIGIBLE:
        raise PasskeyRefused(Refusal.BACKUP_STATE)
