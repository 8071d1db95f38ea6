"""What goes with the first second factor of an account, and with the last."""

from gatepost.core.db.database import Transaction
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.models import User
from gatepost.identity.assurance.proofs import Proved, prove_again
from gatepost.identity.credentials.recovery_codes.method import RecoveryCodeMethod
from gatepost.identity.factors.enrolment import has_second_factor
from gatepost.identity.factors.models import RecoveryCodes
from gatepost.identity.sessions.repository import Sessions
from gatepost.identity.sessions.service import SessionService

END_REASON = "second_factor_added"


class FactorConsequences:
    """Does it, in transactions of its callers, who hold the account."""

    def __init__(self, sessions: SessionService, recovery_codes: RecoveryCodeMethod) -> None:
        self._sessions = sessions
        self._recovery_codes = recovery_codes

    async def of_added(
        self, tx: Transaction, user: User, proved: Proved, *, session_id: int, is_first: bool, info: RequestInfo
    ) -> list[str]:
        """Let the session in which a factor was added go on as one of two factors, and return new recovery codes.

        With the first factor every other session ends: they came of a password alone. Codes are made where there are
        none; else the list is empty.
        """
        if is_first:
            await self._sessions.end(tx, user_id=user.id, keep=session_id, reason=END_REASON, info=info)
        session = await Sessions(tx).get(session_id)
        if session is not None:
            prove_again(session, proved)
        if await tx.get(RecoveryCodes, user.id) is not None:
            return []
        return await self._recovery_codes.make(tx, user)

    async def of_removed(self, tx: Transaction, user: User) -> None:
        """Remove the recovery codes, if there is nothing left that they could stand in for."""
        if not await has_second_factor(tx, user.id):
            await self._recovery_codes.remove(tx, user)
