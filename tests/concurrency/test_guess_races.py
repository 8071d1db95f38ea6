"""Concurrent guesses over real connections to two processes: none is checked beyond the limit, and all are counted."""

import asyncio
import uuid
from collections import Counter

import httpx
from sqlalchemy import func, select

from gatepost.audit.log import AuditEvent
from gatepost.audit.models import AuditEntry
from gatepost.identity.accounts.names import canonical_identifier
from gatepost.identity.throttling.counters import Counters, counted_name
from gatepost.identity.throttling.models import GuessCounter
from tests.support.api import PASSWORD, Api
from tests.support.workers import FREE_GUESSES, Workers

AT_ONCE = 24


async def guess(api: Api, name: str, password: str) -> httpx.Response:
    return await api.post("/api/auth/signin", json={"username": name, "password": password})


async def failures(workers: Workers, name: str) -> int:
    """Return what is counted for a name, at the address that it has signed up from or at any other."""
    counters = Counters(workers.office.settings.keys)
    counted = counted_name(name, canonical_identifier(name))
    subjects = [counters.of_name(counted).subject, counters.of_place(counted, "127.0.0.1").subject]
    async with workers.database.read() as tx:
        return await tx.scalar(select(func.sum(GuessCounter.failures)).where(GuessCounter.subject.in_(subjects))) or 0


async def test_every_wrong_guess_that_was_answered_is_counted(workers: Workers) -> None:
    for name in (
        f"nobody {uuid.uuid4().hex}",
        (await workers.first.sign_up(f"victim {uuid.uuid4().hex}")).username,
    ):
        answers = await asyncio.gather(
            *(guess(api, name, f"guess {index}") for index, api in enumerate(workers.in_turn(AT_ONCE)))
        )

        statuses = Counter(answer.status_code for answer in answers)
        # On a machine that is busy with other things somebody may wait for the rows too long.
        assert (statuses[401], statuses[401] + statuses[429] + statuses[503]) == (FREE_GUESSES, AT_ONCE)
        assert await failures(workers, name) == FREE_GUESSES


async def test_right_password_among_many_guesses_at_once_is_told_in_the_first_few_or_not_at_all(
    workers: Workers,
) -> None:
    for place in (0, AT_ONCE // 2, AT_ONCE - 1):
        victim = await workers.first.sign_up(f"victim {uuid.uuid4().hex}")
        answers = await asyncio.gather(
            *(
                guess(api, victim.username, PASSWORD if index == place else f"guess {index}")
                for index, api in enumerate(workers.in_turn(AT_ONCE))
            )
        )

        statuses = Counter(answer.status_code for answer in answers)
        # A right one clears what was wrong before it, and so may give the same number again.
        assert statuses[401] <= FREE_GUESSES * (1 + statuses[200])
        assert statuses[429] + statuses[503] >= AT_ONCE - 1 - FREE_GUESSES * 2
        async with workers.database.read() as tx:
            refused = await tx.scalar(
                select(func.count())
                .select_from(AuditEntry)
                .where(AuditEntry.event == AuditEvent.SIGN_IN_FAILED, AuditEntry.user_id == victim.id)
            )
        assert refused == statuses[401]
