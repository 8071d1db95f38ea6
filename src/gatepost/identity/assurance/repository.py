"""Queries of pending sign-ins."""

import secrets
from datetime import datetime

from sqlalchemy import delete, select

from gatepost.audit.log import LONGEST_ADDRESS
from gatepost.core.crypto.secrets import digest_of
from gatepost.core.db.database import Transaction
from gatepost.core.db.row_counts import rows_changed
from gatepost.core.request_info import RequestInfo
from gatepost.identity.assurance.models import PendingSignIn
from gatepost.identity.assurance.proofs import Proof
from gatepost.identity.factors.methods import Method
from gatepost.identity.sessions.models import Session
from gatepost.identity.sessions.statements import live
from gatepost.identity.tokens.principal import Acr

PREFIX = "gpq_"
RANDOM_BYTES = 32


class PendingSignIns:
    """The pending sign-ins, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def add(self, proof: Proof, *, info: RequestInfo, now: datetime, expires_at: datetime) -> str:
        """Keep what was proved, and return the token that continues it; only its digest is stored."""
        token, user = PREFIX + secrets.token_urlsafe(RANDOM_BYTES), proof.user
        self._tx.add(
            PendingSignIn(
                digest=digest_of(token),
                user_id=user.id,
                random_id=user.random_id,
                token_version=user.token_version,
                version=user.version,
                proofs=[proved.as_json() for proved in proof.proved],
                is_new_device=proof.is_new_device,
                address=info.address[:LONGEST_ADDRESS],
                user_agent=info.user_agent,
                created_at=now,
                expires_at=expires_at,
            )
        )
        await self._tx.flush()
        return token

    async def held(self, token: str, *, now: datetime) -> PendingSignIn | None:
        """Return the pending sign-in of a token, locked until the transaction ends; None if there is none."""
        query = select(PendingSignIn).where(PendingSignIn.digest == digest_of(token), PendingSignIn.expires_at > now)
        return await self._tx.scalar(query.with_for_update())

    async def use(self, pending_id: int, *, now: datetime) -> bool:
        """Use one up, and return whether it was there and not too old. Of several at once, one is."""
        statement = (
            delete(PendingSignIn)
            .where(PendingSignIn.id == pending_id, PendingSignIn.expires_at > now)
            .execution_options(synchronize_session=False)
        )
        return await rows_changed(self._tx, statement) == 1


async def sessions_proved_by(
    tx: Transaction, user_id: int, method: Method, credential: int | None, *, but: int, now: datetime
) -> list[int]:
    """Return the ids of the sessions of an account, but one, that go on and that this credential was a proof of."""
    query = select(Session.id, Session.proofs).where(Session.user_id == user_id, Session.id != but, *live(now))
    rows = (await tx.execute(query)).all()
    return [
        row.id
        for row in rows
        if any((proof["by"], proof.get("credential")) == (method, credential) for proof in row.proofs or ())
    ]


async def sessions_on_trust(tx: Transaction, user_id: int, *, now: datetime) -> list[int]:
    """Return the ids of the sessions of an account that go on, and for which a device stands in for a second factor."""
    query = select(Session.id, Session.proofs).where(
        Session.user_id == user_id, Session.acr == Acr.ONE_FACTOR, *live(now)
    )
    rows = (await tx.execute(query)).all()
    return [row.id for row in rows if any(proof["by"] == Method.TRUSTED_DEVICE for proof in row.proofs or ())]
