"""Authenticator apps: setting one up, and using a code of it up."""

from datetime import timedelta

from gatepost.core.clock import Clock
from gatepost.core.crypto.sealing import SecretBox
from gatepost.core.crypto.secrets import SecretKeys
from gatepost.core.db.database import Transaction
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.models import User
from gatepost.identity.assurance.proofs import Proved
from gatepost.identity.assurance.second_factors import Answer
from gatepost.identity.credentials.totp.codes import matching_step, new_secret
from gatepost.identity.credentials.totp.repository import TotpSecrets
from gatepost.identity.factors.methods import Method
from gatepost.identity.factors.models import TotpSecret, owner_of
from gatepost.identity.factors.sealing import open_sealed

# A secret that was shown, and that no code has come of, counts for nothing after this.
ENROLMENT_LIFE = timedelta(hours=1)
PURPOSE = "totp secret"


class TotpMethod:
    """Keeps the secrets that accounts share with their apps, in transactions of its callers, who hold the account."""

    name = Method.TOTP
    is_guessable = True

    def __init__(self, clock: Clock, keys: SecretKeys) -> None:
        self._clock = clock
        self._box = SecretBox(keys, PURPOSE)
        # What a new SECRET_KEY has to be put on.
        self.sealed = (TotpSecret.sealed_secret, self._box)

    async def start(self, tx: Transaction, user: User) -> bytes | None:
        """Give an account a new secret, which its first right code confirms; None where one is confirmed already."""
        secrets, now = TotpSecrets(tx), self._clock.now()
        there = await secrets.held(user.id)
        if there is not None and there.confirmed_at is not None:
            return None
        await secrets.remove(user.id)
        secret = new_secret()
        await secrets.add(
            TotpSecret(
                user_id=user.id,
                sealed_secret=self._box.seal(secret, owner=owner_of(user)),
                last_step=0,
                created_at=now,
                confirmed_at=None,
                last_used_at=None,
            )
        )
        return secret

    async def confirm(self, tx: Transaction, user: User, code: str) -> bool:
        """Let the secret of an account count, if the code is of it; whether it was and did not count yet.

        Raises:
            FactorUnreadable: SECRET_KEY does not open the secret.
        """
        now, stored = self._clock.now(), await TotpSecrets(tx).held(user.id)
        if stored is None or stored.created_at <= now - ENROLMENT_LIFE:
            return False
        step = self._step(stored, user, code)
        return step is not None and await TotpSecrets(tx).confirm(user.id, step=step, now=now)

    async def use(self, tx: Transaction, user: User, answer: Answer, *, info: RequestInfo) -> Proved | None:
        """Use a code up; None where it is not right and new. An app that is not confirmed has no right ones.

        Raises:
            FactorUnreadable: SECRET_KEY does not open the secret.
        """
        stored = await TotpSecrets(tx).held(user.id)
        if stored is None or stored.confirmed_at is None:
            return None
        now, step = self._clock.now(), self._step(stored, user, answer.code)
        is_used = step is not None and await TotpSecrets(tx).use(user.id, step=step, now=now)
        return Proved(self.name, now) if is_used else None

    async def remove(self, tx: Transaction, user: User) -> bool:
        """Forget the app of an account; return whether it counted."""
        stored = await TotpSecrets(tx).held(user.id)
        await TotpSecrets(tx).remove(user.id)
        return stored is not None and stored.confirmed_at is not None

    def _step(self, stored: TotpSecret, user: User, code: str) -> int | None:
        secret = open_sealed(self._box, stored.sealed_secret, user, method=self.name)
        return matching_step(secret, code, now=self._clock.now())
