"""E-mail addresses: proving one, and changing to another."""

from sqlalchemy.exc import IntegrityError

from gatepost.access.principal import Principal
from gatepost.accounts.errors import EmailTaken, LinkUnusable, UserNotFound
from gatepost.accounts.models import OneTimeToken
from gatepost.accounts.names import Name, parse_email
from gatepost.accounts.one_time_tokens import OneTimeTokens, Purpose
from gatepost.accounts.pending_sign_ups import PendingSignUps
from gatepost.accounts.policy import AccountPolicy
from gatepost.accounts.repository import Users
from gatepost.audit.log import AuditEvent, record
from gatepost.core.client import Client
from gatepost.core.clock import Clock
from gatepost.core.database import Database, Transaction, retry_conflicts
from gatepost.mail.languages import choose
from gatepost.mail.outbox import MailKind, enqueue
from gatepost.recovery.passwords import PasswordService


class AddressService:
    """Proves and changes e-mail addresses; nothing here tells whether an address has an account."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        passwords: PasswordService,
        sign_ups: PendingSignUps,
        *,
        policy: AccountPolicy,
    ) -> None:
        self._db = database
        self._clock = clock
        self._passwords = passwords
        self._sign_ups = sign_ups
        self._policy = policy

    @retry_conflicts
    async def send_link(self, email: Name, *, client: Client) -> None:
        """Write to an address how to prove it, where an account or a sign-up that has not yet done so has it."""
        async with self._db.begin() as tx:
            enqueue(
                tx,
                MailKind.VERIFY_EMAIL,
                address=email.display,
                language=choose(client.language, default=self._policy.default_language),
                at=self._clock.now(),
            )

    async def confirm(self, token: str, *, client: Client) -> None:
        """Prove an address, change to a proved one, or end a sign-up, by the token of the mail that went there.

        Raises:
            LinkUnusable: the token is no good, or the account has changed since.
            EmailTaken, UsernameTaken: another account has the new address, or the name of the sign-up, by now.
        """
        try:
            await self._confirm(token, client=client)
        except IntegrityError as error:
            raise EmailTaken from error

    async def ask_change(self, principal: Principal, email: Name, password: str, *, client: Client) -> None:
        """Write to a new address how to confirm it; until then the old one stays.

        Raises:
            WrongPassword: the current password is wrong.
            TooManyAttempts: it was wrong too often.
            UserNotFound: the account has been deleted a moment ago.
        """
        await self._passwords.prove(principal, password, client=client)
        await self._ask_change(principal, email, client=client)

    @retry_conflicts
    async def _ask_change(self, principal: Principal, email: Name, *, client: Client) -> None:
        now = self._clock.now()
        async with self._db.begin() as tx:
            user = await Users(tx).get(principal.user_id)
            if user is None:
                raise UserNotFound
            enqueue(
                tx,
                MailKind.CONFIRM_NEW_EMAIL,
                address=email.display,
                language=user.language,
                at=now,
                user_id=user.id,
            )
            record(
                tx, AuditEvent.EMAIL_CHANGE_ASKED, at=now, user_id=user.id, session_id=principal.session_id,
                client=client,
            )  # fmt: skip

    @retry_conflicts
    async def _confirm(self, token: str, *, client: Client) -> None:
        now = self._clock.now()
        async with self._db.begin() as tx:
            tokens = OneTimeTokens(tx)
            if (used := await tokens.use(Purpose.VERIFY_EMAIL, token, now=now)) is not None:
                await self._verify(tx, used, client=client)
            elif (used := await tokens.use(Purpose.CHANGE_EMAIL, token, now=now)) is not None:
                await self._change(tx, used, client=client)
            elif (used := await tokens.use(Purpose.SIGN_UP, token, now=now)) is not None:
                await self._sign_ups.complete(tx, used, client=client)
            else:
                raise LinkUnusable

    async def _verify(self, tx: Transaction, used: OneTimeToken, *, client: Client) -> None:
        now = self._clock.now()
        user = await Users(tx).to_change(used.user_id or 0)
        if user is None or user.email_canonical != used.email_canonical:
            raise LinkUnusable
        if user.email_verified_at is None:
            user.email_verified_at = user.updated_at = now
            record(tx, AuditEvent.EMAIL_VERIFIED, at=now, user_id=user.id, client=client)

    async def _change(self, tx: Transaction, used: OneTimeToken, *, client: Client) -> None:
        now = self._clock.now()
        user = await Users(tx).to_change(used.user_id or 0)
        if user is None:
            raise LinkUnusable
        old = user.email
        new = parse_email(used.data["email"])
        user.email, user.email_canonical = new.display, new.canonical
        user.email_verified_at = user.updated_at = now
        user.version += 1
        await tx.flush()
        # Links that went to the old address must not open the account any more.
        await OneTimeTokens(tx).void(user.id, [Purpose.SET_PASSWORD, Purpose.VERIFY_EMAIL], now=now)
        enqueue(
            tx,
            MailKind.EMAIL_CHANGED,
            address=old,
            language=user.language,
            at=now,
            user_id=user.id,
            data={"device": client.user_agent, "client_address": client.address, "old_email": old},
        )
        record(tx, AuditEvent.EMAIL_CHANGED, at=now, user_id=user.id, client=client)
