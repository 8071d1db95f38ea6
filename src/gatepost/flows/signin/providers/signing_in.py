"""Signing in whom a provider has vouched for, at once or in steps."""

from collections.abc import Collection
from dataclasses import replace

from gatepost.core.clock import Clock
from gatepost.core.crypto.secrets import digest_of
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.request_info import RequestInfo
from gatepost.flows.signin.providers.accounts import IdentityAccounts
from gatepost.identity.accounts.names import Name
from gatepost.identity.assurance.errors import InvalidCode, SecondFactorRequired
from gatepost.identity.assurance.service import SignInService
from gatepost.identity.credentials.email_codes.method import CodePurpose, EmailCodeMethod
from gatepost.identity.credentials.external.errors import ProviderSignInInvalid
from gatepost.identity.credentials.external.method import ProviderMethod
from gatepost.identity.external.authorizations import Authorizations, Told
from gatepost.identity.external.models import PendingAuthorization
from gatepost.identity.providers.registry import Providers
from gatepost.identity.sessions.handout import SignedIn
from gatepost.identity.throttling.devices import Device


class ProviderSignIn:
    """Takes sign-ins on from what a provider has said; `browser` is the cookie of the browser that went there."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        providers: Providers,
        accounts: IdentityAccounts,
        method: ProviderMethod,
        sign_in: SignInService,
        codes: EmailCodeMethod,
    ) -> None:
        self._db = database
        self._clock = clock
        self._providers = providers
        self._accounts = accounts
        self._method = method
        self._sign_in = sign_in
        self._codes = codes

    async def complete(
        self,
        pending: PendingAuthorization,
        told: Told,
        *,
        info: RequestInfo,
        device: Device,
        replaces: Collection[int],
        can_ask: bool = True,
    ) -> SignedIn:
        """Sign in to the account of the identity, which is made where there is none.

        Raises:
            AccountExists, EmailNeeded, SignUpClosed, InvitationRequired, InvitationInvalid: as for
            `IdentityAccounts.settle`.
            SecondFactorRequired: the account needs a second factor; or SecondFactorDue, where nobody can be asked.
            AccountDisabled, EmailUnverified: the account may not sign in.
            ProviderSignInInvalid: the identity has been unlinked at this moment.
            TooManyRequests: the account has been signed in to too often of late.
        """
        await self._accounts.settle(pending, told, info=info)
        at = pending.answered_at or self._clock.now()
        attempt = self._method.attempt(told, at=at, info=info, device=device, can_ask=can_ask)
        try:
            signed_in = await self._sign_in.sign_in(attempt, replaces=replaces)
        except SecondFactorRequired:
            # The token of the pending sign-in goes on from here: what the provider said is good once.
            await self._end(pending)
            raise
        await self._end(pending)
        return signed_in

    async def go_on(self, browser: str, *, info: RequestInfo, device: Device, replaces: Collection[int]) -> SignedIn:
        """Sign in whom the provider has vouched for in this browser.

        Raises:
            ProviderSignInInvalid: nobody, or it is too long ago, or was used.
            AppError: as for `complete`.
        """
        async with self._db.read() as tx:
            pending, told = await self._waiting(tx, browser)
        return await self.complete(pending, told, info=info, device=device, replaces=replaces)

    @retry_conflicts
    async def send_code(self, browser: str, email: Name, *, info: RequestInfo) -> None:
        """Send a code that proves an address, if the sign-in of this browser needs one.

        Raises:
            ProviderSignInInvalid: there is no such sign-in.
        """
        async with self._db.begin() as tx:
            pending, told = await self._waiting(tx, browser)
            if not told.is_email_verified:
                bound_to = _bond(pending)
                await self._codes.ask(tx, CodePurpose.PROVE_ADDRESS, email, bound_to=bound_to, info=info)
                await Authorizations(tx).prolong(pending, now=self._clock.now())

    async def sign_up(
        self,
        browser: str,
        email: Name,
        code: str,
        username: Name | None,
        *,
        info: RequestInfo,
        device: Device,
        replaces: Collection[int],
    ) -> SignedIn:
        """Prove an address by its code, and make the account with it.

        Raises:
            ProviderSignInInvalid: the sign-in of this browser needs no address, or there is none.
            InvalidCode: the code is wrong.
            TooManyAttempts: too many were; whether this one was right is not told.
            UsernameTaken: somebody has the name; the code stays good.
            AppError: as for `complete`.
        """
        proved = await self._prove(browser, email, code, username, info=info)
        if proved is None:
            raise InvalidCode
        return await self.complete(*proved, info=info, device=device, replaces=replaces)

    @retry_conflicts
    async def _prove(
        self, browser: str, email: Name, code: str, username: Name | None, *, info: RequestInfo
    ) -> tuple[PendingAuthorization, Told] | None:
        """Return what is known now; None where the code is wrong, which the transaction remembers."""
        async with self._db.begin() as tx:
            pending, told = await self._waiting(tx, browser)
            if told.is_email_verified:
                raise ProviderSignInInvalid
            mailbox = await self._codes.check(
                tx, CodePurpose.PROVE_ADDRESS, code, bound_to=_bond(pending), email=email, info=info
            )
            if mailbox is None:
                return None
            if username is not None:
                await self._accounts.require_free(tx, username)
            hint = username.display if username is not None else told.hint
            told = replace(told, email=mailbox.email.display, is_email_verified=True, hint=hint)
            await Authorizations(tx).keep(pending.id, told)
        return pending, told

    async def _waiting(self, tx: Transaction, browser: str) -> tuple[PendingAuthorization, Told]:
        pending = await Authorizations(tx).going_on(browser, now=self._clock.now()) if browser else None
        # A provider may have been taken out of the settings meanwhile.
        if pending is None or pending.told is None or self._providers.get(pending.provider) is None:
            raise ProviderSignInInvalid
        return pending, Told.from_json(pending.told)

    @retry_conflicts
    async def _end(self, pending: PendingAuthorization) -> None:
        async with self._db.begin() as tx:
            await Authorizations(tx).end(pending)


def _bond(pending: PendingAuthorization) -> str:
    """Return the place at which a code is good: this one sign-in."""
    return digest_of(f"provider sign-in {pending.id} {pending.digest}")
