"""Removes the second factors of an account whose owner has lost them."""

from collections.abc import Sequence

from gatepost.admin.accounts.links import end_links_of
from gatepost.admin.accounts.preconditions import Actor, IfMatch, Shell, authorize_change
from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, retry_conflicts
from gatepost.identity.accounts.guards import require_administrator
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.accounts.roles import Permission
from gatepost.identity.assurance.trusted_devices import TrustedDevices
from gatepost.identity.factors.errors import NoSecondFactor
from gatepost.identity.factors.methods import Method
from gatepost.identity.factors.removal import FactorRemoval
from gatepost.identity.links.mails import LinkEnd, notify
from gatepost.identity.sessions.service import SessionService
from gatepost.identity.throttling.guesses import Guesses
from gatepost.mail.outbox import MailKind

END_REASON = "factors_reset"
# Otherwise somebody with a stolen session could remove the second factors of its account.
OWN_FACTORS = "DELETE /api/users/me/totp or …/passkeys/{passkey_id}, which require a fresh proof of identity"


class FactorReset:
    """Lets administrators remove the second factors of others."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        sessions: SessionService,
        guesses: Guesses,
        removal: FactorRemoval,
        *,
        policy: AccountPolicy,
    ) -> None:
        self._db = database
        self._clock = clock
        self._sessions = sessions
        self._guesses = guesses
        self._removal = removal
        self._policy = policy

    @retry_conflicts
    async def reset(self, user_id: int, *, if_match: IfMatch, by: Actor) -> Sequence[Method]:
        """Remove all second factors of an account, end its sessions, and notify its owner; return what was removed.

        Pending sign-ins and links that were sent become void. No secrets are decrypted, so this also works if
        SECRET_KEY has changed.

        Raises:
            NoSecondFactor: the account has none.
            LastAdministrator: no administrator could sign in any more. Operators can still do it in a shell.
            UserNotFound, OwnAccount, BeyondAuthority, VersionMismatch: as for every change of an account.
        """
        now = self._clock.now()
        async with self._db.begin() as tx:
            user, _ = await authorize_change(
                tx, by, user_id, if_match, own_route=OWN_FACTORS, permission=Permission.FACTORS_RESET
            )
            removed = await self._removal.remove_all(tx, user)
            if not removed:
                raise NoSecondFactor
            if not isinstance(by, Shell):
                await require_administrator(tx, user, policy=self._policy)
            # A new factor has other codes, so wrong guesses of the old ones do not count.
            await self._guesses.forget_codes(tx, user)
            user.touch(now)
            await TrustedDevices(tx).forget(user.id)
            await tx.flush()
            await end_links_of(tx, user, LinkEnd.SIGNED_OUT, now=now)
            ended = await self._sessions.end(tx, user_id=user_id, reason=END_REASON)
            await notify(tx, MailKind.FACTORS_RESET, user, at=now, link={"told": MailKind.FACTORS_RESET})
            record(
                tx, AuditEvent.FACTORS_RESET, at=now, user_id=user_id, actor_id=by.user_id, info=by.info,
                details={"factors": [method.value for method in removed], "sessions": len(ended)},
            )  # fmt: skip
        return removed
