"""How much work a request is, counted independently of the machine: database queries and Python function calls.

Times are measured by `make bench`, never here.
"""

import gc
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from tests.conftest import ADDRESS
from tests.support.api import PASSWORD, Api, Person, bearer
from tests.support.clock import FakeClock
from tests.support.factors import go_on, pending_token, set_up_app
from tests.support.statements import commits, statements

pytestmark = pytest.mark.both_databases

# What a request may be beyond a bare route of FastAPI, in calls of Python functions.
MOST_CALLS_BEYOND_A_BARE_ROUTE = 70
MOST_CALLS_OF_A_NEW_TOKEN = 62
MOST_CALLS_OF_A_REFRESH = 2_250
REFRESHES = 30


@pytest.fixture
async def person(api: Api) -> Person:
    """Return somebody who has signed in from this device before."""
    return await api.sign_up()


async def _public(api: Api, _: Person) -> httpx.Response:
    return await api.get("/api/test/all")


async def _verified(api: Api, person: Person) -> httpx.Response:
    return await api.get("/api/test/user", headers=person.headers)


async def _jwks(api: Api, _: Person) -> httpx.Response:
    return await api.get("/.well-known/jwks.json")


async def _sign_in(api: Api, person: Person) -> httpx.Response:
    return await api.post("/api/auth/signin", json={"username": person.username, "password": PASSWORD})


async def _refresh(api: Api, person: Person) -> httpx.Response:
    return await api.refresh(person.refresh_token)


async def _sign_out(api: Api, person: Person) -> httpx.Response:
    return await api.post("/api/auth/signout", json={"refreshToken": person.refresh_token})


@pytest.mark.parametrize(
    ("operation", "most", "most_commits"),
    [
        pytest.param(_public, 0, 0, id="public GET"),
        pytest.param(_verified, 0, 0, id="verified GET"),
        pytest.param(_jwks, 0, 0, id="JWKS"),
        pytest.param(_refresh, 2, 1, id="refresh"),
        pytest.param(_sign_out, 4, 1, id="sign-out"),
        pytest.param(_sign_in, 3, 2, id="sign-in"),
    ],
)
async def test_operation_asks_the_database_no_more_than_it_must(
    api: Api,
    database: Database,
    person: Person,
    operation: Callable[[Api, Person], Awaitable[httpx.Response]],
    most: int,
    most_commits: int,
) -> None:
    with statements(database) as found, commits(database) as committed:
        answer = await operation(api, person)

    assert answer.is_success, answer.text
    assert len(found) <= most, "\n\n".join(found)
    assert len(committed) == most_commits


async def test_second_factor_costs_one_transaction_more(
    api: Api, services: Services, database: Database, person: Person, clock: FakeClock
) -> None:
    app = await set_up_app(api, services, person)
    clock.advance(minutes=1)

    with commits(database) as committed:
        answer = await go_on(api, await pending_token(api, person), app.code(clock.now()))

    assert answer.status_code == 200, answer.text
    # Those of a sign-in without one are two.
    assert len(committed) == 3


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_verified_get_is_little_work_beyond_a_bare_route(app: FastAPI, person: Person) -> None:
    bare = FastAPI()

    @bare.get("/api/test/user")
    async def board() -> PlainTextResponse:
        return PlainTextResponse("User Content.")

    headers = bearer(person.access_token)

    known, limit = await _calls(app, "/api/test/user", headers), await _calls(bare, "/api/test/user", headers)

    assert known <= limit + MOST_CALLS_BEYOND_A_BARE_ROUTE, (known, limit)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_token_that_is_new_to_a_worker_costs_one_check(app: FastAPI, api: Api, person: Person) -> None:
    known = await _calls(app, "/api/test/user", person.headers)
    answer = await api.refresh(person.refresh_token)

    new = await _calls(app, "/api/test/user", bearer(answer.json()["accessToken"]), warm=0)

    assert new <= known + MOST_CALLS_OF_A_NEW_TOKEN, (new, known)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_refresh_makes_no_objects_of_tables(app: FastAPI, person: Person) -> None:
    token, counts = person.refresh_token, []
    for _ in range(REFRESHES):
        body = json.dumps({"refreshToken": token}).encode()
        with calls() as counted:
            answer = await _request(app, "/api/auth/refreshtoken", {"content-type": "application/json"}, body=body)
        token = json.loads(answer)["refreshToken"]
        counts.append(counted())

    # What the service does meanwhile in the background is in some of them.
    assert min(counts) <= MOST_CALLS_OF_A_REFRESH, counts


async def _calls(app: FastAPI, path: str, headers: dict[str, str], *, warm: int = 3) -> int:
    """Return how many Python functions one request calls, after earlier ones have filled the caches."""
    for _ in range(warm):
        await _request(app, path, headers)
    with calls() as counted:
        await _request(app, path, headers)
    return counted()


@contextmanager
def calls() -> Iterator[Callable[[], int]]:
    """Give what tells how many Python functions were called within the block."""
    count = 0

    def note(_frame: Any, what: str, _argument: Any) -> None:
        nonlocal count
        count += what == "call"

    gc.disable()  # a collection would call whatever is finalised
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield lambda: count
    finally:
        sys.setprofile(before)
        gc.enable()


async def _request(app: FastAPI, path: str, headers: dict[str, str], *, body: bytes | None = None) -> bytes:
    """Send a request past any client, whose own work is not to be counted; return the body of the answer."""
    status, answer = 0, b""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body or b"", "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status, answer
        status = message.get("status", status)
        answer += message.get("body", b"")

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http",
        "method": "GET" if body is None else "POST",
        "path": path, "raw_path": path.encode(), "root_path": "", "query_string": b"", "state": {},
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": (ADDRESS, 50000), "server": ("localhost", 8080),
    }  # fmt: skip
    await app(scope, receive, send)
    assert status == 200
    return answer
