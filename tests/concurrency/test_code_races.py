"""Codes of second factors, tried at the same moment in two processes."""

import asyncio
import uuid
from collections import Counter
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from gatepost.audit.log import AuditEvent
from gatepost.audit.models import AuditEntry
from gatepost.identity.factors.models import TotpSecret
from tests.support.api import Person
from tests.support.factors import App, go_on, pending_token, set_up_app
from tests.support.workers import FREE_GUESSES, Workers

AT_ONCE = 20


@pytest.fixture
async def person(workers: Workers) -> Person:
    return await workers.first.sign_up(f"app {uuid.uuid4().hex}")


@pytest.fixture
async def app(workers: Workers, person: Person) -> App:
    app = await set_up_app(workers.first, workers.office, person)
    # As if a while had passed: the processes have clocks of their own.
    async with workers.database.begin() as tx:
        await tx.execute(update(TotpSecret).where(TotpSecret.user_id == person.id).values(last_step=0))
    return app


@pytest.mark.parametrize("method", ["totp", "recovery_code"])
async def test_of_twenty_equal_codes_one_opens_a_session(
    workers: Workers, person: Person, app: App, method: str
) -> None:
    code = app.code(datetime.now(UTC)) if method == "totp" else app.recovery_codes[0]
    tokens = [await pending_token(workers.first, person) for _ in range(AT_ONCE)]
    before = await workers.sessions_of(person.id)

    answers = await asyncio.gather(
        *(go_on(api, token, code, method) for api, token in zip(workers.in_turn(AT_ONCE), tokens, strict=True))
    )

    statuses = Counter(answer.status_code for answer in answers)
    # On a machine that is busy with other things somebody may wait for the rows too long.
    assert statuses[200] == 1, statuses
    assert statuses.keys() <= {200, 401, 429, 503}
    assert await workers.sessions_of(person.id) == before + 1


async def test_one_pending_sign_in_opens_one_session_by_whatever_codes(
    workers: Workers, person: Person, app: App
) -> None:
    token = await pending_token(workers.first, person)
    before = await workers.sessions_of(person.id)

    answers = await asyncio.gather(
        *(
            go_on(api, token, code, "recovery_code")
            for api, code in zip(workers.in_turn(10), app.recovery_codes, strict=True)
        )
    )

    assert [answer.status_code for answer in answers].count(200) == 1
    assert await workers.sessions_of(person.id) == before + 1


async def test_wrong_codes_at_once_get_no_more_answers_than_one_by_one(
    workers: Workers, person: Person, app: App
) -> None:
    tokens = [await pending_token(workers.first, person) for _ in range(AT_ONCE)]

    answers = await asyncio.gather(
        *(go_on(api, token, "000000") for api, token in zip(workers.in_turn(AT_ONCE), tokens, strict=True))
    )

    statuses = Counter(answer.status_code for answer in answers)
    assert (statuses[401], statuses[401] + statuses[429] + statuses[503]) == (FREE_GUESSES, AT_ONCE)
    async with workers.database.read() as tx:
        query = select(AuditEntry.details).where(
            AuditEntry.event == AuditEvent.SIGN_IN_FAILED, AuditEntry.user_id == person.id
        )
        assert [details["reason"] for details in await tx.scalars(query)] == ["wrong_code"] * FREE_GUESSES
