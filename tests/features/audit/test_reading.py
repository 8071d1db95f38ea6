"""Reading the log over HTTP: whoever may read all of it, and everybody their own."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from gatepost.composition.services import Services
from tests.features.audit.conftest import Entries
from tests.support.api import PASSWORD, Api, Person, assert_problem
from tests.support.clock import FakeClock

AUDIT = "/api/admin/audit"
ACTIVITY = "/api/users/me/activity"


async def read(api: Api, person: Person, path: str = AUDIT, **query: Any) -> list[dict[str, Any]]:
    """Return the events of one page."""
    answer = await api.get(path, headers=person.headers, params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_log_needs_its_permission(api: Api) -> None:
    person = await api.sign_up()

    assert_problem(await api.get(AUDIT), 401, "token_missing")
    assert_problem(await api.get(AUDIT, headers=person.headers), 403, "permission_required")


async def test_newest_comes_first_with_all_that_is_known(api: Api, admin: Person, clock: FakeClock) -> None:
    clock.advance(seconds=1)
    await api.post("/api/auth/signin", json={"username": "Root", "password": "wrong horse"})

    [newest, *_] = await read(api, admin)

    assert newest.pop("id") > 0
    assert newest.pop("requestId")
    assert newest == {
        "at": clock.now().isoformat().replace("+00:00", "Z"),
        "event": "sign_in.failed",
        "userId": admin.id,
        "actorId": None,
        "sessionId": None,
        "address": "203.0.113.7",
        "details": {"reason": "wrong_password"},
        "sealed": False,
    }


@pytest.mark.parametrize("size", [1, 3, 7, 100])
async def test_pages_show_every_entry_once(
    api: Api, admin: Person, clock: FakeClock, entries: Entries, size: int
) -> None:
    for number in range(4):
        clock.advance(seconds=number % 2)  # some at the same moment
        await api.sign_in("Root")

    shown: list[int] = []
    query: dict[str, Any] = {"size": size}
    while True:
        body = (await api.get(AUDIT, headers=admin.headers, params=query)).json()
        shown += [item["id"] for item in body["items"]]
        if body["next"] is None:
            break
        assert len(body["items"]) == size
        query["after"] = body["next"]

    assert shown == sorted((entry.id for entry in await entries()), reverse=True)


@pytest.mark.both_databases
async def test_page_goes_on_where_it_was_although_more_has_happened(api: Api, admin: Person, clock: FakeClock) -> None:
    first = (await api.get(AUDIT, headers=admin.headers, params={"size": 2})).json()
    clock.advance(seconds=1)
    await api.sign_in("Root")

    second = await read(api, admin, after=first["next"], size=2)

    assert max(item["id"] for item in second) < min(item["id"] for item in first["items"])


@pytest.mark.both_databases
async def test_each_filter_keeps_what_fits(api: Api, admin: Person, clock: FakeClock, services: Services) -> None:
    start = clock.now()
    other = await api.sign_up("Abbey Salami")
    clock.advance(seconds=5)
    middle = clock.now()
    await api.post(f"/api/admin/users/{other.id}/disable", headers=admin.headers)
    clock.advance(seconds=5)
    await api.post("/api/auth/signin", json={"username": "Nobody", "password": "x"})

    await services.operations.audit_sealer.run_once()

    everything = await read(api, admin, size=100)
    expected: dict[str, Callable[[dict[str, Any]], bool]] = {
        "userId": lambda item: item["userId"] == other.id,
        "actorId": lambda item: item["actorId"] == admin.id,
        "event": lambda item: item["event"] == "account.disabled",
        "address": lambda item: item["address"] == "203.0.113.7",
        "since": lambda item: item["at"] >= middle.isoformat().replace("+00:00", "Z"),
        "until": lambda item: item["at"] < middle.isoformat().replace("+00:00", "Z"),
    }
    values: dict[str, Any] = {
        "userId": other.id, "actorId": admin.id, "event": "account.disabled", "address": "203.0.113.7",
        "since": middle.isoformat(), "until": middle.isoformat(),
    }  # fmt: skip
    for name, fits in expected.items():
        found = await read(api, admin, size=100, **{name: values[name]})
        assert found == [item for item in everything if fits(item)], name
        assert 0 < len(found) < len(everything), name
    together = await read(
        api, admin, userId=other.id, actorId=admin.id, since=start.isoformat(), event="account.disabled"
    )
    assert [item["details"] for item in together] == [{"before": {"disabled": False}, "after": {"disabled": True}}]


@pytest.mark.parametrize(
    "query",
    [
        {"event": "no.such"}, {"userId": 0}, {"userId": 2**63}, {"actorId": "x"}, {"size": 0}, {"size": 101},
        {"since": "2026-01-31T12:00:00"}, {"until": "yesterday"}, {"until": "0.5"}, {"address": ""},
        {"address": "1" * 46}, {"after": "x" * 257},
    ],
)  # fmt: skip
async def test_query_that_cannot_be_is_refused(api: Api, admin: Person, query: dict[str, Any]) -> None:
    assert_problem(await api.get(AUDIT, headers=admin.headers, params=query), 422, "validation_failed")


@pytest.mark.parametrize(
    "cursor", ["x", "bnVsbA", "W10", "WyIyMDI2LTAxLTAxIiwxXQ", "WyIyMDI2LTAxLTAxVDAwOjAwOjAwWiIsLTFd", "é"]
)
async def test_cursor_that_is_none_of_ours_is_refused(api: Api, admin: Person, cursor: str) -> None:
    for path in (AUDIT, ACTIVITY):
        answer = await api.get(path, headers=admin.headers, params={"after": cursor})
        assert_problem(answer, 400, "cursor_invalid")


async def test_activity_is_one_s_own_alone(api: Api, clock: FakeClock) -> None:
    person = await api.sign_up("Abbey Salami")
    other = await api.sign_up("Zoe")
    clock.advance(seconds=1)
    await api.post("/api/auth/signin", json={"username": "Abbey Salami", "password": "wrong horse"})

    mine = await read(api, person, ACTIVITY)

    assert [item["event"] for item in mine] == ["sign_in.failed", "session.opened", "account.created"]
    assert mine[0]["details"] == {"reason": "wrong_password"}
    assert [item["event"] for item in await read(api, other, ACTIVITY)] == ["session.opened", "account.created"]


async def test_activity_tells_of_an_administrator_but_not_which_and_where(
    api: Api, admin: Person, clock: FakeClock
) -> None:
    person = await api.sign_up("Abbey Salami")
    clock.advance(seconds=1)
    answer = await api.put(
        f"/api/admin/users/{person.id}/roles", json={"roles": ["user", "moderator"]}, headers=admin.headers
    )
    assert answer.status_code == 200, answer.text
    person = await api.sign_in("Abbey Salami")

    items = await read(api, person, ACTIVITY)

    changed = next(item for item in items if item["event"] == "account.roles_changed")
    assert (changed["byAdministrator"], changed["address"]) == (True, "")
    assert [item["address"] for item in items if not item["byAdministrator"]] == ["203.0.113.7"] * 3
    assert set(items[0]) == {"id", "at", "event", "byAdministrator", "sessionId", "address", "details"}


async def test_no_answer_holds_a_secret(api: Api, admin: Person, entries: Entries) -> None:
    person = await api.sign_up("Abbey Salami")
    refreshed = (await api.refresh(person.refresh_token)).json()
    body = {"currentPassword": PASSWORD, "newPassword": "another horse"}
    await api.post("/api/auth/password/change", json=body, headers=person.headers)
    await api.post("/api/auth/signin", json={"username": "Abbey Salami", "password": PASSWORD})

    text = json.dumps([await read(api, admin, size=100), await read(api, person, ACTIVITY)])

    secrets = [PASSWORD, "another horse", person.access_token, person.refresh_token, refreshed["refreshToken"], "$2b$"]
    assert not [secret for secret in secrets if secret in text]
    assert len(await entries()) >= 6
