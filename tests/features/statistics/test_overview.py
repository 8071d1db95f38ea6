"""The overview: what happened a day, and how many there are."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import user_roles
from tests.conftest import MakeServices
from tests.support.api import Api, Person, assert_problem
from tests.support.clock import FakeClock

pytestmark = pytest.mark.both_databases

OVERVIEW = "/api/admin/overview"
ADMIN_ROLE = 3

Write = Callable[..., Awaitable[None]]


@pytest.fixture(autouse=True)
def _nothing_counted_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test say when something is sealed and counted."""
    monkeypatch.setattr("gatepost.lifespan.SEAL_SECONDS", 3600)
    monkeypatch.setattr("gatepost.lifespan.STATISTICS_SECONDS", 3600)


@pytest.fixture
async def admin(api: Api, database: Database) -> Person:
    """Return an administrator, whose tokens say so."""
    person = await api.sign_up("Root")
    async with database.begin() as tx:
        await tx.execute(insert(user_roles).values(user_id=person.id, role_id=ADMIN_ROLE))
    return await api.sign_in("Root")


@pytest.fixture
def write(database: Database, clock: FakeClock) -> Write:
    """Return what writes entries into the audit log, some days ago."""

    async def add(event: str, count: int = 1, *, days_ago: float = 0, **details: Any) -> None:
        at = clock.now() - timedelta(days=days_ago)
        async with database.begin() as tx:
            tx.add_all(AuditEntry(at=at, event=event, address="", request_id="", details=details) for _ in range(count))

    return add


async def counted(services: Services) -> None:
    await services.operations.audit_sealer.run_once()
    await services.admin.statistics_counter.run_once()
    await services.identity.revocations.poll()  # the clock may have moved on


async def overview(api: Api, person: Person, **query: int) -> dict[str, Any]:
    answer = await api.get(OVERVIEW, headers=person.headers, params=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_overview_needs_a_permission(api: Api) -> None:
    person = await api.sign_up()

    assert_problem(await api.get(OVERVIEW), 401, "token_missing")
    assert_problem(await api.get(OVERVIEW, headers=person.headers), 403, "permission_required")


async def test_before_anything_is_counted_every_day_is_there_with_nothing(
    api: Api, admin: Person, clock: FakeClock
) -> None:
    body = await overview(api, admin)

    today = clock.now().date()
    assert body["totals"] is None
    assert [day["day"] for day in body["days"]] == [
        (today - timedelta(days=number)).isoformat() for number in range(29, -1, -1)
    ]
    assert body["days"][-1] == {
        "day": today.isoformat(), "signUps": 0, "signIns": 0, "refused": [], "activeSessions": None,
        "people": None, "withSecondFactor": None,
    }  # fmt: skip


async def test_what_people_do_is_counted_with_its_outcome(
    api: Api, services: Services, admin: Person, clock: FakeClock
) -> None:
    await api.sign_up()
    for name, password in (("Root", "wrong horse"), ("Root", "wrong again"), ("nobody", "wrong horse")):
        await api.post("/api/auth/signin", json={"username": name, "password": password})

    await counted(services)

    body = await overview(api, admin)
    assert body["days"][-1] == {
        "day": clock.now().date().isoformat(),
        "signUps": 2,
        "signIns": 3,
        "refused": [
            {"event": "sign_in.failed", "reason": "unknown_account", "count": 1},
            {"event": "sign_in.failed", "reason": "wrong_password", "count": 2},
        ],
        "activeSessions": 3,
        "people": 2,
        "withSecondFactor": 0,
    }
    assert body["totals"] == {
        "measuredAt": clock.now().isoformat().replace("+00:00", "Z"),
        "people": 2, "disabled": 0, "unverified": 2, "withSecondFactor": 0, "activeSessions": 3,
    }  # fmt: skip


async def test_entries_are_counted_on_their_own_day_in_utc(
    api: Api, services: Services, admin: Person, write: Write, clock: FakeClock
) -> None:
    midnight = clock.now().replace(hour=0, minute=0, second=0)
    into_today = (clock.now() - midnight) / timedelta(days=1)
    await write("session.opened", 3, days_ago=into_today)
    await write("session.opened", 5, days_ago=into_today + 1e-9)
    await write("session.opened", 7, days_ago=29)
    await write("session.opened", 9, days_ago=30)

    await counted(services)

    days = (await overview(api, admin))["days"]
    assert (days[-1]["signIns"], days[-2]["signIns"], days[0]["signIns"]) == (2 + 3, 5, 7)
    assert len((await overview(api, admin, days=7))["days"]) == 7
    assert_problem(await api.get(OVERVIEW, headers=admin.headers, params={"days": 91}), 422, "validation_failed")


async def test_every_entry_is_counted_once_over_many_seals_and_replicas(
    api: Api, services: Services, admin: Person, write: Write, make_services: MakeServices
) -> None:
    other = make_services()
    for _ in range(25):  # more seals than one batch takes
        await write("sign_in.failed", 2, reason="disabled")
        await services.operations.audit_sealer.run_once()

    batch = await services.admin.statistics_counter._next_batch()
    await services.admin.statistics_counter.run_once()
    assert batch is not None
    # Another replica that has read the same, and comes later.
    assert await other.admin.statistics_counter._count_if_first(*batch) is False
    await counted(services)

    assert (await overview(api, admin))["days"][-1]["refused"] == [
        {"event": "sign_in.failed", "reason": "disabled", "count": 50}
    ]


async def test_entry_that_is_committed_late_is_counted_too(
    api: Api, services: Services, admin: Person, write: Write, database: Database, clock: FakeClock
) -> None:
    await counted(services)
    async with database.begin() as tx:  # under a lower id than others that are counted
        entry = AuditEntry(id=10**6, at=clock.now(), event="session.opened", address="", request_id="", details={})
        tx.add(entry)
    await counted(services)
    await write("refresh_token.reused")
    async with database.begin() as tx:
        tx.add(AuditEntry(id=999, at=clock.now(), event="session.opened", address="", request_id="", details={}))
    await counted(services)

    today = (await overview(api, admin))["days"][-1]
    assert today["signIns"] == 2 + 2
    assert today["refused"] == [{"event": "refresh_token.reused", "reason": "", "count": 1}]


async def test_days_stay_when_retention_takes_their_entries(
    api: Api, services: Services, write: Write, make_services: MakeServices, clock: FakeClock, admin: Person
) -> None:
    await write("account.created", 4)
    await counted(services)
    clock.advance(days=2)
    short = make_services(audit_retention_days=1)
    while await short.operations.audit_retention.run():
        pass
    await counted(services)

    days = (await overview(api, await api.sign_in("Root")))["days"]
    assert days[-3]["signUps"] == 4 + 1


async def test_totals_are_measured_once_a_minute_and_stay_with_their_day(
    api: Api, services: Services, admin: Person, clock: FakeClock
) -> None:
    await counted(services)
    await api.sign_up("Heba")
    clock.advance(seconds=59)
    await counted(services)
    assert (await overview(api, admin))["totals"]["people"] == 1

    clock.advance(seconds=1)
    await counted(services)
    assert (await overview(api, admin))["totals"]["people"] == 2

    await api.post("/api/auth/signout", headers=admin.headers)
    clock.advance(days=1)
    await counted(services)
    days = (await overview(api, await api.sign_in("Root")))["days"]
    assert (days[-2]["activeSessions"], days[-1]["activeSessions"]) == (3, 2)


async def test_entry_that_somebody_has_spoilt_stops_no_counting(
    api: Api, services: Services, admin: Person, write: Write, database: Database
) -> None:
    await counted(services)
    await write("session.opened")
    await services.operations.audit_sealer.run_once()
    if database.engine.dialect.name == "sqlite":  # MariaDB refuses it by itself
        async with database.begin() as tx:
            await tx.execute(text("UPDATE audit_log SET details = '{' WHERE request_id = '' AND address = ''"))

    await counted(services)

    assert (await overview(api, admin))["days"][-1]["signIns"] == 2 + 1
    assert "Root" not in json.dumps(await overview(api, admin))
