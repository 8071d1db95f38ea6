"""Unlinks accounts at other providers for others. Nobody links one for somebody else: that takes a proof."""

from gatepost.admin.accounts.preconditions import Actor, IfMatch, authorize_change
from gatepost.core.db.database import Database, retry_conflicts
from gatepost.identity.accounts.guards import require_administrator
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.accounts.roles import Permission
from gatepost.identity.credentials.external.errors import IdentityNotFound
from gatepost.identity.credentials.external.linking import IdentityLinks
from gatepost.identity.external.repository import Identities

OWN_IDENTITIES = "DELETE /api/users/me/identities/{identity_id}, which requires a fresh proof of identity"


class IdentityRemoval:
    """Lets administrators unlink the identities of others."""

    def __init__(self, database: Database, links: IdentityLinks, *, policy: AccountPolicy) -> None:
        self._db = database
        self._links = links
        self._policy = policy

    @retry_conflicts
    async def unlink(self, user_id: int, identity_id: int, *, if_match: IfMatch, by: Actor) -> None:
        """Unlink an identity of an account, end the sessions that it opened, and tell the owner.

        It may be the only way in: its owner can set a password by a mail.

        Raises:
            IdentityNotFound: the account has no such identity.
            LastAdministrator: no administrator could sign in any more.
            UserNotFound, OwnAccount, BeyondAuthority, VersionMismatch: as for every change of an account.
        """
        async with self._db.begin() as tx:
            user, _ = await authorize_change(
                tx, by, user_id, if_match, own_route=OWN_IDENTITIES, permission=Permission.FACTORS_RESET
            )
            identity = await Identities(tx).get(user_id, identity_id)
            if identity is None:
                raise IdentityNotFound
            await self._links.unlink(tx, user, identity, actor_id=by.user_id, info=by.info)
            await require_administrator(tx, user, policy=self._policy)
