"""The code by mail, and the link beside it, as ways in; who has no account signs up by them."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import Name
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.accounts.reference import AccountRef
from gatepost.identity.accounts.repository import Users
from gatepost.identity.assurance.errors import InvalidCode
from gatepost.identity.assurance.proofs import Proof, Proved
from gatepost.identity.assurance.trusted_devices import TRUSTED_ID, trust_params
from gatepost.identity.credentials.email_codes.method import CodePurpose, EmailCodeMethod, ProvedMailbox
from gatepost.identity.credentials.ownership import Ownership
from gatepost.identity.credentials.password import NEW_FOR
from gatepost.identity.factors.enrolment import HAS_SECOND_FACTOR, has_second_factor
from gatepost.identity.factors.methods import Method
from gatepost.identity.registration.service import AccountService
from gatepost.identity.sessions.devices import describe
from gatepost.identity.sessions.statements import IS_STRANGE
from gatepost.identity.throttling.devices import Device
from gatepost.identity.throttling.rates import Rate, RateLimits

# What a sign-in has to know besides the account.
BESIDE = select(IS_STRANGE, HAS_SECOND_FACTOR, TRUSTED_ID).select_from(User)
# Somebody else may take the name or the address of a new account at the same moment.
TRIES = 2


@dataclass(frozen=True, slots=True)
class ShownCode:
    """A code and the address that it went to, in the browser that `bound_to` names."""

    email: Name
    code: str = field(repr=False)
    bound_to: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ShownLink:
    """The token of a link, in the browser that `bound_to` names; None where its person signs in elsewhere by it."""

    token: str = field(repr=False)
    bound_to: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class AskedFor:
    """Where the mail of a link was asked for: whether here, for which address, by which device, from where, when."""

    is_here: bool
    email: str
    device: str
    address: str
    at: datetime


@dataclass(slots=True)
class EmailCodeAttempt:
    """One try with a code or a link, which is used up by the first look at it."""

    signing_in: "EmailCodeSignIn"
    shown: ShownCode | ShownLink
    info: RequestInfo
    device: Device
    _proof: Proof | None = None

    async def prove(self) -> Proof:
        """Check what is shown, and make the account of who has none; where the account has changed, read it again.

        Raises:
            InvalidCode: it is wrong, too old, used, or of another browser.
            TooManyAttempts: codes of this address were wrong too often; whether this one is right is not told.
            SignUpClosed, InvitationRequired: nobody has the address, and sign-up has been closed since.
            TooManyRequests: the account has been signed in to too often of late.
        """
        if self._proof is None:
            self._proof = await self.signing_in.verify(self)
        else:
            self._proof = await self.signing_in.reread(self._proof)
        return self._proof

    async def succeeded(self) -> None:
        """Count the sign-in."""
        if self._proof is not None:
            await self.signing_in.settle(self._proof)


class EmailCodeSignIn:
    """Asks for codes that sign people in, and checks the attempts.

    Asking is the same work for every address. Who has it is looked at when the mail is sent.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        rates: RateLimits,
        codes: EmailCodeMethod,
        accounts: AccountService,
        ownership: Ownership,
        *,
        policy: AccountPolicy,
    ) -> None:
        self._db = database
        self._clock = clock
        self._rates = rates
        self._codes = codes
        self._accounts = accounts
        self._ownership = ownership
        self._policy = policy

    @retry_conflicts
    async def ask(self, email: Name, *, bound_to: str, before: str, info: RequestInfo, device: Device) -> None:
        """Send a code to an address, good in the browser that `bound_to` names from now on, which was `before`.

        Raises:
            EmailSignInOff: nobody signs in by a code.
        """
        self._policy.require_email_sign_in()
        async with self._db.begin() as tx:
            # Locked, so that the account cannot be deleted before the code is stored.
            query = select(User).where(User.email_canonical == email.canonical).with_for_update(read=True)
            user = await tx.scalar(query)
            purpose = CodePurpose.SIGN_IN
            await self._codes.ask(
                tx, purpose, email, bound_to=bound_to, before=before, info=info, user=user, device=device
            )

    async def look(self, token: str, *, bound_to: str) -> AskedFor:
        """Return where the mail of a link was asked for; the link is not used up.

        Raises:
            EmailSignInOff: nobody signs in by a link.
            InvalidCode: the link is no good any more.
        """
        self._policy.require_email_sign_in()
        async with self._db.read() as tx:
            row = await self._codes.look(tx, CodePurpose.SIGN_IN, token)
        if row is None:
            raise InvalidCode
        is_here = row.bound_to == bound_to
        return AskedFor(is_here, row.email, describe(row.user_agent), row.address, row.created_at)

    def attempt(self, shown: ShownCode | ShownLink, *, info: RequestInfo, device: Device) -> EmailCodeAttempt:
        """Begin an attempt.

        Raises:
            EmailSignInOff: nobody signs in by a code.
        """
        self._policy.require_email_sign_in()
        return EmailCodeAttempt(self, shown, info, device)

    async def verify(self, attempt: EmailCodeAttempt) -> Proof:
        """Verify an attempt; see `EmailCodeAttempt.prove`."""
        for _ in range(TRIES):
            try:
                proof = await self._verify(attempt)
            except IntegrityError:
                continue
            if proof is None:
                break
            await self._rates.require_room(Rate.SIGN_IN, str(proof.user.id))
            return proof
        raise InvalidCode

    async def reread(self, proof: Proof) -> Proof:
        """Return what an attempt proves by now.

        Raises:
            InvalidCode: the account has another address.
        """
        async with self._db.read() as tx:
            user = await Users(tx).of(AccountRef(proof.user.id, proof.user.random_id))
            if user is None or user.email_canonical != proof.user.email_canonical:
                raise InvalidCode
            return replace(proof, user=user, has_second_factor=await has_second_factor(tx, user.id))

    async def settle(self, proof: Proof) -> None:
        """Do what comes after a sign-in."""
        await self._rates.hit(Rate.SIGN_IN, str(proof.user.id))

    @retry_conflicts
    async def _verify(self, attempt: EmailCodeAttempt) -> Proof | None:
        """Return what is proved, and None where that is nothing, which the transaction remembers."""
        async with self._db.begin() as tx:
            proved = await self._use(tx, attempt)
            if proved is None:
                return None
            if proved.user is None:
                user = await self._accounts.add_proved(tx, proved.email, hint=None, info=attempt.info)
            else:
                user = await self._prove_address(tx, proved.user, info=attempt.info)
            return await self._proof(tx, user, info=attempt.info, device=attempt.device)

    async def _use(self, tx: Transaction, attempt: EmailCodeAttempt) -> ProvedMailbox | None:
        match attempt.shown:
            case ShownCode(email, code, bound_to):
                return await self._codes.check(
                    tx, CodePurpose.SIGN_IN, code, bound_to=bound_to, email=email, info=attempt.info,
                    device=attempt.device,
                )  # fmt: skip
            case ShownLink(token, at):
                return await self._codes.open_link(tx, CodePurpose.SIGN_IN, token, bound_to=at)

    async def _prove_address(self, tx: Transaction, user: User, *, info: RequestInfo) -> User:
        """Note that the mailbox of an account has been shown; who may not sign in proves nothing."""
        if user.email_verified_at is not None or user.disabled_at is not None:
            return user
        held = await Users(tx).get_for_update(user.id) or user
        await self._ownership.prove(tx, held, is_owner=False, info=info)
        now = self._clock.now()
        held.updated_at = now
        await tx.flush()
        record(tx, AuditEvent.EMAIL_VERIFIED, at=now, user_id=held.id, info=info)
        return held

    async def _proof(self, tx: Transaction, user: User, *, info: RequestInfo, device: Device) -> Proof:
        now = self._clock.now()
        values = {
            "device": describe(info.user_agent),
            "new_since": now - NEW_FOR,
            "client_address": info.address,
            **trust_params(device, now=now, life=self._policy.trusted_device_life),
        }
        row = await tx.execute(BESIDE.where(User.id == user.id), values)
        is_strange, is_factor_set_up, trusted_id = row.one()
        proved = [Proved(Method.EMAIL_CODE, now)]
        if is_factor_set_up and trusted_id is not None:
            proved.append(Proved(Method.TRUSTED_DEVICE, now, trusted_id))
        is_new_device = bool(is_strange) and not device.is_known_to(user)
        return Proof(user, tuple(proved), bool(is_factor_set_up), is_new_device=is_new_device)
