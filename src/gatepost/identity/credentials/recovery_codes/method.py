"""Recovery codes: making a set, and using its codes up."""

import hmac

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.crypto.sealing import SecretBox
from gatepost.core.crypto.secrets import SecretKeys
from gatepost.core.db.database import Transaction
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.models import User
from gatepost.identity.assurance.proofs import Proved
from gatepost.identity.assurance.second_factors import Answer
from gatepost.identity.credentials.recovery_codes.codes import COUNT, digest_of, new_code, new_key
from gatepost.identity.credentials.recovery_codes.repository import RecoveryCodeSets
from gatepost.identity.factors.methods import Method
from gatepost.identity.factors.models import RecoveryCodes, owner_of
from gatepost.identity.factors.sealing import open_sealed
from gatepost.identity.links.mails import notify
from gatepost.mail.outbox import MailKind

PURPOSE = "recovery code key"


class RecoveryCodeMethod:
    """Keeps the codes of accounts, in transactions of its callers, who hold the account.

    The digests of a set are made with a key of its own. That is sealed under a derived key, so that it can be put under
    another one when SECRET_KEY is replaced, as digests could not.
    """

    name = Method.RECOVERY_CODE
    is_guessable = True

    def __init__(self, clock: Clock, keys: SecretKeys) -> None:
        self._clock = clock
        self._box = SecretBox(keys, PURPOSE)
        # What a new SECRET_KEY has to be put on.
        self.sealed = (RecoveryCodes.sealed_key, self._box)

    async def make(self, tx: Transaction, user: User) -> list[str]:
        """Give an account ten new codes, and return them: they are kept nowhere. Earlier ones no longer work."""
        key, codes = new_key(), [new_code() for _ in range(COUNT)]
        await RecoveryCodeSets(tx).replace(
            RecoveryCodes(
                user_id=user.id,
                sealed_key=self._box.seal(key, owner=owner_of(user)),
                digests=[digest_of(key, code) for code in codes],
                unused=(1 << COUNT) - 1,
                created_at=self._clock.now(),
                last_used_at=None,
            )
        )
        return codes

    async def use(self, tx: Transaction, user: User, answer: Answer, *, info: RequestInfo) -> Proved | None:
        """Use a code up; None where it is not right and unused. Its owner is told, and how many are left.

        Raises:
            FactorUnreadable: SECRET_KEY does not open the key of the codes.
        """
        stored = await RecoveryCodeSets(tx).held(user.id)
        if stored is None:
            return None
        key = open_sealed(self._box, stored.sealed_key, user, method=self.name)
        digest = digest_of(key, answer.code) or ""
        # All are compared, so that the time tells nothing.
        places = [place for place, kept in enumerate(stored.digests) if hmac.compare_digest(kept, digest)]
        now = self._clock.now()
        if not places or not await RecoveryCodeSets(tx).use(user.id, place=places[0], now=now):
            return None
        left = stored.left - 1
        record(tx, AuditEvent.RECOVERY_CODE_USED, at=now, user_id=user.id, info=info, details={"left": left})
        await notify(tx, MailKind.RECOVERY_CODE_USED, user, at=now, info=info, data={"left": left})
        return Proved(self.name, now)

    async def remove(self, tx: Transaction, user: User) -> bool:
        """Make the codes of an account void; return whether there were any."""
        return await RecoveryCodeSets(tx).remove(user.id)
