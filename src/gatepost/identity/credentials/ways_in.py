"""By what an account can be signed in to: the last way is taken from nobody by themselves."""

from gatepost.core.db.database import Transaction
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.credentials.passkeys.method import PasskeyMethod
from gatepost.identity.credentials.passkeys.repository import Passkeys
from gatepost.identity.external.repository import Identities
from gatepost.identity.factors.models import Passkey
from gatepost.identity.providers.registry import Providers


class WaysIn:
    """Knows the ways into an account that are good in this deployment."""

    def __init__(self, passkeys: PasskeyMethod, providers: Providers, *, policy: AccountPolicy) -> None:
        self._passkeys = passkeys
        self._providers = providers
        self._policy = policy

    async def has_other(
        self, tx: Transaction, user: User, *, than_password: bool = False, passkey: int = 0, identity: int = 0
    ) -> bool:
        """Whether an account that the caller holds has another way in than the one that is to be removed.

        A passkey counts at the domain that it was made for, an identity where its provider is set up. A code by mail
        counts for all but the password: that goes only for something better.
        """
        if not than_password and (user.has_password or self._policy.lets_in_by_mail(user)):
            return True
        rp = self._passkeys.relying_party
        if rp is not None and await Passkeys(tx).count(
            Passkey.user_id == user.id, Passkey.rp_id == rp.id, Passkey.id != passkey
        ):
            return True
        return bool(await self.providers_of(tx, user, but=identity))

    async def providers_of(self, tx: Transaction, user: User, *, but: int = 0) -> list[str]:
        """Return the providers that are set up, and at which an account has an identity, besides one."""
        names = await Identities(tx).providers_of(user.id, but=but)
        return [name for name in names if self._providers.get(name) is not None]
