"""Refresh tokens that several hold at once, at two processes."""

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import select

from gatepost.audit.log import AuditEvent
from gatepost.audit.models import AuditEntry
from tests.conftest import MakeServices, http_client, started
from tests.support.api import Api, assert_problem
from tests.support.clock import FakeClock
from tests.support.workers import Workers, at_once, codes, expires_at, refused_everywhere, session_id

pytestmark = pytest.mark.both_databases

ROUNDS = 100 if os.environ.get("FAULTS") == "long" else 25
AT_ONCE = 20


async def test_twenty_at_once_on_one_token_take_it_one_generation_forward_each_time(workers: Workers) -> None:
    person = await workers.first.sign_up(f"tabs {uuid.uuid4().hex}")
    session, token = session_id(person.access_token), person.refresh_token

    for generation in range(1, ROUNDS + 1):
        answers = await at_once(api.refresh(token) for api in workers.in_turn(AT_ONCE))

        assert [answer.status_code for answer in answers] == [200] * AT_ONCE, codes(answers)
        successors = {answer.json()["refreshToken"] for answer in answers}
        assert len(successors) == 1, successors
        row = await workers.session(session)
        assert (row.generation, row.ended_at) == (generation, None)
        assert row.access_expires_at >= max(expires_at(answer.json()["accessToken"]) for answer in answers)
        token = successors.pop()


async def test_twenty_at_once_of_an_older_token_end_that_session_once_and_no_other(workers: Workers) -> None:
    person = await workers.first.sign_up(f"robbed {uuid.uuid4().hex}")
    other = await workers.second.sign_in(person.username)
    session, newest = session_id(person.access_token), person.refresh_token
    for api in workers.in_turn(2):
        newest = (await api.refresh(newest)).json()["refreshToken"]

    answers = await at_once(api.refresh(person.refresh_token) for api in workers.in_turn(AT_ONCE))

    assert [answer.status_code for answer in answers] == [403] * AT_ONCE
    assert {"refresh_token_reused"} <= set(codes(answers)) <= {"refresh_token_reused", "refresh_token_invalid"}
    row = await workers.session(session)
    assert (row.ended_at is not None, row.end_reason, row.generation) == (True, "refresh_reused", 2)
    assert await reuses_on_record(workers, person.id) == [session]
    assert_problem(await workers.first.refresh(newest), 403, "refresh_token_invalid")
    await refused_everywhere(workers, [person.access_token], code="token_revoked")
    assert (await workers.first.user_board(other.access_token)).status_code == 200
    assert (await workers.second.refresh(other.refresh_token)).status_code == 200


async def test_previous_token_after_the_grace_ends_the_session_at_whichever_worker_it_comes_to(
    make_services: MakeServices, clock: FakeClock
) -> None:
    async with two_apps(make_services) as (first, second):
        person = await first.sign_up()
        given = (await first.refresh(person.refresh_token)).json()
        clock.advance(seconds=10)
        again = (await second.refresh(person.refresh_token)).json()
        assert again["refreshToken"] == given["refreshToken"]
        assert expires_at(again["accessToken"]) == expires_at(given["accessToken"])
        clock.advance(seconds=1)

        answers = await at_once(
            api.refresh(person.refresh_token) for api in (first, second) for _ in range(AT_ONCE // 2)
        )

        assert {"refresh_token_reused"} <= set(codes(answers)) <= {"refresh_token_reused", "refresh_token_invalid"}
        assert_problem(await first.refresh(given["refreshToken"]), 403, "refresh_token_invalid")


async def test_first_token_for_ever_serves_twenty_at_once_without_rotation(make_services: MakeServices) -> None:
    async with two_apps(make_services, refresh_token_rotation=False) as (first, second):
        person = await first.sign_up()

        answers = await at_once(
            api.refresh(person.refresh_token) for api in (first, second) for _ in range(AT_ONCE // 2)
        )

        assert {answer.json()["refreshToken"] for answer in answers} == {person.refresh_token}


@asynccontextmanager
async def two_apps(make_services: MakeServices, **settings: Any) -> AsyncIterator[tuple[Api, Api]]:
    """Give the APIs of two apps in this process, each with its own connections, on one clock."""
    async with (
        started(make_services(**settings)) as one,
        started(make_services(**settings)) as two,
        http_client(one) as first,
        http_client(two) as second,
    ):
        yield Api(first), Api(second)


async def reuses_on_record(workers: Workers, user_id: int) -> list[int | None]:
    """Return the sessions of the account whose ending by a reused token is in the audit log."""
    query = select(AuditEntry.session_id).where(
        AuditEntry.user_id == user_id, AuditEntry.event == AuditEvent.REFRESH_TOKEN_REUSED.value
    )
    async with workers.database.read() as tx:
        return list(await tx.scalars(query))
