"""The one opening for all ways in: a session for whom a proof is enough, if the account is still as it was proved."""

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import or_

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.request_info import RequestInfo, network
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.repository import Users
from gatepost.identity.assurance.decision import Decision
from gatepost.identity.assurance.matrix import Outcome
from gatepost.identity.assurance.proofs import Proof
from gatepost.identity.assurance.trusted_devices import TrustedDevices
from gatepost.identity.external.repository import Identities
from gatepost.identity.factors.enrolment import HAS_SECOND_FACTOR, has_passkeys, has_second_factor
from gatepost.identity.factors.methods import BY_IDENTITY, Method
from gatepost.identity.links.mails import notify
from gatepost.identity.sessions.handout import SignedIn
from gatepost.identity.sessions.models import Session
from gatepost.identity.sessions.repository import Sessions
from gatepost.identity.sessions.service import SessionService
from gatepost.identity.sessions.tokens import REPLACED, TokenService
from gatepost.identity.throttling.guess_columns import ANY_COUNTED
from gatepost.identity.throttling.guesses import Guesses
from gatepost.mail.outbox import MailKind

# What keeps a session from being opened at once that came of one factor, also where the second is a moment old.
COUNTED_OR_ENROLLED = or_(ANY_COUNTED, HAS_SECOND_FACTOR)


class SessionOpening:
    """Opens the sessions of all ways in. Sessions whose ids are in `replaces`, of whatever account, end with it."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        tokens: TokenService,
        sessions: SessionService,
        guesses: Guesses,
        decision: Decision,
    ) -> None:
        self._db = database
        self._clock = clock
        self._tokens = tokens
        self._sessions = sessions
        self._guesses = guesses
        self._decision = decision

    async def open(self, proof: Proof, *, info: RequestInfo, replaces: Collection[int]) -> SignedIn | None:
        """Open a session for whom `Decision` has let pass; None where the account has changed since it was read.

        Raises:
            TooManyAttempts: guesses at the same time have used up what was left.
        """
        return await self._open_if_unchanged(proof, info=info, replaces=replaces) or await self._open_held(
            proof, info=info, replaces=replaces
        )

    async def open_in(
        self, tx: Transaction, proof: Proof, *, info: RequestInfo, replaces: Collection[int]
    ) -> Session | None:
        """Open a session of an account that the caller's transaction has made, or holds; None where it may not."""
        if self._decision.refusal(proof.user) is not None or not self._is_enough(proof):
            return None
        how, now = proof.authentication, self._clock.now()
        session = await self._tokens.open_session(tx, proof.user, info=info, how=how, now=now)
        await self._complete(tx, proof, session, info=info, replaces=replaces)
        return session

    async def keep_account(self, tx: Transaction, user: User, *, info: RequestInfo) -> None:
        """Take back the wish to be deleted of an account that is signed in to."""
        if user.erase_at is not None:
            await Users(tx).cancel_deletion(user.id, now=self._clock.now())
            record(tx, AuditEvent.DELETION_CANCELLED, at=self._clock.now(), user_id=user.id, info=info)

    def issue(self, user: User, session: Session) -> SignedIn:
        """Give a session its first tokens, once it is stored."""
        return self._tokens.issue(user, session, now=session.created_at)

    @retry_conflicts
    async def _open_if_unchanged(
        self, proof: Proof, *, info: RequestInfo, replaces: Collection[int]
    ) -> SignedIn | None:
        """Open a session where nothing has changed and nobody has guessed: nearly always, and in one statement."""
        counted = self._guesses.guard_params(proof.counters, proof.user, info=info)
        async with self._db.begin() as tx:
            session = await self._tokens.open_if_unchanged(
                tx,
                proof.user,
                info=info,
                how=proof.authentication,
                now=self._clock.now(),
                unless=ANY_COUNTED if proof.has_second_factor else COUNTED_OR_ENROLLED,
                values=counted,
            )
            if session is None:
                return None
            await self._complete(tx, proof, session, info=info, replaces=replaces)
        return self.issue(proof.user, session)

    @retry_conflicts
    async def _open_held(self, proof: Proof, *, info: RequestInfo, replaces: Collection[int]) -> SignedIn | None:
        """Open a session in steps, each under its lock: what has changed is read, what was guessed is looked at."""
        async with self._db.begin() as tx:
            held = await Users(tx).lock_unchanged(proof.user.id, password_hash=proof.user.password_hash)
            if held is None or self._decision.refusal(held) is not None or not await stands(tx, proof, held):
                return None
            if proof.trusted_device is not None and held.version != proof.user.version:
                return None  # the device may be trusted no more
            as_it_is = replace(proof, user=held, has_second_factor=await has_second_factor(tx, held.id))
            if not self._is_enough(as_it_is):
                return None
            await self._guesses.record_success(tx, proof.counters, held, info=info)
            await self.keep_account(tx, held, info=info)
            session = await self.open_in(tx, as_it_is, info=info, replaces=replaces)
        return self.issue(held, session) if session is not None else None

    def _is_enough(self, proof: Proof) -> bool:
        return self._decision.outcome(proof) is Outcome.SESSION

    async def _complete(
        self, tx: Transaction, proof: Proof, session: Session, *, info: RequestInfo, replaces: Collection[int]
    ) -> None:
        """Do what goes with a new session: end those that it replaces, tell the owner of a new device."""
        if replaces:
            await self._sessions.end_named(tx, replaces, reason=REPLACED, info=info)
            # Where many of an account have ended, one more makes its access tokens stale: not the one of this session.
            await Users(tx).reread_token_version(proof.user)
        if proof.trusted_device is not None:
            await TrustedDevices(tx).use(proof.trusted_device, info=info, now=session.created_at)
        if proof.is_new_device:
            await _tell_owner(tx, proof.user, session, info=info)


async def stands(tx: Transaction, proof: Proof, held: User) -> bool:
    """Whether the passkeys and identities of a proof have not been removed since, nor the mailbox been replaced."""
    is_by_mail = any(proved.by is Method.EMAIL_CODE for proved in proof.proved)
    if is_by_mail and held.email_canonical != proof.user.email_canonical:
        return False
    passkeys, identities = _credentials(proof, Method.PASSKEY), _credentials(proof, *BY_IDENTITY)
    if passkeys and not await has_passkeys(tx, proof.user.id, passkeys):
        return False
    return not identities or await Identities(tx).has_all(proof.user.id, identities)


def _credentials(proof: Proof, *methods: Method) -> list[int]:
    return [proved.credential or 0 for proved in proof.proved if proved.by in methods]


async def _tell_owner(tx: Transaction, user: User, session: Session, *, info: RequestInfo) -> None:
    """Write of a new device, unless one like it was in the same network: an IPv6 address seldom stays."""
    known = await Sessions(tx).addresses_of(user.id, session.device, but=session.id)
    if network(info.address) in map(network, known):
        return
    await notify(
        tx,
        MailKind.NEW_DEVICE,
        user,
        at=session.created_at,
        info=info,
        link={"session_id": session.id, "device": session.device},
    )
