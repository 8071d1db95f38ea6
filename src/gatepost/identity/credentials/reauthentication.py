"""Who is signed in proves once more who they are."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.crypto.passwords import Passwords
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.callers import account_of
from gatepost.identity.accounts.errors import AccountDisabled, EmailUnverified, WrongPassword
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import Name
from gatepost.identity.assurance.errors import InvalidCode
from gatepost.identity.assurance.proofs import Proved, prove_again
from gatepost.identity.assurance.second_factors import Answer, SecondFactors
from gatepost.identity.credentials.email_codes.method import CodePurpose, EmailCodeMethod
from gatepost.identity.credentials.passkeys.challenges import Purpose, session_bond
from gatepost.identity.credentials.passkeys.method import PasskeyMethod
from gatepost.identity.credentials.passkeys.options import Asked
from gatepost.identity.credentials.ways_in import WaysIn
from gatepost.identity.factors.enrolment import usable_methods
from gatepost.identity.factors.methods import Method, acr_of
from gatepost.identity.sessions.handout import AccessToken
from gatepost.identity.sessions.models import Session
from gatepost.identity.sessions.repository import Sessions
from gatepost.identity.sessions.tokens import TokenService
from gatepost.identity.throttling.counters import Counter, turn_of
from gatepost.identity.throttling.devices import Device
from gatepost.identity.throttling.guesses import Guesses
from gatepost.identity.throttling.rates import Rate, RateLimits
from gatepost.identity.tokens.errors import RefreshTokenInvalid, TokenRevoked
from gatepost.identity.tokens.principal import Acr, UserPrincipal
from gatepost.identity.tokens.step_up import FRESH_FOR, Demand, weaker


class Reauthentication:
    """Asks for a proof before what a session alone is not enough for.

    An account with a second factor proves it by a factor: a stolen session and the password are not enough to take the
    factor away. One without a factor uses its password, and one without either uses a code by mail.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        passwords: Passwords,
        guesses: Guesses,
        rates: RateLimits,
        factors: SecondFactors,
        passkeys: PasskeyMethod,
        codes: EmailCodeMethod,
        tokens: TokenService,
        ways_in: WaysIn,
    ) -> None:
        self._db = database
        self._clock = clock
        self._passwords = passwords
        self._guesses = guesses
        self._rates = rates
        self._factors = factors
        self._passkeys = passkeys
        self._codes = codes
        self._tokens = tokens
        self._ways_in = ways_in

    async def confirm(
        self,
        principal: UserPrincipal,
        password: str | None = None,
        *,
        info: RequestInfo,
        within: timedelta = FRESH_FOR,
    ) -> User:
        """Return the caller's account, if they have proved who they are in this session just now, or do so here.

        The password is enough for an account that has no second factor. Wrong ones count on the session alone: whoever
        has got hold of it locks the owner out of no other.

        Raises:
            StepUpRequired: the last proof is longer ago, or it was of one factor and the account has a second one.
            WrongPassword: it is not the password.
            TooManyAttempts: too many were not.
            TooManyRequests: too many were, of late.
            UserNotFound: the account has just been deleted.
            HashingBusy: too many people are signing in.
        """
        counters = self._guesses.of_session(principal.session_id)
        async with self._db.read() as tx:
            if password is not None:
                await self._guesses.check(tx, counters)
            user = await account_of(tx, principal.account)
            factors = await usable_methods(tx, user.id)
            others = [] if factors or not await self._ways_in.providers_of(tx, user) else [Method.PROVIDER]
            session = await Sessions(tx).get(principal.session_id)
        if password is not None:
            await self._check_password(user, password, counters, info=info)
        if factors or password is None:
            wanted = Demand(within, Acr.TWO_FACTORS if factors else Acr.ONE_FACTOR)
            # A factor that was removed since the token was issued is none.
            shown = replace(principal, acr=weaker(principal.acr, session.acr)) if session is not None else principal
            methods = [*_methods_of(user, factors), *others]
            wanted.require(shown, now=self._clock.now(), methods=methods)
        return user

    @retry_conflicts
    async def ask_for_passkey(self, principal: UserPrincipal) -> Asked:
        """Return the id of a new challenge and the options for the caller's passkeys, good in this session.

        Raises:
            PasskeysUnavailable: browsers would refuse them here.
            UserNotFound: the account has just been deleted.
        """
        async with self._db.begin() as tx:
            user = await account_of(tx, principal.account)
            bound_to = session_bond(principal.session_id)
            return await self._passkeys.ask(tx, Purpose.SECOND_FACTOR, user=user, bound_to=bound_to)

    @retry_conflicts
    async def ask_for_code(self, principal: UserPrincipal, *, info: RequestInfo, device: Device) -> None:
        """Send a code to the caller's address, good in this session.

        Raises:
            StepUpRequired: the account has a password or a second factor, which has to be used.
            UserNotFound: the account has just been deleted.
        """
        async with self._db.begin() as tx:
            user = await account_of(tx, principal.account, is_locked=True)
            await _require_code_is_theirs(tx, user)
            await self._codes.ask(
                tx, CodePurpose.REAUTHENTICATE, Name(user.email, user.email_canonical),
                bound_to=session_bond(principal.session_id), info=info, user=user, device=device,
            )  # fmt: skip

    async def again(
        self, principal: UserPrincipal, answer: Answer, *, info: RequestInfo, device: Device
    ) -> AccessToken:
        """Note in the caller's session what they prove now, and return an access token that says so.

        Raises:
            WrongPassword, InvalidCode: it proves nothing.
            StepUpRequired: it is a method that the account has a better one for.
            TooManyAttempts, TooManyRequests, UserNotFound, HashingBusy: as for `confirm`.
            TokenRevoked: the session has ended a moment ago, or may not go on by now.
        """
        user = None
        if answer.method is Method.PASSWORD:
            user = await self.confirm(principal, answer.code, info=info)
        renewed = await self._again(principal, answer, user, info=info, device=device)
        if renewed is None:
            raise InvalidCode
        return self._tokens.access_of(*renewed)

    @retry_conflicts
    async def _again(
        self, principal: UserPrincipal, answer: Answer, read: User | None, *, info: RequestInfo, device: Device
    ) -> tuple[User, Session] | None:
        """Return the session with its proof, or None where it is none, which the transaction remembers."""
        now = self._clock.now()
        async with self._db.begin() as tx:
            user = await account_of(tx, principal.account, is_locked=True)
            if answer.method is Method.EMAIL_CODE:
                proved = await self._proved_by_code(tx, user, answer.code, principal.session_id, info=info)
            else:
                proved = await self._proved(tx, user, answer, read, info=info, device=device)
            if proved is None:
                return None
            session = await Sessions(tx).held(principal.session_id, now=now)
            if session is None:
                raise TokenRevoked
            prove_again(session, proved)
            try:
                await self._tokens.prolong_access(tx, session, now=now)
            except (RefreshTokenInvalid, AccountDisabled, EmailUnverified) as refusal:
                raise TokenRevoked from refusal  # the refresh that follows is told why
            self._record(tx, session, proved, info=info)
        return user, session

    async def by_identity(
        self, tx: Transaction, session_id: int, user: User, proved: Proved, *, info: RequestInfo
    ) -> None:
        """Note in a session of an account, which the caller's transaction holds, what an identity proves.

        The next refresh of the session brings an access token that says so.

        Raises:
            StepUpRequired: it is one factor, and the account has a second one.
            TokenRevoked: the session has ended a moment ago.
        """
        factors = await usable_methods(tx, user.id)
        if factors and acr_of([proved.by], last=[proved.by]) is Acr.ONE_FACTOR:
            raise Demand(FRESH_FOR, Acr.TWO_FACTORS).refusal(factors)
        session = await Sessions(tx).held(session_id, now=self._clock.now())
        if session is None or session.user_id != user.id:
            raise TokenRevoked
        prove_again(session, proved)
        self._record(tx, session, proved, info=info)

    def _record(self, tx: Transaction, session: Session, proved: Proved, *, info: RequestInfo) -> None:
        record(
            tx, AuditEvent.REAUTHENTICATED, at=self._clock.now(), user_id=session.user_id, session_id=session.id,
            info=info, details={"method": proved.by},
        )  # fmt: skip

    async def _proved(
        self, tx: Transaction, user: User, answer: Answer, read: User | None, *, info: RequestInfo, device: Device
    ) -> Proved | None:
        if read is None:
            return await self._factors.check(tx, user, answer, info=info, device=device)
        if (user.password_hash, user.version) != (read.password_hash, read.version):
            raise WrongPassword  # it has just been replaced, or has a factor beside it
        factors = await usable_methods(tx, user.id)
        if factors:
            # Not even where a factor was shown just now: the password would keep that proof fresh for ever.
            raise Demand(FRESH_FOR, Acr.TWO_FACTORS).refusal(factors)
        return Proved(Method.PASSWORD, self._clock.now())

    async def _proved_by_code(
        self, tx: Transaction, user: User, code: str, session_id: int, *, info: RequestInfo
    ) -> Proved | None:
        """Return what a code by mail proves; wrong ones count on the session, whoever has it."""
        await _require_code_is_theirs(tx, user)
        proved = await self._codes.check(
            tx, CodePurpose.REAUTHENTICATE, code, bound_to=session_bond(session_id),
            email=Name(user.email, user.email_canonical), info=info,
            counters=self._guesses.of_session_codes(session_id),
        )  # fmt: skip
        return Proved(Method.EMAIL_CODE, self._clock.now()) if proved is not None else None

    async def _check_password(
        self, user: User, password: str, counters: Sequence[Counter], *, info: RequestInfo
    ) -> None:
        await self._rates.require_room(Rate.SIGN_IN, str(user.id))
        verdict = await self._passwords.verify(password, user.password_hash, asker=turn_of(info, str(user.id)))
        await self._settle(user, counters, is_right=verdict.is_right, info=info)
        if not verdict.is_right:
            raise WrongPassword
        await self._rates.hit(Rate.SIGN_IN, str(user.id))

    @retry_conflicts
    async def _settle(self, user: User, counters: Sequence[Counter], *, is_right: bool, info: RequestInfo) -> None:
        async with self._db.begin() as tx:
            if is_right:
                await self._guesses.record_success(tx, counters, user, info=info)
            else:
                await self._guesses.record_failure(tx, counters, info=info, user_id=user.id)


def _methods_of(user: User, factors: Sequence[Method]) -> Sequence[Method]:
    """Return by what an account proves again whose it is, given its second factors."""
    if factors:
        return factors
    return [Method.PASSWORD if user.has_password else Method.EMAIL_CODE]


async def _require_code_is_theirs(tx: Transaction, user: User) -> None:
    """Let an account pass that proves by a code by mail whose it is.

    Raises:
        StepUpRequired: it does so by something else, or its address is not verified.
    """
    methods = _methods_of(user, await usable_methods(tx, user.id))
    if Method.EMAIL_CODE not in methods or user.email_verified_at is None:
        raise Demand(FRESH_FOR).refusal([method for method in methods if method is not Method.EMAIL_CODE])
