"""Challenges: made for one purpose, for one account or nobody yet, and used up before anything is verified."""

import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, select

from gatepost.core.crypto.secrets import digest_of
from gatepost.core.db.database import Transaction
from gatepost.core.db.row_counts import rows_changed
from gatepost.identity.factors.models import PasskeyChallenge

LIFE = timedelta(minutes=10)
CHALLENGE_BYTES = 32
ID_BYTES = 16


class Purpose(StrEnum):
    """What a challenge is answered for; one of one purpose is none for another."""

    SIGN_IN = "sign_in"
    SECOND_FACTOR = "second_factor"
    REGISTRATION = "registration"
    SIGN_UP = "sign_up"


def session_bond(session_id: int) -> str:
    """Return what a challenge is bound to that a session asks for."""
    return f"session {session_id}"


class Challenges:
    """The challenges, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def add(
        self,
        purpose: Purpose,
        *,
        now: datetime,
        user_id: int | None = None,
        bound_to: str = "",
        handle: bytes | None = None,
    ) -> tuple[str, bytes]:
        """Make a challenge, and return its public id, of which the digest alone is stored, and the challenge itself."""
        challenge_id, challenge = secrets.token_urlsafe(ID_BYTES), _new_challenge()
        self._tx.add(
            PasskeyChallenge(
                digest=digest_of(challenge_id),
                purpose=purpose.value,
                challenge=challenge,
                user_id=user_id,
                bound_to=bound_to,
                handle=handle,
                expires_at=now + LIFE,
            )
        )
        await self._tx.flush()
        return challenge_id, challenge

    async def use(
        self, challenge_id: str, purpose: Purpose, *, now: datetime, user_id: int | None = None, bound_to: str = ""
    ) -> PasskeyChallenge | None:
        """Use a challenge up and return it; None where it is of something else, too old, or used. Of several, one is.

        The caller commits, whatever the verdict on the response is.
        """
        good = (
            PasskeyChallenge.digest == digest_of(challenge_id),
            PasskeyChallenge.purpose == purpose.value,
            PasskeyChallenge.user_id.is_not_distinct_from(user_id),
            PasskeyChallenge.bound_to == bound_to,
            PasskeyChallenge.expires_at > now,
        )
        found = await self._tx.scalar(select(PasskeyChallenge).where(*good))
        if found is None:
            return None
        statement = delete(PasskeyChallenge).where(*good).execution_options(synchronize_session=False)
        is_used = await rows_changed(self._tx, statement) == 1
        self._tx.expunge(found)
        return found if is_used else None


def _new_challenge() -> bytes:
    return secrets.token_bytes(CHALLENGE_BYTES)
