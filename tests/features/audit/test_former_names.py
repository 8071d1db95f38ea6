"""Events whose names have changed: the log of an earlier version is whole, and found by the names of today."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gatepost.audit.former_names import FORMER_NAMES
from gatepost.audit.log import AuditEvent
from gatepost.composition.services import Services
from tests.features.audit.conftest import Entries, Sql, Verify
from tests.support.api import Api, Person
from tests.support.clock import FakeClock

pytestmark = pytest.mark.both_databases

AUDIT = "/api/admin/audit"

Write = Callable[..., Awaitable[list[int]]]


async def pages(api: Api, admin: Person, **query: Any) -> list[dict[str, Any]]:
    """Return all entries that fit, read in small pages."""
    found: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        answer = await api.get(AUDIT, headers=admin.headers, params={"size": 2, **query, **after})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found += body["items"]
        if body["next"] is None:
            return found
        after = {"after": body["next"]}


@pytest.fixture
async def written_before(services: Services, write: Write, clock: FakeClock) -> dict[str, int]:
    """Return one entry of each former name, sealed, by its name."""
    ids = {}
    for name in FORMER_NAMES:
        clock.advance(seconds=1)
        [ids[name]] = await write(event=name, user_id=7)
    await services.operations.audit_sealer.run_once()
    return ids


def test_no_name_of_today_is_a_former_one() -> None:
    assert not set(AuditEvent) & set(FORMER_NAMES)


async def test_log_of_an_earlier_version_verifies_and_keeps_its_names(
    written_before: dict[str, int], verify: Verify, entries: Entries, sql: Sql
) -> None:
    assert (await verify())[0] == []
    assert {entry.event: entry.id for entry in await entries() if entry.user_id == 7} == written_before

    changed = written_before["session.refused"]
    await sql("UPDATE audit_log SET event = 'sign_in.failed' WHERE id = :id", id=changed)

    assert (await verify())[0] == [f"entry {changed}: changed since seal 1"]


async def test_entries_are_shown_and_found_by_the_names_of_today(
    api: Api, admin: Person, written_before: dict[str, int], write: Write, clock: FakeClock
) -> None:
    for former, current in FORMER_NAMES.items():
        [same_moment] = await write(event=current.value, user_id=7)
        clock.advance(seconds=1)
        later = await write(event=current.value, user_id=7) + await write(event=former, user_id=7)

        found = await pages(api, admin, event=current.value, userId=7)

        assert {item["event"] for item in found} == {current.value}
        assert [item["id"] for item in found] == [*reversed(later), same_moment, written_before[former]], former
    assert {item["event"] for item in await pages(api, admin, userId=7)} == {
        event.value for event in FORMER_NAMES.values()
    }


async def test_entries_are_exported_and_counted_by_the_names_of_today(
    api: Api, services: Services, admin: Person, sql: Sql, write: Write
) -> None:
    await write(event="session.refused", user_id=admin.id, details={"reason": "wrong_password"})
    await write(event="sign_in.failed", user_id=admin.id, details={"reason": "wrong_password"})
    await services.operations.audit_sealer.run_once()
    await services.admin.statistics_counter.run_once()

    export = (await api.get("/api/users/me/export", headers=admin.headers)).json()
    overview = (await api.get("/api/admin/overview", headers=admin.headers)).json()

    assert [entry["event"] for entry in export["activity"] if "refused" in entry["event"]] == []
    assert [entry["event"] for entry in export["activity"]].count("sign_in.failed") == 2
    assert overview["days"][-1]["refused"] == [{"event": "sign_in.failed", "reason": "wrong_password", "count": 2}]
