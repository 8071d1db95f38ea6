"""Asking for codes by mail, and checking them, in transactions of callers."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from gatepost.audit.log import LONGEST_ADDRESS, AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.crypto.secrets import SecretKeys, digest_of
from gatepost.core.db.database import Transaction
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import Name
from gatepost.identity.accounts.repository import Users
from gatepost.identity.assurance.decision import Refusal
from gatepost.identity.credentials.email_codes.codes import CodeMacs, new_code
from gatepost.identity.credentials.email_codes.repository import EmailCodes
from gatepost.identity.links.models import EmailCode
from gatepost.identity.links.tokens import new_token
from gatepost.identity.throttling.counters import Counter
from gatepost.identity.throttling.devices import UNKNOWN_DEVICE, Device
from gatepost.identity.throttling.guesses import Guesses
from gatepost.identity.throttling.mailboxes import asker
from gatepost.mail.languages import choose
from gatepost.mail.outbox import MailKind, enqueue

LIFE = timedelta(minutes=10)
# In which a mail arrives.
RESEND_AFTER = timedelta(minutes=1)


class CodePurpose(StrEnum):
    """What a code is good for; one of one purpose is none for another."""

    SIGN_IN = "sign_in"
    PROVE_ADDRESS = "prove_address"
    REAUTHENTICATE = "reauthenticate"


MAILS: Mapping[CodePurpose, MailKind] = {
    CodePurpose.SIGN_IN: MailKind.SIGN_IN_CODE,
    CodePurpose.PROVE_ADDRESS: MailKind.ADDRESS_CODE,
    CodePurpose.REAUTHENTICATE: MailKind.CONFIRMATION_CODE,
}


@dataclass(frozen=True, slots=True)
class ProvedMailbox:
    """A mailbox that whoever showed its code can read, spelled as the mail was addressed.

    `user` is the account that had the address when the code was asked for, if its purpose asks whose it is.
    """

    email: Name
    user: User | None


class EmailCodeMethod:
    """Keeps codes, in transactions of its callers.

    A code is good for ten minutes from when it was asked for, for five tries, and at the place that `bound_to` names:
    text of at most 64 characters that tells nothing secret, such as the digest of a cookie.
    """

    def __init__(self, clock: Clock, guesses: Guesses, keys: SecretKeys, *, default_language: str) -> None:
        self._clock = clock
        self._guesses = guesses
        self._macs = CodeMacs(keys)
        self._default_language = default_language

    async def ask(
        self,
        tx: Transaction,
        purpose: CodePurpose,
        email: Name,
        *,
        bound_to: str,
        info: RequestInfo,
        user: User | None = None,
        device: Device = UNKNOWN_DEVICE,
        before: str = "",
    ) -> None:
        """Put a mail with a new code to an address into the outbox; an earlier code of the same place is void.

        So is the one that was bound to `before`. Of an account the caller keeps `user` from changing. The code itself
        is made when the mail is sent.
        """
        now = self._clock.now()
        row = EmailCode(
            purpose=purpose.value,
            bound_to=bound_to,
            user_id=user.id if user is not None else None,
            email=email.display,
            email_canonical=email.canonical,
            code_mac="",
            link_digest=secrets.token_hex(32),
            tries=0,
            address=info.address[:LONGEST_ADDRESS],
            user_agent=info.user_agent,
            created_at=now,
            expires_at=now + LIFE,
        )
        await EmailCodes(tx).replace(row, before=before)
        enqueue(
            tx,
            MAILS[purpose],
            address=email.display,
            language=choose(info.language, default=self._default_language),
            at=now,
            user_id=row.user_id,
            data={"code_id": row.id, "asker": asker(info, device, user)},
        )

    async def write(self, tx: Transaction, row: EmailCode) -> tuple[str, str]:
        """Return a new code and the token of a new link for a mail that is being sent; none before is good any more."""
        code, token = new_code(), new_token()
        row.code_mac, row.link_digest = self._macs.of(code, row.bound_to), digest_of(token)
        await tx.flush()
        return code, token

    async def check(
        self,
        tx: Transaction,
        purpose: CodePurpose,
        code: str,
        *,
        bound_to: str,
        email: Name,
        info: RequestInfo,
        device: Device = UNKNOWN_DEVICE,
        counters: Sequence[Counter] | None = None,
    ) -> ProvedMailbox | None:
        """Use a code up and return what it proves; None where it is not right, which is counted: the caller commits.

        Wrong ones count on `counters`, or else on the address, over all of its codes, whether an account has it or not.

        Raises:
            TooManyAttempts: too many were wrong; whether this one was right is not told. The caller undoes all.
        """
        now = self._clock.now()
        row = await EmailCodes(tx).take_try(purpose.value, bound_to, email.canonical, now=now)
        if row is None:
            return None
        user = await Users(tx).kept(row.user_id or 0)
        if counters is None:
            counters = self._guesses.of_email_codes(email.canonical, user, info=info, device=device)
        await self._guesses.check(tx, counters)
        if not self._macs.fits(code, row.code_mac, bound_to):
            await self._guesses.record_failure(tx, counters, info=info, user_id=row.user_id)
            if purpose is CodePurpose.SIGN_IN:
                told = {"reason": Refusal.WRONG_CODE.value}
                record(tx, AuditEvent.SIGN_IN_FAILED, at=now, user_id=row.user_id, info=info, details=told)
            return None
        await self._guesses.record_success(tx, counters, user, info=info)
        return await self._use(tx, row, user)

    async def look(self, tx: Transaction, purpose: CodePurpose, token: str) -> EmailCode | None:
        """Return the code beside a link, without using it up; None where the link is no good."""
        return await EmailCodes(tx).of_link(purpose.value, token, now=self._clock.now())

    async def open_link(
        self, tx: Transaction, purpose: CodePurpose, token: str, *, bound_to: str | None
    ) -> ProvedMailbox | None:
        """As `check`, of the link beside a code: at the place where it was asked for, or with None at any place."""
        row = await self.look(tx, purpose, token)
        if row is None or (bound_to is not None and row.bound_to != bound_to):
            return None
        return await self._use(tx, row, await Users(tx).kept(row.user_id or 0))

    async def _use(self, tx: Transaction, row: EmailCode, user: User | None) -> ProvedMailbox | None:
        if not await EmailCodes(tx).use(row, now=self._clock.now()):
            return None
        email = Name(user.email, user.email_canonical) if user is not None else Name(row.email, row.email_canonical)
        return ProvedMailbox(email, user)
