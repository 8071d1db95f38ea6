"""What one person can cause again and again leaves no more than a row a day."""

from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update

from gatepost.audit.models import AuditRepetition
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from tests.conftest import MakeServices, http_client, started
from tests.features.audit.conftest import Entries
from tests.support.api import PASSWORD, Api, assert_problem
from tests.support.clock import FakeClock

pytestmark = pytest.mark.both_databases

REFUSED = "sign_in.failed"
REFRESH_REFUSED = "refresh_token.rejected"


async def test_refreshes_of_an_ended_session_are_told_once_a_day_and_counted(
    api: Api, entries: Entries, clock: FakeClock
) -> None:
    person = await api.sign_up()
    await api.post("/api/auth/signout", headers=person.headers)

    for _ in range(5):
        assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_invalid")
    assert [entry.details for entry in await entries(REFRESH_REFUSED)] == [{"reason": "ended"}]

    clock.advance(days=1)
    for _ in range(3):
        await api.refresh(person.refresh_token)
    assert [entry.details for entry in await entries(REFRESH_REFUSED)] == [
        {"reason": "ended"}, {"reason": "ended", "repeated": 4},
    ]  # fmt: skip


async def test_day_that_lies_far_ahead_silences_nothing(
    api: Api, entries: Entries, database: Database, clock: FakeClock
) -> None:
    person = await api.sign_up()
    await api.post("/api/auth/signout", headers=person.headers)
    await api.refresh(person.refresh_token)
    async with database.begin() as tx:
        await tx.execute(update(AuditRepetition).values(told_until=clock.now() + timedelta(days=3650)))

    for _ in range(2):
        assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_invalid")

    assert [entry.details for entry in await entries(REFRESH_REFUSED)] == [{"reason": "ended"}] * 2


async def test_each_session_each_reason_and_each_subscriber_is_told_by_itself(
    services: Services, entries: Entries, database: Database, clock: FakeClock
) -> None:
    async with started(services) as app, http_client(app) as client:
        api = Api(client)
        first = await api.sign_up()
        second = await api.sign_in()
        async with database.begin() as tx:
            await tx.execute(update(User).values(disabled_at=clock.now()))
        for person in (first, second) * 2:
            assert_problem(await api.refresh(person.refresh_token), 403, "account_disabled")
        async with database.begin() as tx:
            await tx.execute(update(User).values(disabled_at=None))
        clock.advance(days=31)
        for person in (first, second) * 2:
            assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_expired")

    told = [(entry.session_id, entry.details["reason"]) for entry in await entries(REFRESH_REFUSED)]
    assert len(set(told)) == len(told) == 4


async def test_another_subscriber_is_told_and_another_address_of_the_same_is_not(
    app: FastAPI, api: Api, entries: Entries
) -> None:
    person = await api.sign_up()
    await api.post("/api/auth/signout", headers=person.headers)

    for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "198.51.100.1", "198.51.100.2", "2001:db8::3"):
        transport = httpx.ASGITransport(app, client=(address, 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
            await Api(client).refresh(person.refresh_token)

    assert [entry.address for entry in await entries(REFRESH_REFUSED)] == [
        "2001:db8::1", "2001:db8:0:1::1", "198.51.100.1", "198.51.100.2",
    ]  # fmt: skip


async def test_whoever_has_many_networks_is_told_of_twenty_times_a_day_and_then_counted(
    app: FastAPI, api: Api, entries: Entries, database: Database, clock: FakeClock
) -> None:
    person = await api.sign_up()
    await api.post("/api/auth/signout", headers=person.headers)

    async def refresh_from(networks: range) -> None:
        for number in networks:
            transport = httpx.ASGITransport(app, client=(f"2001:db8:1:{number:x}::1", 50000))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
                await Api(client).refresh(person.refresh_token)

    await refresh_from(range(40))
    # 20 by themselves and all the others as one; who was told of is known again.
    assert [entry.details for entry in await entries(REFRESH_REFUSED)] == [{"reason": "ended"}] * 21
    async with database.read() as tx:
        assert len((await tx.scalars(select(AuditRepetition))).all()) == 22

    clock.advance(days=1)
    await refresh_from(range(5, 60))
    told = [entry.details.get("repeated") for entry in await entries(REFRESH_REFUSED)]
    assert told[21:] == [None] * 20 + [19]


async def test_right_passwords_from_many_networks_are_told_of_twenty_times_a_day(
    app: FastAPI, api: Api, database: Database, clock: FakeClock, entries: Entries
) -> None:
    person = await api.sign_up()
    async with database.begin() as tx:
        await tx.execute(update(User).values(disabled_at=clock.now()))

    for number in range(25):
        transport = httpx.ASGITransport(app, client=(f"2001:db8:1:{number:x}::1", 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
            await client.post("/api/auth/signin", json={"username": person.username, "password": PASSWORD})

    assert len(await entries(REFUSED)) == 21


async def test_right_password_of_a_disabled_account_is_told_once_a_day(
    api: Api, database: Database, clock: FakeClock, entries: Entries
) -> None:
    person = await api.sign_up()
    async with database.begin() as tx:
        await tx.execute(update(User).values(disabled_at=clock.now()))

    for _ in range(8):
        answer = await api.post("/api/auth/signin", json={"username": person.username, "password": PASSWORD})
        assert_problem(answer, 403, "account_disabled")

    assert [(entry.user_id, entry.details) for entry in await entries(REFUSED)] == [(person.id, {"reason": "disabled"})]


async def test_right_password_with_an_unproved_address_is_told_once_a_day(
    make_services: MakeServices, entries: Entries
) -> None:
    async with started(make_services(email_verification="required")) as app, http_client(app) as client:
        body = {"username": "Abbey Salami", "email": "a@example.com", "password": PASSWORD}
        await client.post("/api/auth/signup", json=body)
        for _ in range(8):
            answer = await client.post("/api/auth/signin", json={"username": "Abbey Salami", "password": PASSWORD})
            assert_problem(answer, 403, "email_unverified")

    assert len(await entries(REFUSED)) == 1


async def test_counts_go_when_nothing_came_after_them_for_a_month(
    api: Api, services: Services, database: Database, clock: FakeClock
) -> None:
    person = await api.sign_up()
    await api.post("/api/auth/signout", headers=person.headers)
    await api.refresh(person.refresh_token)
    [task] = [task for task in services.operations.purger.tasks if task.name == "repetitions"]

    clock.advance(days=30)
    assert await services.operations.purger.run_all(task) == 0
    clock.advance(days=1)
    assert await services.operations.purger.run_all(task) == 2  # of the subscriber, and of how many there were

    async with database.read() as tx:
        assert (await tx.scalars(select(AuditRepetition))).all() == []


async def test_changes_that_an_account_makes_to_itself_are_limited(
    make_services: MakeServices, entries: Entries
) -> None:
    async with started(make_services(change_rate="4/hour")) as app, http_client(app) as client:
        api = Api(client)
        person, other = await api.sign_up(), await api.sign_up("Other")

        for language in ("de", "en", "de", "en"):
            answer = await client.patch("/api/users/me", json={"language": language}, headers=person.headers)
            assert answer.status_code == 200
        refused = await client.patch("/api/users/me", json={"language": "de"}, headers=person.headers)
        assert_problem(refused, 429, "too_many_requests")
        assert '"change";q=4;w=3600' in refused.headers["ratelimit-policy"]

        answer = await client.patch("/api/users/me", json={"language": "de"}, headers=other.headers)
        assert answer.status_code == 200

        asks = (
            ("POST", "/api/auth/password/change", {"currentPassword": "x", "newPassword": "another good one"}),
            ("POST", "/api/auth/email/change", {"currentPassword": "x", "email": "b@example.com"}),
            ("DELETE", "/api/users/me", {"password": "x"}),
        )
        for method, path, body in (*asks, asks[0]):
            answer = await client.request(method, path, json=body, headers=person.headers)
            assert_problem(answer, 403, "wrong_password")
        for method, path, body in asks:
            answer = await client.request(method, path, json=body, headers=person.headers)
            assert_problem(answer, 429, "too_many_requests")

    assert len(await entries("account.changed")) == 5
