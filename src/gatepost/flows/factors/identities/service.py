"""One's own accounts at other providers."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError

from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, retry_conflicts
from gatepost.core.request_info import RequestInfo
from gatepost.flows.factors.errors import LastWayIn
from gatepost.identity.accounts.callers import account_of
from gatepost.identity.accounts.models import User
from gatepost.identity.credentials.external.errors import IdentityNotFound, ProviderSignInInvalid
from gatepost.identity.credentials.external.linking import IdentityLinks
from gatepost.identity.credentials.ways_in import WaysIn
from gatepost.identity.external.authorizations import Authorizations, Told
from gatepost.identity.external.models import ExternalIdentity
from gatepost.identity.external.repository import Identities
from gatepost.identity.providers.registry import Providers
from gatepost.identity.sessions.callers import caller_of, proved_caller
from gatepost.identity.tokens.principal import UserPrincipal


@dataclass(frozen=True, slots=True)
class OwnIdentity:
    """An identity, and what people know its provider by."""

    identity: ExternalIdentity
    title: str


class IdentityService:
    """Lets owners of accounts see and change their identities."""

    def __init__(
        self, database: Database, clock: Clock, providers: Providers, links: IdentityLinks, ways_in: WaysIn
    ) -> None:
        self._db = database
        self._clock = clock
        self._providers = providers
        self._links = links
        self._ways_in = ways_in

    async def of(self, principal: UserPrincipal) -> Sequence[OwnIdentity]:
        """Return the caller's identities, the oldest first.

        Raises:
            UserNotFound: the account has just been deleted.
        """
        async with self._db.read() as tx:
            user = await account_of(tx, principal.account)
            return [self._shown(identity) for identity in await Identities(tx).of(user.id)]

    async def link(self, principal: UserPrincipal, browser: str, *, info: RequestInfo) -> OwnIdentity:
        """Link what a provider has vouched for in this browser, and for which an account was there already.

        Raises:
            ProviderSignInInvalid: there is nothing, it is too long ago, or it is of another address than the caller's.
            IdentityLinked, IdentityTaken: an account has the identity: the caller's, or another one.
            TooManyIdentities: the account has as many as it may.
            TokenRevoked: the session has ended a moment ago.
            UserNotFound: the account has just been deleted.
        """
        try:
            return await self._link(principal, browser, info=info)
        except IntegrityError:  # somebody has linked it at the same moment, which is visible now
            return await self._link(principal, browser, info=info)

    @retry_conflicts
    async def remove(self, principal: UserPrincipal, identity_id: int, *, proved_hash: str, info: RequestInfo) -> None:
        """Unlink one of the caller's identities; other sessions that were proved by it end.

        Raises:
            IdentityNotFound: the account has no such identity.
            LastWayIn: there is no other way into the account.
            WrongPassword: the password that was proved has just been replaced.
            TokenRevoked, UserNotFound: as for `link`.
        """
        async with self._db.begin() as tx:
            user = await proved_caller(tx, principal, proved_hash=proved_hash, now=self._clock.now())
            identity = await Identities(tx).get(user.id, identity_id)
            if identity is None:
                raise IdentityNotFound
            if not await self._ways_in.has_other(tx, user, identity=identity.id):
                raise LastWayIn
            await self._links.unlink(tx, user, identity, session_id=principal.session_id, info=info)

    @retry_conflicts
    async def _link(self, principal: UserPrincipal, browser: str, *, info: RequestInfo) -> OwnIdentity:
        now = self._clock.now()
        async with self._db.begin() as tx:
            user = await caller_of(tx, principal, now=now)
            pending = await Authorizations(tx).going_on(browser, now=now) if browser else None
            if pending is None or pending.told is None or self._providers.get(pending.provider) is None:
                raise ProviderSignInInvalid
            told = Told.from_json(pending.told)
            if not _is_of(told, user):
                raise ProviderSignInInvalid
            identity = await self._links.link(
                tx, user, pending.provider, told, session_id=principal.session_id, info=info
            )
            await Authorizations(tx).end(pending)
        return self._shown(identity)

    def _shown(self, identity: ExternalIdentity) -> OwnIdentity:
        return OwnIdentity(identity, self._links.title_of(identity.provider))


def _is_of(told: Told, user: User) -> bool:
    """Whether a provider vouches for the address of an account."""
    address = told.address if told.is_email_verified else None
    return address is not None and address.canonical == user.email_canonical
