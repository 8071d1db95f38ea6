"""Ids from outside: every route takes those that JavaScript reads as themselves, and refuses greater ones clearly."""

import base64
import json

import pytest
from sqlalchemy import URL, insert

from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import user_roles
from tests.support.api import Api, assert_problem

LARGEST = 2**53 - 1
ADMIN_ROLE = 3


@pytest.fixture
def database_url(sqlite_url: URL) -> URL:
    """Return the one database that these tests need: no id that is refused reaches it."""
    return sqlite_url


def cursor(value: list[object]) -> str:
    """Return a cursor as the service writes it."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


async def test_ids_beyond_those_of_javascript_are_refused_everywhere(api: Api, database: Database) -> None:
    person = await api.sign_up("Root")
    async with database.begin() as tx:
        await tx.execute(insert(user_roles).values(user_id=person.id, role_id=ADMIN_ROLE))
    root = await api.sign_in("Root")

    async def answer(method: str, path: str) -> tuple[int, str]:
        found = await api.client.request(
            method, path, headers=root.headers, json={} if method in ("PATCH", "PUT") else None
        )
        return found.status_code, found.json().get("code", "")

    routes = [
        ("GET", "/api/admin/users/{}"), ("PATCH", "/api/admin/users/{}"), ("DELETE", "/api/admin/users/{}"),
        ("POST", "/api/admin/users/{}/disable"), ("GET", "/api/admin/users/{}/sessions"),
        ("GET", "/api/admin/users?id={}"), ("GET", "/api/admin/roles/{}"), ("DELETE", "/api/admin/roles/{}"),
        ("DELETE", "/api/admin/invitations/{}"), ("GET", "/api/admin/audit?userId={}"),
        ("GET", "/api/admin/audit?actorId={}"), ("DELETE", "/api/auth/sessions/{}"),
    ]  # fmt: skip
    for method, path in routes:
        taken = await answer(method, path.format(LARGEST))
        assert taken[1] != "validation_failed" or method == "PUT", (method, path, taken)
        assert await answer(method, path.format(LARGEST + 1)) == (422, "validation_failed"), (method, path)

    at = "2026-01-31T12:00:00+00:00"
    for path, place in (("/api/admin/users?sort=id&after=", ["id", LARGEST + 1, LARGEST + 1]),
                        ("/api/admin/audit?after=", [at, LARGEST + 1])):  # fmt: skip
        assert_problem(await api.get(path + cursor(place), headers=root.headers), 400, "cursor_invalid")
    found = (await api.get(f"/api/admin/users?search={LARGEST + 1}", headers=root.headers)).json()
    assert found["items"] == []
