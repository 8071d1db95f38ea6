"""A database server that dies, stalls, drops connections, or lets nobody in."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import aiomysql
import httpx
import pytest
from sqlalchemy import URL, text

from tests.faults.conftest import LONG, PAUSE_SECONDS, WAIT_SECONDS, Place, until_acknowledged, until_locked_out
from tests.support.api import Api, assert_problem
from tests.support.mysql import PrivateServer
from tests.support.workers import until_waiting_for_a_lock

WRITERS = 4
# How many answers must be refused before the harm ends.
REFUSED = 20 if LONG else WRITERS
# Of those that were under way at the end of the harm, and one more of each writer.
REFUSED_AFTER = 2 * WRITERS


async def is_ready(place: Place) -> bool:
    """Whether the service says that it can serve."""
    with suppress(httpx.TransportError):
        return (await place.client.get("/readyz")).is_success
    return False


async def until_ready(place: Place) -> None:
    """Wait until everything works again."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not await is_ready(place):
            await asyncio.sleep(PAUSE_SECONDS)


async def harmed(place: Place, name: str, *, harm: Callable[[], None], mend: Callable[[], object]) -> None:
    """Do harm while a ledger writes: liveness stays, each answer comes while it lasts, it recovers, nothing is lost."""
    ledger, done = place.ledger(name), asyncio.Event()
    writing = asyncio.create_task(ledger.write_until(done, clients=WRITERS))
    await until_acknowledged(ledger)
    harm()
    try:
        enough = ledger.answers["refused"] + REFUSED
        async with asyncio.timeout(WAIT_SECONDS):
            while ledger.answers["refused"] < enough:
                assert (await place.client.get("/healthz")).is_success
                ready = await place.client.get("/readyz")
                assert ready.status_code == 503
                assert ready.headers["retry-after"]
                await asyncio.sleep(PAUSE_SECONDS)
    finally:
        await asyncio.to_thread(mend)
    refused = ledger.answers["refused"]
    await until_ready(place)
    await until_acknowledged(ledger)
    done.set()
    await writing
    assert ledger.answers["refused"] - refused <= REFUSED_AFTER, "it recovers only later"
    await ledger.check(place.database)
    after = place.ledger(f"after {name}")
    await after._life()
    assert after.answers == {"acknowledged": 4}


async def test_server_that_is_killed_and_started_again(place: Place, maria: PrivateServer) -> None:
    await harmed(place, "killed", harm=maria.kill, mend=maria.start)


async def test_server_that_stalls(place: Place, maria: PrivateServer) -> None:
    await harmed(place, "stalled", harm=maria.stall, mend=maria.go_on)
    assert await connections(place) <= 20


async def test_liveness_does_not_wait_as_readiness_does(place: Place, maria: PrivateServer) -> None:
    maria.stall()
    try:
        alive = asyncio.create_task(place.client.get("/healthz"))
        ready = asyncio.create_task(place.client.get("/readyz"))
        first, _ = await asyncio.wait({alive, ready}, return_when=asyncio.FIRST_COMPLETED)
        assert (await ready).status_code == 503
    finally:
        maria.go_on()

    assert alive in first
    assert alive.result().is_success
    await until_ready(place)


async def connections(place: Place) -> int:
    """Return how many connections the server has besides ours."""
    async with place.database.read() as tx:
        query = "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'root' AND id <> CONNECTION_ID()"
        return int(await tx.scalar(text(query)) or 0)


async def test_idle_connections_that_are_killed_cost_nobody_an_answer(place: Place) -> None:
    await asyncio.gather(*(place.client.get("/readyz") for _ in range(20)))
    async with place.database.read() as tx:
        query = "SELECT id FROM information_schema.processlist WHERE user = 'root' AND id <> CONNECTION_ID()"
        for number in (await tx.scalars(text(query))).all():
            with suppress(Exception):
                await tx.execute(text(f"KILL CONNECTION {number}"))

    ledger = place.ledger("idle")
    await asyncio.gather(*(ledger._life() for _ in range(5)))

    assert ledger.answers == {"acknowledged": 20}
    await ledger.check(place.database)


@pytest.fixture
async def locked(maria_url: URL) -> AsyncIterator[aiomysql.Connection]:
    """Give a connection that holds the accounts, so that all others wait."""
    connection = await aiomysql.connect(host="127.0.0.1", port=maria_url.port, user="root", db=maria_url.database)
    cursor = await connection.cursor()
    await cursor.execute("LOCK TABLES users WRITE")
    yield connection
    connection.close()


async def test_exhausted_pool_is_unavailable_in_time_and_leaks_nothing(
    place: Place, locked: aiomysql.Connection
) -> None:
    body = {"username": "nobody", "password": "nothing at all"}
    waiting = asyncio.gather(*(place.client.post("/api/auth/signin", json=body) for _ in range(40)))
    await until_locked_out(place, 1)
    alive = await place.client.get("/healthz")
    answers = await waiting
    locked.close()

    assert alive.is_success
    # All of them came while the accounts were held.
    for answer in answers:
        assert_problem(answer, 503, "database_unavailable")
        assert answer.headers["retry-after"]
    await until_ready(place)
    assert (await place.client.post("/api/auth/signin", json=body)).status_code == 401
    assert await connections(place) <= 21


async def test_clients_that_go_in_mid_request_leak_nothing(place: Place) -> None:
    host, port = place.server.url.removeprefix("http://").split(":")
    head = "POST /api/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 43\r\n\r\n"
    request = head.encode() + b'{"username": "nobody", "password": "12345"}'
    for _ in range(100 if LONG else 40):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(request)
        await writer.drain()
        writer.transport.abort()
    ledger = place.ledger("after those who went")
    await asyncio.gather(*(ledger._life() for _ in range(5)))

    assert ledger.answers == {"acknowledged": 20}
    assert await connections(place) <= 20


async def last_deadlock(place: Place) -> str:
    """Return what the server tells of the deadlock that it has decided last: both statements, among other things."""
    async with place.database.read() as tx:
        told = str((await tx.execute(text("SHOW ENGINE INNODB STATUS"))).one()[2])
    return told.partition("LATEST DETECTED DEADLOCK")[2].partition("\nTRANSACTIONS\n")[0]


async def test_deadlock_is_decided_without_anybody_noticing(place: Place, maria_url: URL) -> None:
    api = Api(place.client)
    person = await api.sign_up("deadlocked")
    other = await api.sign_in("deadlocked")
    connection = await aiomysql.connect(host="127.0.0.1", port=maria_url.port, user="root", db=maria_url.database)
    cursor = await connection.cursor()
    # The transaction that has written more wins, so that the service's is rolled back.
    await cursor.execute("CREATE TABLE IF NOT EXISTS weight (x INT)")
    await cursor.execute("BEGIN")
    await cursor.execute("INSERT INTO weight SELECT seq FROM seq_1_to_2000")
    await cursor.execute(f"UPDATE sessions SET user_agent = 'x' WHERE user_id = {person.id}")
    change = {"currentPassword": person.password, "newPassword": "another password"}
    changing = asyncio.create_task(place.client.post("/api/auth/password/change", json=change, headers=other.headers))
    await until_waiting_for_a_lock(place.database)
    crossing = f"UPDATE users SET language = 'de' WHERE id = {person.id}"
    await cursor.execute(crossing)
    await connection.commit()
    connection.close()

    changed = await changing

    assert changed.is_success, changed.text
    assert crossing in await last_deadlock(place)
    assert (await api.sign_in("deadlocked", password="another password")).id == person.id
