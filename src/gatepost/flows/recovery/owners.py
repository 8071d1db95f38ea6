"""Whoever follows a link shows that the account is theirs: the link alone says that they can read a mailbox."""

from dataclasses import dataclass, field

from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, Transaction
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.errors import ProofRequired, WrongSignUpPassword
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.reference import AccountRef
from gatepost.identity.accounts.repository import Users
from gatepost.identity.assurance.errors import InvalidCredentials
from gatepost.identity.assurance.opening import stands
from gatepost.identity.assurance.proofs import Attempt, Proof
from gatepost.identity.credentials.passkeys.signing_in import PasskeySignIn
from gatepost.identity.credentials.password import PasswordMethod
from gatepost.identity.external.repository import Identities
from gatepost.identity.factors.enrolment import usable_methods
from gatepost.identity.factors.methods import Method
from gatepost.identity.links.tokens import OneTimeTokens, Purpose
from gatepost.identity.sessions.repository import Sessions
from gatepost.identity.throttling.devices import Device
from gatepost.identity.throttling.guesses import Guesses
from gatepost.identity.tokens.principal import UserPrincipal

# Links that prove an address.
OF_ADDRESSES = (Purpose.VERIFY_EMAIL, Purpose.CHANGE_EMAIL)


@dataclass(frozen=True, slots=True)
class FollowedLink:
    """The token of a link, and what whoever follows it shows besides: a session, a password, or a passkey."""

    token: str = field(repr=False)
    caller: UserPrincipal | None = None
    password: str | None = field(default=None, repr=False)
    challenge_id: str | None = field(default=None, repr=False)
    credential: object = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a password or a passkey has proved, and the attempt that it came of."""

    attempt: Attempt
    proof: Proof


class Owners:
    """Tells the owners of accounts among those who follow links."""

    def __init__(
        self, database: Database, clock: Clock, guesses: Guesses, password: PasswordMethod, passkeys: PasskeySignIn
    ) -> None:
        self._db = database
        self._clock = clock
        self._guesses = guesses
        self._password = password
        self._passkeys = passkeys

    async def prove(self, link: FollowedLink, *, info: RequestInfo, device: Device) -> Shown | None:
        """Check a password or a passkey as a sign-in does; None where there is none, or the link is no good.

        Raises:
            WrongSignUpPassword: it is not the password of the link's account.
            PasskeyInvalid: it is no valid response with a passkey.
            TooManyAttempts, TooManyRequests, HashingBusy: as at a sign-in.
        """
        attempt: Attempt
        if link.challenge_id is not None:
            attempt = self._passkeys.attempt(link.challenge_id, link.credential, info=info, device=device)
        elif link.password is not None and (username := await self._username(link.token)) is not None:
            attempt = self._password.attempt(username, link.password, info=info, device=device)
        else:
            return None
        try:
            return Shown(attempt, await attempt.prove())
        except InvalidCredentials:
            raise WrongSignUpPassword from None

    async def require(
        self, tx: Transaction, user: User, link: FollowedLink, shown: Shown | None, *, info: RequestInfo
    ) -> None:
        """Let the owner of an account pass that the caller's transaction holds, and anybody if it is nobody's yet.

        It is nobody's as long as no address of it was ever verified, and nothing opens it.

        Raises:
            ProofRequired: nothing shows that the account is theirs. Without a password and a passkey, only its session
                could.
            TooManyAttempts: guesses at the same time have used up what was left.
        """
        if shown is not None and _is_same(shown.proof.user, user) and await stands(tx, shown.proof, user):
            await self._guesses.record_success(tx, shown.proof.counters, user, info=info)
            return
        if shown is None and await self._is_signed_in(tx, user, link.caller):
            return
        methods = [Method.PASSWORD] if user.has_password else []
        methods += [method for method in await usable_methods(tx, user.id) if method is Method.PASSKEY]
        is_somebodys = user.first_verified_at is not None or await Identities(tx).providers_of(user.id)
        if methods or is_somebodys:
            raise ProofRequired(methods)

    async def _username(self, token: str) -> str | None:
        now = self._clock.now()
        async with self._db.read() as tx:
            for purpose in OF_ADDRESSES:
                link = await OneTimeTokens(tx).peek(purpose, token, now=now)
                user = await Users(tx).get(link.user_id or 0) if link is not None else None
                if user is not None and user.disabled_at is None:
                    return user.username
        return None

    async def _is_signed_in(self, tx: Transaction, user: User, caller: UserPrincipal | None) -> bool:
        if caller is None or caller.account != AccountRef(user.id, user.random_id):
            return False
        return await Sessions(tx).held(caller.session_id, now=self._clock.now()) is not None


def _is_same(proved: User, user: User) -> bool:
    """Whether an account is the one that was proved, with the same password."""
    return (proved.id, proved.random_id, proved.password_hash) == (user.id, user.random_id, user.password_hash)
