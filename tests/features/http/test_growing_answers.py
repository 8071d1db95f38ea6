"""Answers that grow with the stored data come in pieces, and other work runs in between; counted, not timed."""

import asyncio
import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import event, insert
from starlette.types import Message

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.core.logs.context import REQUEST
from gatepost.core.paging import PAGE
from gatepost.identity.invitations.models import Invitation
from gatepost.identity.sessions.models import Revocation
from gatepost.identity.sessions.statements import SESSIONS
from tests.features.admin.conftest import give
from tests.support.api import Api, Person
from tests.support.clock import FakeClock

MANY = 3 * PAGE + 7
OF_MANY = ("SELECT audit_log.id", "SELECT sessions.id", "SELECT one_time_tokens.id", "SELECT invitations.id")


class Reader:
    """A client that reads as fast as it can, and another task that needs the event loop now and then."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self.pieces: list[bytes] = []
        self.status = 0
        self.turns_at: list[int] = []
        self._turns = 0
        self._has_asked = False

    async def get(self, path: str, headers: dict[str, str]) -> Any:
        """Ask for something; return the JSON of all pieces together."""
        neighbour = asyncio.create_task(self._take_turns())
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
            "server": ("localhost", 8080), "client": ("203.0.113.7", 50000),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }  # fmt: skip
        await self._app(scope, self._receive, self._send)
        neighbour.cancel()
        return json.loads(b"".join(self.pieces))

    async def _take_turns(self) -> None:
        while True:
            await asyncio.sleep(0)
            self._turns += 1

    async def _receive(self) -> Message:
        if self._has_asked:
            await asyncio.Event().wait()  # it stays
        self._has_asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["body"]:
            self.pieces.append(message["body"])
            self.turns_at.append(self._turns)

    def assert_took_turns(self, *, pieces: int) -> None:
        """Check that the answer came in at least so many pieces, and that the other task ran between any two."""
        assert self.status == 200
        assert len(self.pieces) >= pieces
        assert len(set(self.turns_at)) == len(self.turns_at)


@pytest.fixture
def reader(app: FastAPI) -> Reader:
    """Return a client of the app under test."""
    return Reader(app)


@pytest.fixture
def asked(database: Database) -> Iterator[list[bool]]:
    """Give, for each statement that reads growing data, whether it is limited to one page."""
    limits: list[bool] = []

    def note(_c: Any, _u: Any, statement: str, parameters: Any, *_: Any) -> None:
        # Not what is done in the background, in pages of its own.
        if REQUEST.get(None) is not None and statement.startswith(OF_MANY):
            limits.append("LIMIT" in statement and PAGE in parameters)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    yield limits
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)


async def add_sessions(database: Database, clock: FakeClock, person: Person, count: int) -> None:
    """Open sessions, the first of which was used last; every fifth has been used with the one before it."""
    now = clock.now()
    async with database.begin() as tx:
        await tx.execute(insert(SESSIONS), [
            {
                "user_id": person.id, "generation": 0, "rotated_at": now, "created_at": now,
                "last_used_at": now - timedelta(seconds=number - number % 5 // 4),
                "idle_expires_at": now + timedelta(days=1),
                "absolute_expires_at": now + timedelta(days=1), "access_expires_at": now, "key_id": "k", "amr": "pwd",
                "address": "", "user_agent": "", "device": "",
            }
            for number in range(1, count)
        ])  # fmt: skip


async def test_export_of_oneself_is_read_and_sent_in_pages(
    api: Api, database: Database, clock: FakeClock, reader: Reader, asked: list[bool]
) -> None:
    person = await api.sign_up()
    await add_sessions(database, clock, person, MANY)
    async with database.begin() as tx:
        tx.add_all(
            AuditEntry(
                at=clock.now() - timedelta(seconds=number // 3), event="sign_in.failed", user_id=person.id,
                session_id=number, address="203.0.113.7", request_id="", details={"reason": "wrong_password"},
            )
            for number in range(MANY)
        )  # fmt: skip
    asked.clear()

    body = await reader.get("/api/users/me/export", person.headers)

    told = [entry for entry in body["activity"] if entry["event"] == "sign_in.failed"]
    assert sorted(entry["sessionId"] for entry in told) == list(range(MANY))
    assert [entry["at"] for entry in told] == sorted((entry["at"] for entry in told), reverse=True)
    assert len({session["id"] for session in body["sessions"]}) == len(body["sessions"]) == MANY
    assert body["account"]["username"] == person.username
    assert asked == [True] * (4 + 1 + 4)
    reader.assert_took_turns(pieces=4 + 1 + 4)
    assert max(piece.count(b"createdAt") for piece in reader.pieces) <= PAGE


@pytest.mark.both_databases
@pytest.mark.parametrize("by_administrator", [False, True])
async def test_list_of_sessions_is_read_and_sent_in_pages(
    api: Api, database: Database, clock: FakeClock, reader: Reader, asked: list[bool], by_administrator: bool
) -> None:
    person = await api.sign_up()
    await give(database, person.id, ["admin"])
    person = await api.sign_in()
    await add_sessions(database, clock, person, MANY)
    asked.clear()
    path = f"/api/admin/users/{person.id}/sessions" if by_administrator else "/api/auth/sessions"

    body = await reader.get(path, person.headers)

    assert len({session["id"] for session in body}) == len(body) == MANY + 1
    places = [(session["lastUsedAt"], session["id"]) for session in body]
    assert places == sorted(places, reverse=True)
    assert [session["isCurrent"] for session in body].count(True) == (not by_administrator)
    assert asked == [True] * 4
    reader.assert_took_turns(pieces=4)


@pytest.mark.both_databases
async def test_list_of_open_invitations_is_read_and_sent_in_pages(
    api: Api, database: Database, clock: FakeClock, reader: Reader, asked: list[bool]
) -> None:
    root = await api.sign_up()
    await give(database, root.id, ["admin"])
    root = await api.sign_in()
    ends_at = clock.now() + timedelta(days=1)
    async with database.begin() as tx:
        tx.add_all(
            Invitation(
                email=f"{number}@example.com", email_canonical=f"{number}@example.com", inviter_id=root.id,
                created_at=clock.now(), expires_at=ends_at, roles=[],
            )
            for number in range(MANY)
        )  # fmt: skip
    asked.clear()

    body = await reader.get("/api/admin/invitations", root.headers)

    ids = [invitation["id"] for invitation in body]
    assert len(ids) == MANY
    assert ids == sorted(ids, reverse=True)
    assert {invitation["invitedBy"] for invitation in body} == {root.username}
    assert asked == [True] * 4
    reader.assert_took_turns(pieces=4)


async def test_few_sessions_are_a_list_and_none_an_empty_one(api: Api, database: Database, services: Services) -> None:
    person = await api.sign_up()
    assert len((await api.get("/api/auth/sessions", headers=person.headers)).json()) == 1
    other = await api.sign_up("Other")
    await give(database, person.id, ["admin"])
    person = await api.sign_in()
    await api.post("/api/auth/signout", headers=other.headers)

    answer = await api.get(f"/api/admin/users/{other.id}/sessions", headers=person.headers)

    assert (answer.status_code, answer.json(), answer.headers["content-type"]) == (200, [], "application/json")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.both_databases
async def test_feed_of_revocations_is_sent_in_pages(
    services: Services, database: Database, clock: FakeClock, reader: Reader
) -> None:
    now = clock.now()
    async with database.begin() as tx:
        await tx.execute(insert(Revocation), [
            {"session_id": number, "user_id": 1, "created_at": now, "expires_at": now + timedelta(days=1)}
            for number in range(1, MANY + 1)
        ])  # fmt: skip
    await services.identity.revocations.poll()
    secret = await services.flows.clients.add("notes", name="Notes")
    basic = base64.b64encode(f"notes:{secret}".encode()).decode()

    body = await reader.get("/api/auth/revocations", {"Authorization": f"Basic {basic}"})

    assert [line["sessionId"] for line in body["revocations"]] == list(range(1, MANY + 1))
    reader.assert_took_turns(pieces=4)
