"""Sends the mails in the outbox: each of them once, however many workers and replicas read it."""

import asyncio
import logging
import random
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from traceback import format_tb
from typing import Any

from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, retry_conflicts
from gatepost.core.db.tables import UNREADABLE
from gatepost.mail.errors import MailNotSent, MailRefused
from gatepost.mail.messages import Messages
from gatepost.mail.models import OutboxMail
from gatepost.mail.outbox import TOPIC
from gatepost.mail.prepared import PreparesMail
from gatepost.mail.repository import Outbox, OutboxCounts
from gatepost.mail.transports import Transport

logger = logging.getLogger("gatepost")

# Mails sent concurrently; each has its own connection, and mail servers limit those.
BATCH = 5
SEND_SECONDS = 30.0
# Much longer than preparing and sending take, so that a mail is not claimed again while it is being sent.
CLAIM = timedelta(minutes=3)
# The time that a shutdown gives to mails being sent; an interrupted one is sent again when its claim has expired.
STOP_SECONDS = 5.0
WAITS = tuple(timedelta(seconds=seconds) for seconds in (10, 30, 60, 300, 900, 3600, 7200, 14400, 28800, 43200, 86400))
JITTER = 0.2


@dataclass(frozen=True, slots=True)
class Claimed:
    """A mail that only this worker sends until the claim expires."""

    mail: OutboxMail
    until: datetime


class OutboxWorker:
    """Sends the mails of the outbox that are due."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        transport: Transport,
        messages: Messages,
        preparer: PreparesMail,
        *,
        attempts: int,
        send_seconds: float = SEND_SECONDS,
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        self._db = database
        self._clock = clock
        self._transport = transport
        self._messages = messages
        self._preparer = preparer
        self._attempts = attempts
        self._send_seconds = send_seconds
        self._stop_seconds = stop_seconds
        self._round = asyncio.Lock()
        # Mails are prepared in the order of requests: whether one is sent may depend on the one before.
        self._turn = asyncio.Lock()
        self._failing = False
        self.woken = asyncio.Event()
        """Set after each commit that added a mail to the outbox."""
        database.listen(TOPIC, self.woken.set)

    async def run_once(self) -> int:
        """Try to send every mail that is due; return how many were sent.

        When it returns, all mails that were due at the call have been tried, by this call or by an earlier one.
        """
        sent = 0
        async with self._round:
            while batch := await self._due():
                claimed = await self._claim(batch)
                sent += len(await _finish([self._deliver(one) for one in claimed], self._stop_seconds))
        return sent

    def now(self) -> datetime:
        """Return the current time, which decides whether mails are due."""
        return self._clock.now()

    async def counts(self) -> OutboxCounts:
        """Return the counts of the outbox, which all replicas share."""
        async with self._db.read() as tx:
            return await Outbox(tx).counts()

    async def failed(self) -> Sequence[OutboxMail]:
        """Return the mails that were given up, the oldest first."""
        async with self._db.read() as tx:
            return await Outbox(tx).failed()

    @retry_conflicts
    async def retry(self, mail_id: int | None = None) -> int:
        """Schedule one or all given-up mails again, with all attempts; return how many."""
        async with self._db.begin() as tx:
            return await Outbox(tx).put_back(now=self._clock.now(), mail_id=mail_id)

    async def _due(self) -> Sequence[OutboxMail]:
        async with self._db.read() as tx:
            return await Outbox(tx).due(now=self._clock.now(), limit=BATCH)

    @retry_conflicts
    async def _claim(self, mails: Sequence[OutboxMail]) -> list[Claimed]:
        now = self._clock.now()
        until = now + CLAIM
        async with self._db.begin() as tx:
            outbox = Outbox(tx)
            # Ordered by id, so that two workers do not wait for each other.
            in_order = sorted(mails, key=lambda mail: mail.id)
            return [Claimed(mail, until) for mail in in_order if await outbox.claim(mail, now=now, until=until)]

    async def _deliver(self, claimed: Claimed) -> bool:
        try:
            was_sent = await self._send(claimed.mail)
        except MailRefused as error:
            await self._give_up(claimed, str(error))
        except MailNotSent as error:
            await self._failed(claimed, str(error))
        except Exception as error:  # noqa: BLE001  one broken mail must not delay the others
            # The traceback without the error's message, which may contain an address.
            logger.debug("mail %s: %s", claimed.mail.id, "".join(format_tb(error.__traceback__)))
            await self._failed(claimed, f"the mail cannot be rendered: {type(error).__name__}")
        else:
            await self._remove(claimed.mail)
            return was_sent
        return False

    async def _send(self, mail: OutboxMail) -> bool:
        if mail.created_at == UNREADABLE:
            # `created_at` distinguishes it from another mail with its id; without it, the row could not be removed.
            raise MailRefused("the mail's row in the outbox cannot be read")
        async with self._turn:
            prepared = await self._preparer.prepare(mail)
        if prepared is None:
            return False
        message = self._messages.compose(prepared)
        try:
            async with asyncio.timeout(self._send_seconds):
                await self._transport.send(message)
        except TimeoutError as error:
            raise MailNotSent("the server does not answer in time") from error
        self._note(works=True)
        return True

    async def _failed(self, claimed: Claimed, cause: str) -> None:
        self._note(works=False, cause=cause)
        attempts = claimed.mail.attempts + 1
        if attempts >= self._attempts:
            await self._give_up(claimed, cause)
        else:
            await self._put_off(claimed, cause)

    @retry_conflicts
    async def _remove(self, mail: OutboxMail) -> None:
        async with self._db.begin() as tx:
            await Outbox(tx).remove(mail)

    @retry_conflicts
    async def _put_off(self, claimed: Claimed, cause: str) -> None:
        attempts = claimed.mail.attempts + 1
        async with self._db.begin() as tx:
            await Outbox(tx).put_off(
                claimed.mail.id,
                claimed_until=claimed.until,
                attempts=attempts,
                cause=cause,
                due_at=self._clock.now() + wait_after(attempts),
            )

    @retry_conflicts
    async def _give_up(self, claimed: Claimed, cause: str) -> None:
        attempts = claimed.mail.attempts + 1
        async with self._db.begin() as tx:
            is_ours = await Outbox(tx).give_up(
                claimed.mail.id, claimed_until=claimed.until, attempts=attempts, cause=cause, at=self._clock.now()
            )
        if not is_ours:
            return
        logger.error(
            "mail %s (%s) was given up after %s tries: %s; see gatepost mail failed",
            claimed.mail.id,
            claimed.mail.kind,
            attempts,
            cause,
        )

    def _note(self, *, works: bool, cause: str = "") -> None:
        """Log once when mail cannot be sent, and once when it can be sent again."""
        if self._failing and works:
            logger.warning("mail is sent again")
        elif not self._failing and not works:
            logger.warning("mail cannot be sent: %s; it will be tried again", cause)
        self._failing = not works


def wait_after(attempts: int) -> timedelta:
    """Return the wait after this many failed attempts: it grows, with jitter so that replicas do not retry in step."""
    wait = WAITS[min(attempts, len(WAITS)) - 1]
    return wait * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  spreads retries, guards nothing


async def _finish(deliveries: Sequence[Coroutine[Any, Any, bool]], stop_seconds: float) -> list[bool]:
    """Wait for all deliveries and return a True for each mail that was sent. A cancellation waits `stop_seconds` more.

    Raises:
        Exception: the error of the first delivery that failed, after all have ended.
    """
    batch = asyncio.gather(*deliveries, return_exceptions=True)
    try:
        results = await asyncio.shield(batch)
    except asyncio.CancelledError:
        with suppress(TimeoutError):
            async with asyncio.timeout(stop_seconds):
                await batch
        raise
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [was_sent for was_sent in results if was_sent is True]
