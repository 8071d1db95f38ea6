"""Sign-up with a passkey in the place of a password."""

from dataclasses import dataclass, field

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.crypto.secrets import digest_of
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.request_info import RequestInfo
from gatepost.core.settings import SecondFactor
from gatepost.flows.signup.errors import PasskeySignUpUnavailable
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.assurance.proofs import Proved
from gatepost.identity.credentials.passkeys.challenges import Challenges, Purpose
from gatepost.identity.credentials.passkeys.errors import WrongPasskey
from gatepost.identity.credentials.passkeys.method import PasskeyMethod
from gatepost.identity.credentials.passkeys.options import Asked, PasskeyUser
from gatepost.identity.credentials.passkeys.refusals import PasskeyRefused
from gatepost.identity.credentials.passkeys.registration import NewPasskey
from gatepost.identity.credentials.passkeys.repository import Passkeys, new_handle
from gatepost.identity.factors.methods import Method
from gatepost.identity.registration.service import NewAccount


@dataclass(frozen=True, slots=True)
class Made:
    """What the browser has made of a challenge, and the user handle that it was made with."""

    passkey: NewPasskey
    handle: bytes = field(repr=False)


class PasskeySignUp:
    """Makes the passkey of an account that does not exist yet, and gives it to the account when it does."""

    def __init__(self, database: Database, clock: Clock, passkeys: PasskeyMethod, *, policy: AccountPolicy) -> None:
        self._db = database
        self._clock = clock
        self._passkeys = passkeys
        self._policy = policy

    def require_open(self, *, is_invited: bool) -> None:
        """Let somebody pass who may sign up with a passkey.

        Raises:
            SignUpClosed, InvitationRequired: they may not sign up.
            PasskeySignUpUnavailable: not with a passkey: the account would be made only when a link is followed, which
                takes the password of the sign-up.
        """
        self._policy.require_sign_up(is_invited=is_invited)
        is_at_once = self._policy.reveals_taken or is_invited
        if self._policy.second_factor is SecondFactor.OFF or not is_at_once:
            raise PasskeySignUpUnavailable

    @retry_conflicts
    async def ask(self, new: NewAccount, *, is_invited: bool) -> Asked:
        """Return the id of a challenge and the options for the passkey of a new account, whether its names are free.

        Raises:
            SignUpClosed, InvitationRequired, PasskeySignUpUnavailable: as for `require_open`.
            PasskeysUnavailable: browsers would refuse passkeys here.
        """
        self.require_open(is_invited=is_invited)
        username = new.username.display
        whose = PasskeyUser(new_handle(), username, username)
        async with self._db.begin() as tx:
            return await self._passkeys.ask_for_new(tx, Purpose.SIGN_UP, whose, bound_to=_names_of(new))

    async def read(self, new: NewAccount, challenge_id: str, credential: object) -> Made:
        """Use the challenge up, and return the passkey.

        Raises:
            WrongPasskey: it is no valid response to a challenge for these names.
        """
        challenge, handle = await self._use(new, challenge_id)
        try:
            return Made(self._passkeys.read_new(credential, challenge), handle)
        except PasskeyRefused as error:
            raise WrongPasskey from error

    async def give(self, tx: Transaction, user: User, made: Made, *, info: RequestInfo) -> Proved:
        """Give a new account its passkey, in the caller's transaction, and return what it proves.

        Raises:
            IntegrityError: another account has the passkey.
        """
        await Passkeys(tx).give_handle(user.id, made.handle)
        passkey = await self._passkeys.add(tx, user, made.passkey, name=None)
        now, details = self._clock.now(), {"passkey": passkey.id}
        record(tx, AuditEvent.PASSKEY_ADDED, at=now, user_id=user.id, info=info, details=details)
        return Proved(Method.PASSKEY, now, passkey.id)

    @retry_conflicts
    async def _use(self, new: NewAccount, challenge_id: str) -> tuple[bytes, bytes]:
        async with self._db.begin() as tx:
            used = await Challenges(tx).use(
                challenge_id, Purpose.SIGN_UP, now=self._clock.now(), bound_to=_names_of(new)
            )
        if used is None or used.handle is None:
            raise WrongPasskey
        return used.challenge, used.handle


def _names_of(new: NewAccount) -> str:
    return digest_of(f"{new.username.canonical}\n{new.email.canonical}")
