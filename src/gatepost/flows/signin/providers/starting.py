"""Sending a browser to another provider."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.origins import TrustedOrigins
from gatepost.core.request_info import RequestInfo
from gatepost.core.return_address import safe_return
from gatepost.flows.signin.providers.errors import ProviderUnknown, ProviderUnreachable, ReturnAddressInvalid
from gatepost.identity.accounts.errors import InvitationInvalid
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.credentials.enrolment import FactorEnrolment
from gatepost.identity.credentials.reauthentication import Reauthentication
from gatepost.identity.external.authorizations import Asked, Authorizations, Purpose
from gatepost.identity.external.states import State, States
from gatepost.identity.invitations.repository import Invitations
from gatepost.identity.providers.provider import AuthorizationRequest, Provider, ProviderUnavailable, callback_uri
from gatepost.identity.providers.registry import Providers
from gatepost.identity.sessions.callers import caller_of
from gatepost.identity.tokens.principal import UserPrincipal

logger = logging.getLogger("gatepost")


@dataclass(frozen=True, slots=True)
class StartCommand:
    """What somebody goes to a provider for, where they want to be afterwards, and the token of an invitation."""

    purpose: Purpose
    return_to: str | None
    invitation: str | None


class AuthorizationStart:
    """Begins authorizations. `base_url` is where the service is, and `origins` where else people may be led."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        providers: Providers,
        states: States,
        reauthentication: Reauthentication,
        enrolment: FactorEnrolment,
        *,
        policy: AccountPolicy,
        base_url: str,
        origins: TrustedOrigins,
    ) -> None:
        self._db = database
        self._clock = clock
        self._providers = providers
        self._states = states
        self._reauthentication = reauthentication
        self._enrolment = enrolment
        self._policy = policy
        self._base_url = base_url
        self._origins = origins

    async def start(
        self,
        name: str,
        command: StartCommand,
        *,
        browser: str,
        caller: Callable[[], Awaitable[UserPrincipal]],
        info: RequestInfo,
    ) -> str:
        """Return the address at the provider for a browser, which is known by its cookie.

        `caller` gives who is signed in, where somebody has to be.

        Raises:
            ProviderUnknown: there is no such provider.
            ProviderUnreachable: it does not answer.
            ReturnAddressInvalid: the return address is somebody else's.
            Unauthorized: nobody is signed in, and the purpose needs it.
            StepUpRequired: an identity is to be linked, and the last proof is too long ago.
            EmailUnverified: the same, and the address is not proved, so that the account may be somebody else's.
            InvitationInvalid, SignUpClosed: the invitation is no good.
        """
        provider = self._providers.get(name)
        if provider is None:
            raise ProviderUnknown
        if command.return_to is not None and safe_return(command.return_to, origins=self._origins) is None:
            raise ReturnAddressInvalid
        principal = None if command.purpose is Purpose.SIGN_IN else await caller()
        if principal is not None and command.purpose is Purpose.LINK:
            await self._reauthentication.confirm(principal, info=info)
        state = self._states.new()
        address = await self._address(provider, state, must_prompt=command.purpose is Purpose.REAUTHENTICATE)
        await self._begin(name, command, state, principal, browser=browser)
        return address

    async def _address(self, provider: Provider, state: State, *, must_prompt: bool) -> str:
        request = AuthorizationRequest(
            state=state.text,
            nonce=state.nonce,
            code_challenge=state.code_challenge,
            redirect_uri=callback_uri(self._base_url, provider.name),
            must_prompt=must_prompt,
        )
        try:
            return await provider.authorization_url(request)
        except ProviderUnavailable as error:
            logger.warning("the provider %s is not available: %s", provider.name, error)
            raise ProviderUnreachable from error

    @retry_conflicts
    async def _begin(
        self, name: str, command: StartCommand, state: State, principal: UserPrincipal | None, *, browser: str
    ) -> None:
        now = self._clock.now()
        async with self._db.begin() as tx:
            user_id = session_id = None
            if principal is not None:
                user = await caller_of(tx, principal, now=now)
                if command.purpose is Purpose.LINK:
                    self._enrolment.require_proved_address(user)
                user_id, session_id = user.id, principal.session_id
            asked = Asked(
                provider=name,
                purpose=command.purpose,
                user_id=user_id,
                session_id=session_id,
                invitation_id=await self._invitation(tx, command.invitation),
                return_to=command.return_to,
            )
            await Authorizations(tx).add(state, asked, browser=browser, now=now)

    async def _invitation(self, tx: Transaction, token: str | None) -> int | None:
        if token is None:
            return None
        self._policy.require_sign_up(is_invited=True)
        invitation = await Invitations(tx).of_token(token, now=self._clock.now())
        if invitation is None:
            raise InvitationInvalid
        return invitation.id
