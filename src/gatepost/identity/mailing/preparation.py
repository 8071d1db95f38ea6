"""Prepares the mails of the outbox: each kind with the function that its flow has registered."""

from collections.abc import Awaitable, Callable, Mapping

from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.identity.links.tokens import OneTimeTokens
from gatepost.identity.mailing.links import canonical
from gatepost.identity.sessions.repository import Sessions
from gatepost.identity.throttling.mailboxes import Mailboxes
from gatepost.mail.models import OutboxMail
from gatepost.mail.outbox import MailKind
from gatepost.mail.prepared import PreparedMail
from gatepost.mail.repository import Outbox

# Returns what to send, in the caller's transaction; None if the mail should not be sent any more.
PrepareMail = Callable[[Transaction, OutboxMail], Awaitable[PreparedMail | None]]


class MailPreparation:
    """Prepares mails for the outbox worker. `kinds` has the function for each kind of mail."""

    def __init__(
        self, database: Database, clock: Clock, mailboxes: Mailboxes, kinds: Mapping[MailKind, PrepareMail]
    ) -> None:
        self._db = database
        self._clock = clock
        self._mailboxes = mailboxes
        self._kinds = kinds

    async def prepare(self, mail: OutboxMail) -> PreparedMail | None:
        """Return what to send; None if it should not be sent any more, or if the mailbox has had too many mails.

        Each attempt creates a new link, and the previous one is void.
        """
        if mail.attempts == 0 and mail.kind != MailKind.INVITATION:  # invitations are counted when they are requested
            asker = str(mail.data.get("asker", ""))
            is_home = bool(asker) and await self._is_home(mail, asker)
            if not await self._mailboxes.admit(mail.kind, canonical(mail.address), asker, is_home=is_home):
                await self._drop(mail)
                return None
        return await self._prepare(mail)

    async def _is_home(self, mail: OutboxMail, asker: str) -> bool:
        """Whether the account of a mail is signed in at the address from which the mail was requested.

        Checked now, so that a request takes the same time for an account with many sessions as without an account.
        """
        async with self._db.read() as tx:
            return await Sessions(tx).is_live_at(mail.user_id, asker, now=self._clock.now())

    @retry_conflicts
    async def _prepare(self, mail: OutboxMail) -> PreparedMail | None:
        async with self._db.begin() as tx:
            if not await Outbox(tx).has(mail):
                return None
            return await self._kinds[MailKind(mail.kind)](tx, mail)

    @retry_conflicts
    async def _drop(self, mail: OutboxMail) -> None:
        """Delete the token of a mail that is not sent. Invitations have their token elsewhere, and keep it."""
        if "link_id" in mail.data:
            async with self._db.begin() as tx:
                await OneTimeTokens(tx).remove(int(mail.data["link_id"]))
