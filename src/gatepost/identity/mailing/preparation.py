"""Making the mails of the outbox ready: each kind by what its flow has registered for it."""

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

# Returns what to send, in the caller's transaction; None where nobody is to get it any more.
PrepareMail = Callable[[Transaction, OutboxMail], Awaitable[PreparedMail | None]]


class MailPreparation:
    """Makes mails ready; the outbox worker calls it. `kinds` has what each kind of mail is made ready by."""

    def __init__(
        self, database: Database, clock: Clock, mailboxes: Mailboxes, kinds: Mapping[MailKind, PrepareMail]
    ) -> None:
        self._db = database
        self._clock = clock
        self._mailboxes = mailboxes
        self._kinds = kinds

    async def prepare(self, mail: OutboxMail) -> PreparedMail | None:
        """Return what to send; None where nobody is to get it any more, or its mailbox has had too many.

        Each try makes a new link, and the one before is void.
        """
        if mail.attempts == 0 and mail.kind != MailKind.INVITATION:  # those count when they are asked for
            asker = str(mail.data.get("asker", ""))
            is_home = bool(asker) and await self._is_home(mail, asker)
            if not await self._mailboxes.admit(mail.kind, canonical(mail.address), asker, is_home=is_home):
                await self._drop(mail)
                return None
        return await self._prepare(mail)

    async def _is_home(self, mail: OutboxMail, asker: str) -> bool:
        """Whether the account of a mail is signed in to where the mail was asked for.

        Looked up now, so that asking takes as long for an account with many sessions as for none.
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
        """Let a mail that is not sent leave no token behind; an invitation keeps its own, under another name."""
        if "link_id" in mail.data:
            async with self._db.begin() as tx:
                await OneTimeTokens(tx).remove(int(mail.data["link_id"]))
