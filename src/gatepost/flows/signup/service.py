"""Sign-up: immediate, by invitation, or completed by a mail link."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sqlalchemy.exc import IntegrityError

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.crypto.passwords import UNUSABLE_HASH, Passwords
from gatepost.core.db.database import Database, retry_conflicts
from gatepost.core.request_info import RequestInfo
from gatepost.core.settings import EmailVerification
from gatepost.flows.signup.passkeys import Made, PasskeySignUp
from gatepost.identity.accounts.errors import EmailTaken, InvitationInvalid, RoleNotGrantable
from gatepost.identity.accounts.names import Name
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.accounts.repository import Roles, Users
from gatepost.identity.accounts.roles import RoleName
from gatepost.identity.assurance.opening import SessionOpening
from gatepost.identity.assurance.pending import SignInContinuation
from gatepost.identity.assurance.proofs import Proof, Proved
from gatepost.identity.credentials.passkeys.errors import WrongPasskey
from gatepost.identity.credentials.password_rules import PasswordRules
from gatepost.identity.credentials.recovery_codes.method import RecoveryCodeMethod
from gatepost.identity.factors.methods import Method
from gatepost.identity.invitations.acceptance import accept, find, roles_given
from gatepost.identity.invitations.models import Invitation
from gatepost.identity.invitations.repository import Invitations
from gatepost.identity.links.mails import notify
from gatepost.identity.registration.pending import PendingSignUps
from gatepost.identity.registration.service import AccountService, NewAccount
from gatepost.identity.sessions.handout import SignedIn
from gatepost.identity.throttling.counters import turn_of
from gatepost.identity.throttling.mailboxes import asker
from gatepost.mail.outbox import MailKind


@dataclass(frozen=True, slots=True)
class PasskeyAnswer:
    """What the browser has made of a challenge, in the place of a password."""

    challenge_id: str = field(repr=False)
    credential: object = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignUpCommand:
    """The data of a sign-up."""

    account: NewAccount
    roles: Sequence[str]
    invitation: str | None
    passkey: PasskeyAnswer | None = None


@dataclass(frozen=True, slots=True)
class SignedUp:
    """Somebody who has signed up, with a passkey with its recovery codes as well."""

    signed_in: SignedIn
    recovery_codes: Sequence[str] | None = field(default=None, repr=False)


class SignUpService:
    """Creates accounts for people who sign up."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        passwords: Passwords,
        opening: SessionOpening,
        continuation: SignInContinuation,
        accounts: AccountService,
        pending: PendingSignUps,
        by_passkey: PasskeySignUp,
        recovery_codes: RecoveryCodeMethod,
        *,
        rules: PasswordRules,
        policy: AccountPolicy,
    ) -> None:
        self._db = database
        self._clock = clock
        self._passwords = passwords
        self._opening = opening
        self._continuation = continuation
        self._accounts = accounts
        self._pending = pending
        self._by_passkey = by_passkey
        self._recovery_codes = recovery_codes
        self._rules = rules
        self._policy = policy

    async def sign_up(
        self, command: SignUpCommand, *, info: RequestInfo, replaces: Collection[int] = ()
    ) -> SignedUp | None:
        """Create an account and sign in. Returns None if the person gets a mail with the next step.

        The sign-in ends the sessions in `replaces`. If the deployment does not reveal what is taken, no account is
        created until the address is verified.

        Raises:
            SignUpClosed, InvitationRequired, InvitationInvalid: this person may not sign up.
            UnknownRole, RoleNotGrantable: a role other than `user` was requested.
            RolesTooLong: the roles of the invitation are now too long for an access token.
            UsernameTaken, EmailTaken: another account has it, and the deployment reveals this.
            PasswordNotAllowed: the password breaks a rule.
            PasskeySignUpUnavailable, WrongPasskey: it is not possible with a passkey, or with this one.
            HashingBusy: too many people are signing in.
            SecondFactorRequired: the account is there, and has to set up a second factor first.
        """
        await self._check_invitation(command)
        await self._check_roles(command.roles)
        if command.passkey is not None:
            return await self._sign_up_by(command.passkey, command, info=info, replaces=replaces)
        self._rules.check(command.account.password, names=command.account.names)
        # The invitation has already verified the address.
        tells = self._policy.reveals_taken or command.invitation is not None
        if tells:
            await self._accounts.refuse_taken(command.account)
        password_hash = await self._passwords.hash(command.account.password, asker=turn_of(info))
        if not tells:
            await self._keep(command.account, password_hash, info=info)
            return None
        try:
            proof, signed_up = await self._make(command, password_hash, None, info=info, replaces=replaces)
        except IntegrityError:
            await self._accounts.refuse_taken(command.account)
            raise
        is_proved = self._policy.verification is EmailVerification.OFF or proof.user.email_verified_at is not None
        if signed_up is None and is_proved:
            pending = await self._continuation.ask_for_more(proof, info=info)
            if pending is not None:
                raise pending
        return signed_up

    async def _sign_up_by(
        self, passkey: PasskeyAnswer, command: SignUpCommand, *, info: RequestInfo, replaces: Collection[int]
    ) -> SignedUp | None:
        self._by_passkey.require_open(is_invited=command.invitation is not None)
        # First, so that a request that is sent twice is told of its passkey, and not of the names of its own account.
        made = await self._by_passkey.read(command.account, passkey.challenge_id, passkey.credential)
        await self._accounts.refuse_taken(command.account)
        try:
            _, signed_up = await self._make(command, UNUSABLE_HASH, made, info=info, replaces=replaces)
        except IntegrityError as error:
            await self._accounts.refuse_taken(command.account)
            raise WrongPasskey from error
        return signed_up

    @retry_conflicts
    async def invitation_of(self, token: str) -> Invitation:
        """Return the invitation of a link's token, if it can be accepted now. It is not used up.

        Raises:
            SignUpClosed: nobody could accept it. InvitationInvalid: it was used, has expired, was revoked or replaced,
            or its inviter has lost the right to it. EmailTaken: the address now has an account.
        """
        self._policy.require_sign_up(is_invited=True)
        async with self._db.begin() as tx:
            invitation = await Invitations(tx).of_token(token, now=self._clock.now())
            if invitation is None:
                raise InvitationInvalid
            if await Users(tx).by_email(invitation.email_canonical) is not None:
                raise EmailTaken
            await roles_given(tx, invitation)
        return invitation

    @retry_conflicts
    async def _keep(self, new: NewAccount, password_hash: str, *, info: RequestInfo) -> None:
        async with self._db.begin() as tx:
            await self._pending.keep(tx, new, password_hash, info=info)

    @retry_conflicts
    async def _make(
        self,
        command: SignUpCommand,
        password_hash: str,
        made: Made | None,
        *,
        info: RequestInfo,
        replaces: Collection[int],
    ) -> tuple[Proof, SignedUp | None]:
        now = self._clock.now()
        async with self._db.begin() as tx:
            account, accepted = command.account, None
            if command.invitation is None:
                roles = await Roles(tx).given([RoleName.USER])
            else:
                accepted, roles = await accept(tx, command.invitation, email=account.email, now=now)
                # Only the exact spelling that the mail went to is verified; another one may be somebody else's mailbox.
                account = account.verified_as(Name(accepted.email, account.email.canonical))
            user = await self._accounts.add(tx, account, password_hash, roles=roles, info=info)
            if accepted is not None:
                details = {"invitation": accepted.id}
                record(tx, AuditEvent.INVITATION_ACCEPTED, at=now, user_id=user.id, info=info, details=details)
            elif self._policy.verification is not EmailVerification.OFF:
                await notify(tx, MailKind.VERIFY_EMAIL, user, at=now, data={"asker": asker(info)})
            proved, codes = Proved(Method.PASSWORD, now), None
            if made is not None:
                proved = await self._by_passkey.give(tx, user, made, info=info)
            proof = Proof(user, (proved,), has_second_factor=made is not None)
            session = await self._opening.open_in(tx, proof, info=info, replaces=replaces)
            if session is not None and made is not None:
                codes = await self._recovery_codes.make(tx, user)
        return proof, SignedUp(self._opening.issue(user, session), codes) if session is not None else None

    async def _check_invitation(self, command: SignUpCommand) -> None:
        self._policy.require_sign_up(is_invited=command.invitation is not None)
        if command.invitation is None:
            return
        async with self._db.read() as tx:
            await find(tx, command.invitation, email=command.account.email, now=self._clock.now())

    async def _check_roles(self, roles: Sequence[str]) -> None:
        requested = set(roles) - {RoleName.USER}
        if not requested:
            return
        async with self._db.read() as tx:
            await Roles(tx).given(requested)
        raise RoleNotGrantable
