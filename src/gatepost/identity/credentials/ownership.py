"""Whose an account is while nobody has proved its address, and what ends when somebody does."""

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.crypto.passwords import UNUSABLE_HASH
from gatepost.core.db.database import Transaction
from gatepost.core.request_info import RequestInfo
from gatepost.core.settings import EmailVerification
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.assurance.trusted_devices import TrustedDevices
from gatepost.identity.factors.methods import Method
from gatepost.identity.factors.removal import FactorRemoval
from gatepost.identity.links.mails import LinkEnd, end_links
from gatepost.identity.sessions.service import SessionService

END_REASON = "address_unproved"


class Ownership:
    """Gives accounts to whoever proves their address, in transactions of callers who hold the account.

    Anybody can sign up with anybody's address. So what was set up before is a stranger's, unless whoever proves the
    address shows in the same step that it is theirs.
    """

    def __init__(
        self, clock: Clock, sessions: SessionService, factors: FactorRemoval, *, policy: AccountPolicy
    ) -> None:
        self._clock = clock
        self._sessions = sessions
        self._factors = factors
        self._policy = policy

    async def prove(self, tx: Transaction, user: User, *, is_owner: bool, info: RequestInfo) -> None:
        """Note that somebody who can read the mailbox of an account is here.

        `is_owner`: they have also shown that the account is theirs, by its session, its password or its passkey.
        """
        if not is_owner:
            await self.take_back(tx, user, info=info)
        if user.email_verified_at is None:
            user.verify_email(self._clock.now())

    async def take_back(self, tx: Transaction, user: User, *, info: RequestInfo) -> bool:
        """End all by which an account can be signed in to, if it may be a stranger's; return whether it may.

        It may be until an address of the account is verified for the first time. Later the mailbox alone takes nobody's
        second factor. The same holds where the deployment verifies no addresses: there nobody ever would.
        """
        is_proved = user.first_verified_at is not None or user.email_verified_at is not None
        if is_proved or self._policy.verification is EmailVerification.OFF:
            return False
        now = self._clock.now()
        removed = [Method.PASSWORD] if user.has_password else []
        removed += await self._factors.remove_all(tx, user)
        user.password_hash = UNUSABLE_HASH
        # Device tokens of before are a stranger's.
        user.disowned_at = now
        user.touch(now)
        await tx.flush()
        await TrustedDevices(tx).forget(user.id)
        await end_links(tx, user.id, LinkEnd.NOT_ME, now=now)
        ended = await self._sessions.end(tx, user_id=user.id, reason=END_REASON, info=info)
        details = {"removed": [method.value for method in removed], "sessions": len(ended)}
        record(tx, AuditEvent.ACCOUNT_TAKEN_BACK, at=now, user_id=user.id, info=info, details=details)
        return True
