"""Why an answer of a browser or an authenticator is not believed."""

from enum import StrEnum


class Refusal(StrEnum):
    """What was wrong, for logs, audit and tests; clients are told no more than that it was refused."""

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
    # Everything else was right: somebody may have copied the passkey, and its owner should be told.
    SIGN_COUNT = "sign_count"


class PasskeyRefused(Exception):
    """The answer proves nothing; `reason` says why, and nothing that was sent is in it."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason.value)
        self.reason = reason
