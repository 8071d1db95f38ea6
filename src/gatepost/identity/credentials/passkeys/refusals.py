"""Why a response of a browser or an authenticator is refused."""

from enum import StrEnum


class Refusal(StrEnum):
    """What was wrong, for logs, audit and tests. Clients only learn that the passkey was refused."""

    MALFORMED = "malformed"
    CLIENT_DATA = "client_data"
    TYPE = "type"
    CHALLENGE = "challenge"
    ORIGIN = "origin"
    CROSS_ORIGIN = "cross_origin"
    TOP_ORIGIN = "top_origin"
    ATTESTATION_OBJECT = "attestation_object"
    AUTHENTICATOR_DATA = "authenticator_data"
    EXTENSIONS = "extensions"
    RP_ID = "rp_id"
    USER_PRESENCE = "user_presence"
    USER_VERIFICATION = "user_verification"
    BACKUP_STATE = "backup_state"
    CREDENTIAL_ID = "credential_id"
    USER_HANDLE = "user_handle"
    ALGORITHM = "algorithm"
    PUBLIC_KEY = "public_key"
    SIGNATURE = "signature"
    # Everything else was correct: the passkey may have been copied, and its owner should be notified.
    SIGN_COUNT = "sign_count"


class PasskeyRefused(Exception):
    """The response is refused; `reason` says why. The message contains nothing that was sent."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason.value)
        self.reason = reason
