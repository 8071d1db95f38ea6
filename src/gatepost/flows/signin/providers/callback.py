"""A browser that comes back from another provider."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlencode

from sqlalchemy.exc import IntegrityError

from gatepost.audit.log import AuditEvent
from gatepost.audit.repetitions import record_once_a_day
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.errors import AppError
from gatepost.core.request_info import RequestInfo
from gatepost.flows.signin.providers.outcomes import Outcome, ReauthenticationFailed, outcome_of
from gatepost.flows.signin.providers.signing_in import ProviderSignIn
from gatepost.identity.accounts.errors import AccountDisabled
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.repository import Users
from gatepost.identity.assurance.decision import Refusal
from gatepost.identity.credentials.external.linking import IdentityLinks
from gatepost.identity.credentials.external.method import proof_by
from gatepost.identity.credentials.reauthentication import Reauthentication
from gatepost.identity.external.authorizations import Authorizations, Purpose, Told
from gatepost.identity.external.models import PendingAuthorization
from gatepost.identity.external.repository import Identities
from gatepost.identity.external.states import State, States
from gatepost.identity.providers.profile import ProviderProfile
from gatepost.identity.providers.provider import AuthorizationAnswer, ProviderRefused, ProviderUnavailable, callback_uri
from gatepost.identity.providers.provider import Refusal as Reason
from gatepost.identity.providers.registry import Providers
from gatepost.identity.sessions.handout import SignedIn
from gatepost.identity.sessions.repository import Sessions
from gatepost.identity.throttling.devices import Device
from gatepost.identity.tokens.errors import TokenRevoked

logger = logging.getLogger("gatepost")

# What people have clicked on who did not want to: RFC 6749, section 4.1.2.1, and the words of LinkedIn and Apple.
DENIALS = frozenset({"access_denied", "user_cancelled_login", "user_cancelled_authorize"})
# By how much the clock of a provider may be wrong.
LEEWAY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser brings back; nothing else in the address is looked at, and nothing but the state is believed."""

    state: str = field(default="", repr=False)
    code: str = field(default="", repr=False)
    iss: str | None = None
    error: str = ""
    user: str | None = field(default=None, repr=False)


class Returning(Protocol):
    """A browser that comes back. `cookie` is by what it is known, and `replaces` as for a sign-in."""

    @property
    def cookie(self) -> str:
        """Its cookie; empty where it has none."""

    @property
    def replaces(self) -> Collection[int]:
        """The sessions whose cookies the answer replaces."""

    def admit(self) -> Device:
        """Take it for the browser that was sent, and return its device."""

    def keep(self) -> None:
        """Let it keep its cookie, since it has to go on."""

    def sign_in(self, signed_in: SignedIn) -> None:
        """Give it the cookies of a session."""


class ProviderCallback:
    """Takes what a provider has answered, and says where the browser goes on."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        providers: Providers,
        states: States,
        sign_in: ProviderSignIn,
        links: IdentityLinks,
        reauthentication: Reauthentication,
        *,
        base_url: str,
    ) -> None:
        self._db = database
        self._clock = clock
        self._providers = providers
        self._states = states
        self._sign_in = sign_in
        self._links = links
        self._reauthentication = reauthentication
        self._base_url = base_url

    async def receive(self, name: str, answer: Answer, browser: Returning, *, info: RequestInfo) -> str:
        """Use a state up, do what it was for, and return the address to which the browser is led."""
        state = self._states.read(answer.state)
        pending = await self._take(name, state, browser.cookie) if state is not None and browser.cookie else None
        if state is None or pending is None:
            return self._page("/sign-in", name, Outcome.EXPIRED)
        device = browser.admit()
        if answer.error in DENIALS:
            return self._refused(pending, Outcome.DENIED, browser)
        try:
            profile, told = await self._ask(name, state, answer)
            return await self._complete(pending, profile, told, browser, device, info=info)
        except ProviderUnavailable as error:
            logger.warning("the provider %s is not available: %s", name, error)
            outcome = Outcome.UNAVAILABLE
        except ProviderRefused as error:
            await self._remember(name, error.reason, pending, info=info)
            outcome = Outcome.FAILED
        except AppError as error:
            outcome = outcome_of(error)
        return self._refused(pending, outcome, browser)

    @retry_conflicts
    async def _take(self, name: str, state: State, cookie: str) -> PendingAuthorization | None:
        async with self._db.begin() as tx:
            return await Authorizations(tx).answer(state, provider=name, browser=cookie, now=self._clock.now())

    async def _ask(self, name: str, state: State, answer: Answer) -> tuple[ProviderProfile, Told]:
        """Return what the provider says of the person. It may have been taken out of the settings meanwhile."""
        provider = self._providers.get(name)
        if provider is None:
            raise ProviderUnavailable("it is not set up any more")
        if answer.error or not answer.code:
            raise ProviderRefused(Reason.CODE)
        profile = await provider.profile(
            AuthorizationAnswer(
                code=answer.code,
                iss=answer.iss,
                code_verifier=state.code_verifier,
                nonce=state.nonce,
                redirect_uri=callback_uri(self._base_url, name),
                user=answer.user,
            )
        )
        return profile, Told.of(profile, has_factors=provider.has_proved_factors(profile))

    async def _complete(
        self,
        pending: PendingAuthorization,
        profile: ProviderProfile,
        told: Told,
        browser: Returning,
        device: Device,
        *,
        info: RequestInfo,
    ) -> str:
        match Purpose(pending.purpose):
            case Purpose.SIGN_IN:
                await self._keep(pending.id, told)
                signed_in = await self._sign_in.complete(
                    pending, told, info=info, device=device, replaces=browser.replaces, can_ask=False
                )
                browser.sign_in(signed_in)
                return self._goal(pending) or f"{self._base_url}/account"
            case Purpose.LINK:
                await self._link(pending, told, info=info)
                outcome = Outcome.LINKED
            case Purpose.REAUTHENTICATE:
                await self._reauthenticate(pending, profile, told, info=info)
                outcome = Outcome.REAUTHENTICATED
        return self._goal(pending) or self._page("/account", pending.provider, outcome)

    @retry_conflicts
    async def _keep(self, pending_id: int, told: Told) -> None:
        async with self._db.begin() as tx:
            await Authorizations(tx).keep(pending_id, told)

    async def _link(self, pending: PendingAuthorization, told: Told, *, info: RequestInfo) -> None:
        try:
            await self._link_once(pending, told, info=info)
        except IntegrityError:  # somebody has linked it at the same moment, which is visible now
            await self._link_once(pending, told, info=info)

    @retry_conflicts
    async def _link_once(self, pending: PendingAuthorization, told: Told, *, info: RequestInfo) -> None:
        async with self._db.begin() as tx:
            user = await self._asker(tx, pending)
            await self._links.link(tx, user, pending.provider, told, session_id=pending.session_id, info=info)
            await Authorizations(tx).end(pending)

    @retry_conflicts
    async def _reauthenticate(
        self, pending: PendingAuthorization, profile: ProviderProfile, told: Told, *, info: RequestInfo
    ) -> None:
        """Note the proof in the session that has asked, where the person has signed in at the provider since then."""
        at = _proved_at(profile, since=pending.created_at, now=self._clock.now())
        async with self._db.begin() as tx:
            user = await self._asker(tx, pending)
            identity = await Identities(tx).by_subject(told.issuer, told.subject)
            if at is None or identity is None or identity.user_id != user.id:
                raise ReauthenticationFailed
            proved = proof_by(identity.id, told, at=at)
            await self._reauthentication.by_identity(tx, pending.session_id or 0, user, proved, info=info)
            await Identities(tx).use(identity.id, email=told.email, now=self._clock.now())
            await Authorizations(tx).end(pending)

    async def _asker(self, tx: Transaction, pending: PendingAuthorization) -> User:
        """Return the locked account of who has asked, in a session that still goes on.

        Raises:
            TokenRevoked: the session has ended meanwhile.
            AccountDisabled: the account was disabled meanwhile.
        """
        user = await Users(tx).get_for_update(pending.user_id or 0)
        session = await Sessions(tx).held(pending.session_id or 0, now=self._clock.now())
        if user is None or session is None or session.user_id != user.id:
            raise TokenRevoked
        if user.disabled_at is not None:
            raise AccountDisabled
        return user

    @retry_conflicts
    async def _remember(self, name: str, reason: Reason, pending: PendingAuthorization, *, info: RequestInfo) -> None:
        """Write that a provider's answer was refused. No guess that is counted: nothing else would end it."""
        logger.warning("an answer of the provider %s is refused: %s", name, reason)
        details = {"reason": Refusal.PROVIDER.value, "provider": name, "why": reason.value}
        async with self._db.begin() as tx:
            await record_once_a_day(
                tx, AuditEvent.SIGN_IN_FAILED, at=self._clock.now(), user_id=pending.user_id, info=info,
                details=details,
            )  # fmt: skip

    def _refused(self, pending: PendingAuthorization, outcome: Outcome, browser: Returning) -> str:
        if pending.purpose != Purpose.SIGN_IN:
            return self._page("/account", pending.provider, outcome)
        browser.keep()
        return self._page("/sign-in", pending.provider, outcome, next_address=pending.return_to)

    def _goal(self, pending: PendingAuthorization) -> str | None:
        """Return where the person wanted to be, which was looked at before it was kept."""
        goal = pending.return_to
        return f"{self._base_url}{goal}" if goal is not None and goal.startswith("/") else goal

    def _page(self, path: str, provider: str, outcome: Outcome, *, next_address: str | None = None) -> str:
        query = {"provider": provider, "outcome": outcome.value} | ({"next": next_address} if next_address else {})
        return f"{self._base_url}{path}?{urlencode(query)}"


def _proved_at(profile: ProviderProfile, *, since: datetime, now: datetime) -> datetime | None:
    """Return when the person has signed in at the provider; None where that is not told, before `since`, or to come."""
    at = profile.authenticated_at
    return min(at, now) if at is not None and since - LEEWAY <= at <= now + LEEWAY else None
