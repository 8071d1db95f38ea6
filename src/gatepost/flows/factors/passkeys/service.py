"""One's own passkeys."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.exc import IntegrityError

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.crypto.passwords import UNUSABLE_HASH
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.request_info import RequestInfo
from gatepost.flows.factors.errors import LastWayIn, PasskeyNotFound, TooManyPasskeys
from gatepost.identity.accounts.callers import account_of
from gatepost.identity.accounts.models import User
from gatepost.identity.assurance.trusted_devices import TrustedDevices
from gatepost.identity.credentials.enrolment import FactorEnrolment
from gatepost.identity.credentials.passkeys.bounds import MOST_PASSKEYS
from gatepost.identity.credentials.passkeys.challenges import Challenges, Purpose, session_bond
from gatepost.identity.credentials.passkeys.errors import WrongPasskey
from gatepost.identity.credentials.passkeys.method import PasskeyMethod
from gatepost.identity.credentials.passkeys.options import Asked
from gatepost.identity.credentials.passkeys.refusals import PasskeyRefused
from gatepost.identity.credentials.passkeys.registration import NewPasskey
from gatepost.identity.credentials.passkeys.repository import Passkeys
from gatepost.identity.credentials.ways_in import WaysIn
from gatepost.identity.factors.methods import Method
from gatepost.identity.factors.models import Passkey, UserHandle
from gatepost.identity.links.mails import LinkEnd, end_links, notify
from gatepost.identity.sessions.callers import caller_of, proved_caller
from gatepost.identity.sessions.service import SessionService
from gatepost.identity.tokens.principal import UserPrincipal
from gatepost.mail.outbox import MailKind


@dataclass(frozen=True, slots=True)
class OwnPasskeys:
    """The passkeys of an account, and what browsers know it by."""

    rp_id: str | None
    username: str
    handle: bytes | None = field(repr=False)
    passkeys: Sequence[Passkey]


class PasskeyService:
    """Lets owners of accounts see and change their passkeys."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        sessions: SessionService,
        passkeys: PasskeyMethod,
        enrolment: FactorEnrolment,
        ways_in: WaysIn,
    ) -> None:
        self._db = database
        self._clock = clock
        self._sessions = sessions
        self._passkeys = passkeys
        self._enrolment = enrolment
        self._ways_in = ways_in

    async def of(self, principal: UserPrincipal) -> OwnPasskeys:
        """Return the caller's passkeys, the oldest first.

        Raises:
            UserNotFound: the account has just been deleted.
        """
        rp = self._passkeys.relying_party
        async with self._db.read() as tx:
            user = await account_of(tx, principal.account)
            known = await tx.get(UserHandle, user.id)
            handle = known.handle if known is not None else None
            rp_id = rp.id if rp is not None else None
            return OwnPasskeys(rp_id, user.username, handle, await Passkeys(tx).of(user.id))

    @retry_conflicts
    async def start(self, principal: UserPrincipal, *, proved_hash: str) -> Asked:
        """Return the id of a challenge and the options for a new passkey, for this account and session.

        Raises:
            SecondFactorsOff: the deployment has none.
            EmailUnverified: the address is not proved, so that it may be somebody else's.
            TooManyPasskeys: the account has as many as it may.
            PasskeysUnavailable: browsers would refuse them here.
            WrongPassword: the password that was proved has just been replaced.
            TokenRevoked: the session has ended a moment ago.
            UserNotFound: the account has just been deleted.
        """
        async with self._db.begin() as tx:
            user = await proved_caller(tx, principal, proved_hash=proved_hash, now=self._clock.now())
            await self._require_room(tx, user)
            return await self._enrolment.ask_for_passkey(tx, user, bound_to=session_bond(principal.session_id))

    async def add(
        self, principal: UserPrincipal, challenge_id: str, credential: object, *, name: str | None, info: RequestInfo
    ) -> tuple[Passkey, list[str]]:
        """Add the passkey that the browser has made, and return it, and the recovery codes that go with a first factor.

        Raises:
            WrongPasskey: it is no valid response to a challenge of this session, or an account has it already.
            SecondFactorsOff, EmailUnverified, TooManyPasskeys, TokenRevoked, UserNotFound: as for `start`.
        """
        challenge = await self._use_challenge(principal, challenge_id)
        if challenge is None:
            raise WrongPasskey
        try:
            new = self._passkeys.read_new(credential, challenge)
            return await self._add(principal, new, name=name, info=info)
        except (PasskeyRefused, IntegrityError) as error:
            raise WrongPasskey from error

    @retry_conflicts
    async def rename(self, principal: UserPrincipal, passkey_id: int, name: str, *, info: RequestInfo) -> Passkey:
        """Give one of the caller's passkeys another name.

        Raises:
            PasskeyNotFound: the account has no such passkey.
            UserNotFound: the account has just been deleted.
        """
        async with self._db.begin() as tx:
            user = await account_of(tx, principal.account, is_locked=True)
            passkey = await self._passkey(tx, user, passkey_id)
            if passkey.name != name:
                passkey.name = name
                self._record(tx, AuditEvent.PASSKEY_RENAMED, passkey, principal, info=info)
        return passkey

    @retry_conflicts
    async def remove(self, principal: UserPrincipal, passkey_id: int, *, proved_hash: str, info: RequestInfo) -> None:
        """Remove one of the caller's passkeys; other sessions that were proved by it end.

        Raises:
            PasskeyNotFound: the account has no such passkey.
            LastWayIn: there is no other way into the account.
            WrongPassword, TokenRevoked, UserNotFound: as for `start`.
        """
        async with self._db.begin() as tx:
            user = await proved_caller(tx, principal, proved_hash=proved_hash, now=self._clock.now())
            passkey = await self._passkey(tx, user, passkey_id)
            if not await self._ways_in.has_other(tx, user, passkey=passkey.id):
                raise LastWayIn
            await Passkeys(tx).remove(passkey.id)
            await self._enrolment.removed(
                tx, user, Method.PASSKEY, passkey.id, session_id=principal.session_id, info=info
            )
            self._record(tx, AuditEvent.PASSKEY_REMOVED, passkey, principal, info=info)
            told, details = {"name": passkey.name}, {"passkey": passkey.id}
            await self._enrolment.changed(tx, user, MailKind.PASSKEY_REMOVED, info=info, data=told, link=details)

    @retry_conflicts
    async def remove_password(self, principal: UserPrincipal, *, proved_hash: str, info: RequestInfo) -> None:
        """Leave the caller's account without a password. Every other session ends.

        Raises:
            LastWayIn: there is no other way into the account.
            WrongPassword, TokenRevoked, UserNotFound: as for `start`.
        """
        now, session_id = self._clock.now(), principal.session_id
        async with self._db.begin() as tx:
            user = await proved_caller(tx, principal, proved_hash=proved_hash, now=self._clock.now())
            if not await self._ways_in.has_other(tx, user, than_password=True):
                raise LastWayIn
            user.password_hash = UNUSABLE_HASH
            user.touch(now)
            await TrustedDevices(tx).forget(user.id)
            await tx.flush()
            await end_links(tx, user.id, LinkEnd.PASSWORD_CHANGED, now=now)
            await self._sessions.end(tx, user_id=user.id, keep=session_id, reason="password_removed", info=info)
            await notify(tx, MailKind.PASSWORD_REMOVED, user, at=now, info=info)
            record(tx, AuditEvent.PASSWORD_REMOVED, at=now, user_id=user.id, session_id=session_id, info=info)

    @retry_conflicts
    async def _use_challenge(self, principal: UserPrincipal, challenge_id: str) -> bytes | None:
        async with self._db.begin() as tx:
            user = await account_of(tx, principal.account)
            used = await Challenges(tx).use(
                challenge_id,
                Purpose.REGISTRATION,
                now=self._clock.now(),
                user_id=user.id,
                bound_to=session_bond(principal.session_id),
            )
        return used.challenge if used is not None else None

    @retry_conflicts
    async def _add(
        self, principal: UserPrincipal, new: NewPasskey, *, name: str | None, info: RequestInfo
    ) -> tuple[Passkey, list[str]]:
        async with self._db.begin() as tx:
            user = await caller_of(tx, principal, now=self._clock.now())
            await self._require_room(tx, user)
            passkey, _, codes = await self._enrolment.add_passkey(
                tx, user, new, name=name, session_id=principal.session_id, info=info
            )
        return passkey, codes

    async def _require_room(self, tx: Transaction, user: User) -> None:
        """Let an account pass that may have one more."""
        self._enrolment.require_allowed(user)
        if await Passkeys(tx).count(Passkey.user_id == user.id) >= MOST_PASSKEYS:
            raise TooManyPasskeys

    async def _passkey(self, tx: Transaction, user: User, passkey_id: int) -> Passkey:
        passkey = await Passkeys(tx).get(user.id, passkey_id)
        if passkey is None:
            raise PasskeyNotFound
        return passkey

    def _record(
        self, tx: Transaction, event: AuditEvent, passkey: Passkey, principal: UserPrincipal, *, info: RequestInfo
    ) -> None:
        record(
            tx, event, at=self._clock.now(), user_id=passkey.user_id, session_id=principal.session_id, info=info,
            details={"passkey": passkey.id},
        )  # fmt: skip
