"""The revocation feed after an older copy of the database was put back: whoever follows it misses no line."""

import pytest
from sqlalchemy import func, select, update

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.sessions.models import Revocation
from tests.conftest import MakeServices
from tests.features.sdk.conftest import Notes, make_gatepost, network, notes, until_it_answers
from tests.support.api import Api, Person, bearer
from tests.support.clock import FakeClock
from tests.support.copies import Copy
from tests.support.workers import claims, session_id

__all__ = ["make_gatepost", "network", "notes"]

FEED = "/api/auth/revocations"


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatepost.sdk.issuer.WAIT_SECONDS", 1)


async def settle(*services: Services, clock: FakeClock) -> None:
    """Let a minute pass in which the feed is read."""
    for _ in range(2):
        for worker in services:
            await worker.identity.revocations.poll()
        clock.advance(seconds=61)
    for worker in services:
        await worker.identity.revocations.poll()


async def sign_out(api: Api, count: int) -> None:
    """Add so many lines."""
    for _ in range(count):
        person = await api.sign_in("Earlier")
        await api.post("/api/auth/signout", headers=person.headers)


async def last_id(database: Database) -> int:
    """Return the number of the newest line."""
    async with database.read() as tx:
        return await tx.scalar(select(func.max(Revocation.id))) or 0


async def is_known(worker: Services, person: Person) -> bool:
    """Whether a worker knows that the session of a person has ended."""
    ended = session_id(person.access_token)
    return any(line.session_id == ended for line in worker.identity.revocations.lines_after(0))


@pytest.mark.both_databases
@pytest.mark.parametrize("since", [0, 3, 7, 12])
async def test_worker_that_knows_greater_ids_misses_no_line(
    api: Api, services: Services, make_services: MakeServices, copy: Copy, clock: FakeClock, database: Database,
    since: int,
) -> None:  # fmt: skip
    """Whether the counter has passed what the worker remembers (7 entries) when it reads again, or not."""
    await api.sign_up("Earlier")
    await sign_out(api, 2)
    worker = make_services()
    await worker.start()
    await copy.make()
    await sign_out(api, 7)
    await settle(services, worker, clock=clock)
    remembered = await last_id(database)
    await copy.put_back()
    leaver = await api.sign_in("Earlier")
    await api.post("/api/auth/signout", headers=leaver.headers)
    await sign_out(api, since)
    assert (await last_id(database) > remembered) is (since > 6)

    await worker.identity.revocations.poll()

    assert await is_known(worker, leaver)
    known = {line.id: line for line in worker.identity.revocations.lines_after(0)}
    async with database.read() as tx:
        there = (await tx.scalars(select(Revocation))).all()
    assert {line.id: line.session_id for line in there} == {line.id: known[line.id].session_id for line in there}
    await settle(worker, clock=clock)
    assert {line.id for line in worker.identity.revocations.lines_after(0)} == {line.id for line in there}, (
        "lost lines are gone"
    )


async def test_lines_of_lost_seconds_are_dropped_when_they_should_have_settled(
    api: Api, services: Services, make_services: MakeServices, copy: Copy, clock: FakeClock, database: Database
) -> None:
    """A version that was given in the lost seconds would make the tokens of the account stale for a day."""
    person = await api.sign_up("Earlier")
    await sign_out(api, 1)
    await settle(services, clock=clock)
    await copy.make()
    async with database.begin() as tx:
        await services.identity.revocations.revoke_account(tx, person.id)
    await services.identity.revocations.poll()
    await copy.put_back()
    token = (await api.refresh(person.refresh_token)).json()["accessToken"]
    await services.identity.revocations.poll()
    assert (await api.user_board(token)).status_code == 401

    await settle(services, clock=clock)

    assert (await api.user_board(token)).status_code == 200


@pytest.mark.parametrize("since", [0, 9])
async def test_other_service_misses_no_line(
    api: Api, services: Services, notes: Notes, copy: Copy, clock: FakeClock, since: int
) -> None:
    await api.sign_up("Earlier")
    await sign_out(api, 2)
    await copy.make()
    await sign_out(api, 7)
    await settle(services, clock=clock)
    # Its answer tells the other service how far the feed has settled.
    await sign_out(api, 1)
    await until_it_knows(notes, services)
    await copy.put_back()
    leaver = await api.sign_in("Earlier")
    assert (await notes.me(leaver.access_token)).status_code == 200
    await api.post("/api/auth/signout", headers=leaver.headers)
    await sign_out(api, since)

    await services.identity.revocations.poll()

    answer = await until_it_answers(lambda: notes.me(leaver.access_token), 401)
    assert answer.json()["detail"]["code"] == "token_revoked"


async def test_other_service_of_today_is_sent_back(api: Api, services: Services, copy: Copy, clock: FakeClock) -> None:
    """It sends no mark: it follows `after`, and trusts a 304."""
    credentials = ("notes", await services.flows.clients.add("notes", name="Notes"))
    await api.sign_up("Earlier")
    await sign_out(api, 1)
    await copy.make()
    await sign_out(api, 7)
    await settle(services, clock=clock)
    first = (await api.get(FEED, auth=credentials)).json()
    unchanged = await api.get(FEED, params={"after": first["after"]}, auth=credentials)
    await copy.put_back()
    leaver = await api.sign_in("Earlier")
    await api.post("/api/auth/signout", headers=leaver.headers)
    await services.identity.revocations.poll()

    answer = await api.get(
        FEED, params={"after": first["after"]}, auth=credentials, headers={"If-None-Match": unchanged.headers["etag"]}
    )

    assert answer.status_code == 200
    assert session_id(leaver.access_token) in [line["sessionId"] for line in answer.json()["revocations"]]
    assert answer.json()["after"] < first["after"]


async def test_same_ids_with_other_lines_are_not_304(
    api: Api, services: Services, copy: Copy, clock: FakeClock
) -> None:
    credentials = ("notes", await services.flows.clients.add("notes", name="Notes"))
    await api.sign_up("Earlier")
    await settle(services, clock=clock)
    await copy.make()
    await sign_out(api, 1)
    known = await api.get(FEED, auth=credentials)
    await copy.put_back()
    leaver = await api.sign_in("Earlier")
    await api.post("/api/auth/signout", headers=leaver.headers)

    answer = await api.get(FEED, auth=credentials, headers={"If-None-Match": known.headers["etag"]})

    assert answer.status_code == 200
    assert [line["id"] for line in answer.json()["revocations"]] == [line["id"] for line in known.json()["revocations"]]


async def test_other_service_knows_whose_a_number_is(api: Api, services: Services, notes: Notes, copy: Copy) -> None:
    await api.sign_up("Earlier")
    await copy.make()
    lost = await api.sign_up("Lost")
    assert (await notes.me(lost.access_token)).status_code == 200
    await copy.put_back()
    newcomer = await api.sign_up("Newcomer")
    assert newcomer.id == lost.id

    answer = await until_it_answers(lambda: notes.me(lost.access_token), 401)

    assert answer.json()["detail"]["code"] == "token_revoked"
    assert (await notes.me(newcomer.access_token)).json()["id"] == lost.id


async def test_reader_that_starts_while_a_worker_still_has_lost_lines_knows_whose_a_number_is(
    api: Api, services: Services, copy: Copy
) -> None:
    """The line of the lost account has a greater id than that of the account that has its number now."""
    credentials = ("notes", await services.flows.clients.add("notes", name="Notes"))
    await api.sign_up("Earlier")
    await copy.make()
    await sign_out(api, 3)
    lost = await api.sign_up("Lost")
    await copy.put_back()
    newcomer = await api.sign_up("Newcomer")
    await services.identity.revocations.poll()

    lines = (await api.get(FEED, auth=credentials)).json()["revocations"]

    said = [line["randomId"] for line in lines if line["userId"] == newcomer.id and line["randomId"]]
    assert (newcomer.id, len(said)) == (lost.id, 2)
    assert said[-1] == claims(newcomer.access_token)["rid"], "the last one counts"


@pytest.mark.both_databases
async def test_account_has_one_version_in_the_feed_however_often_it_changes(
    api: Api, services: Services, database: Database, make_services: MakeServices, notes: Notes
) -> None:
    credentials = ("feed", await services.flows.clients.add("feed", name="Feed"))
    person = await api.sign_up("Name 0")
    other = make_services()
    for number in range(1, 30):
        name = {"username": f"Name {number}"}
        assert (await api.patch("/api/users/me", headers=person.headers, json=name)).status_code == 200
        person = await api.sign_in(f"Name {number}")
    await other.identity.revocations.poll()

    async with database.read() as tx:
        in_table = await tx.scalar(
            select(func.count()).select_from(Revocation).where(Revocation.min_token_version.is_not(None))
        )
    in_memory = [
        [
            line.min_token_version
            for line in worker.identity.revocations.lines_after(0)
            if line.min_token_version is not None
        ]
        for worker in (services, other)
    ]
    answer = (await api.get(FEED, auth=credentials)).json()["revocations"]
    assert in_table == 1
    assert in_memory == [[29], [29]]
    assert [line["minTokenVersion"] for line in answer if line["minTokenVersion"] is not None] == [29]


async def test_changes_of_the_profile_by_one_account_have_a_limit(api: Api) -> None:
    person, other = await api.sign_up("Changer"), await api.sign_up("Other")
    codes = [
        (await api.patch("/api/users/me", headers=person.headers, json={"language": "en"})).status_code
        for _ in range(61)
    ]

    assert codes == [200] * 60 + [429]
    assert (await api.patch("/api/users/me", headers=other.headers, json={"language": "de"})).status_code == 200


@pytest.mark.parametrize("at_once", [False, True])
async def test_account_that_ends_very_many_sessions_has_few_lines(
    api: Api, services: Services, database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    monkeypatch.setattr(services.identity.rate_limits, "_items", {})  # nobody signs in as often otherwise
    await api.sign_up("Earlier")
    people = [await api.sign_in("Earlier") for _ in range(70)]
    if at_once:
        await api.post("/api/auth/signout-all", headers=people[0].headers)
    else:
        for person in people:
            await api.post("/api/auth/signout", json={"refreshToken": person.refresh_token})

    assert len(services.identity.revocations.lines_after(0)) <= 52
    async with database.read() as tx:
        assert (await tx.scalar(select(func.count()).select_from(Revocation)) or 0) <= 52
    for person in people:
        assert (await api.user_board(person.access_token)).status_code == 401
        assert (await api.refresh(person.refresh_token)).status_code == 403
    later = await api.sign_in("Earlier")
    assert (await api.get("/api/users/me", headers=bearer(later.access_token))).status_code == 200


@pytest.mark.both_databases
async def test_line_that_another_one_has_outdone_costs_nobody_the_others(
    api: Api, services: Services, make_services: MakeServices, clock: FakeClock, database: Database
) -> None:
    """The line where readings begin is taken out of the table: everything is read again, and all is known."""
    person = await api.sign_up("Earlier")
    await sign_out(api, 3)
    async with database.begin() as tx:
        await services.identity.revocations.revoke_account(tx, person.id)
    other = make_services()
    await other.start()
    await settle(services, other, clock=clock)
    assert other.identity.revocations.anchor is not None
    assert other.identity.revocations.anchor.min_token_version == 1
    async with database.begin() as tx:
        await services.identity.revocations.revoke_account(tx, person.id)

    await other.identity.revocations.poll()

    assert other.identity.revocations.lines_after(0) == services.identity.revocations.lines_after(0)
    async with database.begin() as tx:
        await tx.execute(update(Revocation).values(created_at=clock.now()))
    await other.identity.revocations.poll()
    assert other.identity.revocations.lines_after(0) == services.identity.revocations.lines_after(0)


async def until_it_knows(notes: Notes, services: Services) -> None:
    """Wait until the other service has come as far as the feed goes."""
    anchor = services.identity.revocations.anchor
    assert anchor is not None
    issuer = notes.gatepost._issuer

    async def has_come_so_far() -> "Answered":
        return Answered(200 if issuer._after == anchor.id else 0)

    await until_it_answers(has_come_so_far, 200)  # type: ignore[arg-type]


class Answered:
    """What `until_it_answers` looks at."""

    text = "it is behind"

    def __init__(self, status_code: int) -> None:
        self.status_code = status_code
