"""The revocation feed, as other services read it."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from tests.conftest import MakeServices, http_client, started
from tests.support.api import Api, assert_problem
from tests.support.clock import FakeClock
from tests.support.workers import claims, session_id

FEED = "/api/auth/revocations"
# Far more than any of it takes.
SECONDS = 60
Credentials = tuple[str, str]


def revoked(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the entries except those that name the random id of a new account."""
    return [line for line in answer["revocations"] if line["randomId"] is None]


async def test_new_account_is_a_line_that_tells_whose_its_number_is(
    api: Api, credentials: Credentials, clock: FakeClock
) -> None:
    person = await api.sign_up()

    [line] = (await api.get(FEED, auth=credentials)).json()["revocations"]

    assert line.pop("id") > 0
    # As long as an access token of somebody who had the number before, and what clocks may be apart.
    assert datetime.fromisoformat(line.pop("expiresAt")) == clock.now() + timedelta(minutes=1440 + 10 + 1)
    assert line == {
        "sessionId": None, "userId": person.id, "minTokenVersion": None, "issuedBefore": None,
        "randomId": claims(person.access_token)["rid"],
    }  # fmt: skip


async def test_ended_session_is_a_line_until_its_tokens_have_expired(
    api: Api, services: Services, credentials: Credentials, clock: FakeClock
) -> None:
    person = await api.sign_up()
    assert revoked((await api.get(FEED, auth=credentials)).json()) == []
    await api.post("/api/auth/signout", headers=person.headers)

    answer = await api.get(FEED, auth=credentials)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    [line] = revoked(answer.json())
    assert line.pop("id") > 0
    assert datetime.fromisoformat(line.pop("expiresAt")) == clock.now() + timedelta(minutes=1440)
    assert line == {
        "sessionId": session_id(person.access_token), "userId": person.id, "minTokenVersion": None, "randomId": None,
        "issuedBefore": None,
    }  # fmt: skip
    clock.advance(minutes=1439)
    await services.identity.revocations.poll()
    assert len(revoked((await api.get(FEED, auth=credentials)).json())) == 1
    clock.advance(minutes=1)
    await services.identity.revocations.poll()
    assert revoked((await api.get(FEED, auth=credentials)).json()) == []


async def test_changed_account_is_a_line_with_the_lowest_version_that_is_good(
    api: Api, services: Services, credentials: Credentials, database: Database
) -> None:
    person = await api.sign_up()
    async with database.begin() as tx:
        await services.identity.revocations.revoke_account(tx, person.id)

    [line] = revoked((await api.get(FEED, auth=credentials)).json())

    assert (line["sessionId"], line["userId"], line["minTokenVersion"]) == (None, person.id, 1)


async def test_after_moves_on_once_no_earlier_line_can_come_in(
    api: Api, services: Services, credentials: Credentials, clock: FakeClock
) -> None:
    first, second = await api.sign_up("Abbey"), await api.sign_up("Heba")
    await api.post("/api/auth/signout", headers=first.headers)
    fresh = (await api.get(FEED, auth=credentials)).json()
    assert (fresh["after"], fresh["mark"], fresh["isComplete"], len(revoked(fresh))) == (0, None, True, 1)

    await services.identity.revocations.poll()
    clock.advance(seconds=60)
    await services.identity.revocations.poll()
    await api.post("/api/auth/signout", headers=second.headers)

    settled = (await api.get(FEED, auth=credentials)).json()
    assert settled["after"] == fresh["revocations"][-1]["id"]
    assert len(revoked(settled)) == 2
    asked = {"after": settled["after"], "mark": settled["mark"]}
    later = (await api.get(FEED, params=asked, auth=credentials)).json()
    assert later == {**asked, "isComplete": False, "revocations": settled["revocations"][-1:]}


@pytest.mark.parametrize("known", [{"after": 2**53 - 1}, {"after": 2**53 - 1, "mark": "0123456789abcdef"}])
async def test_reader_that_is_ahead_is_given_everything(
    api: Api, credentials: Credentials, known: dict[str, Any]
) -> None:
    person = await api.sign_up()
    await api.post("/api/auth/signout", headers=person.headers)

    answer = await api.get(FEED, params=known, auth=credentials)

    assert answer.json() == (await api.get(FEED, auth=credentials)).json()
    assert answer.json()["isComplete"]
    assert len(revoked(answer.json())) == 1


async def test_reader_that_knows_another_line_by_the_id_is_given_everything(
    api: Api, services: Services, credentials: Credentials, clock: FakeClock
) -> None:
    for name in ("Abbey", "Heba"):
        person = await api.sign_up(name)
        await api.post("/api/auth/signout", headers=person.headers)
        await services.identity.revocations.poll()
        clock.advance(seconds=61)
        await services.identity.revocations.poll()
    whole = (await api.get(FEED, auth=credentials)).json()
    assert len(revoked(whole)) == 2

    answer = await api.get(FEED, params={"after": whole["after"], "mark": "0123456789abcdef"}, auth=credentials)

    assert answer.json() == whole


async def test_unchanged_feed_is_304(api: Api, credentials: Credentials) -> None:
    person = await api.sign_up()
    first = await api.get(FEED, auth=credentials)
    known = {"If-None-Match": first.headers["etag"]}

    unchanged = await api.get(FEED, auth=credentials, headers=known)
    await api.post("/api/auth/signout", headers=person.headers)
    changed = await api.get(FEED, auth=credentials, headers=known)

    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["etag"] == first.headers["etag"]
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


@pytest.fixture
def endless(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing but a change end a wait, however slow the machine is."""
    wait = services.identity.revocations.wait_for_change
    monkeypatch.setattr(services.identity.revocations, "wait_for_change", lambda seconds: wait(seconds * 1000))


@pytest.mark.usefixtures("endless")
async def test_waiting_reader_is_answered_at_the_change(api: Api, services: Services, credentials: Credentials) -> None:
    person = await api.sign_up()
    etag = (await api.get(FEED, auth=credentials)).headers["etag"]
    waiting = asyncio.create_task(api.get(FEED, params={"wait": 5}, auth=credentials, headers={"If-None-Match": etag}))
    async with asyncio.timeout(SECONDS):
        while not services.identity.revocations._changed._waiters:  # nothing outside tells that it waits
            await asyncio.sleep(0)
        assert not waiting.done()

        await api.post("/api/auth/signout", headers=person.headers)

        answer = await waiting
    assert answer.status_code == 200
    assert [line["sessionId"] for line in revoked(answer.json())] == [session_id(person.access_token)]


async def test_wait_ends_with_304_when_nothing_changes(api: Api, credentials: Credentials) -> None:
    etag = (await api.get(FEED, auth=credentials)).headers["etag"]

    answer = await api.get(FEED, params={"wait": 0.05}, auth=credentials, headers={"If-None-Match": etag})

    assert answer.status_code == 304


@pytest.mark.usefixtures("endless")
async def test_reader_that_is_behind_does_not_wait(api: Api, credentials: Credentials) -> None:
    async with asyncio.timeout(SECONDS):
        answer = await api.get(FEED, params={"wait": 5}, auth=credentials, headers={"If-None-Match": '"old"'})
        first = await api.get(FEED, params={"wait": 5}, auth=credentials)

    assert (answer.status_code, first.status_code) == (200, 200)


async def test_feed_of_one_worker_has_what_another_revoked(
    api: Api, make_services: MakeServices, credentials: Credentials
) -> None:
    person = await api.sign_up()
    other = make_services()
    async with started(other) as app, http_client(app) as client:
        await api.post("/api/auth/signout", headers=person.headers)
        await other.identity.revocations.poll()

        assert (await client.get(FEED, auth=credentials)).json() == (await api.get(FEED, auth=credentials)).json()


async def test_stale_feed_is_503(api: Api, services: Services, credentials: Credentials, clock: FakeClock) -> None:
    clock.advance(seconds=31)

    answer = await api.get(FEED, auth=credentials)

    assert_problem(answer, 503, "revocation_unknown")
    await services.identity.revocations.poll()
    assert (await api.get(FEED, auth=credentials)).status_code == 200


@pytest.mark.parametrize(
    "query",
    [{"after": -1}, {"after": "x"}, {"after": 2**53}, {"mark": "x" * 65}, {"wait": 6}, {"wait": -1}, {"wait": "nan"}],
)
async def test_odd_question_is_refused(api: Api, credentials: Credentials, query: dict[str, Any]) -> None:
    assert_problem(await api.get(FEED, params=query, auth=credentials), 422, "validation_failed")


async def test_removed_service_is_refused(api: Api, services: Services, credentials: Credentials) -> None:
    await services.flows.clients.remove(credentials[0])

    assert_problem(await api.get(FEED, auth=credentials), 401, "invalid_client")
