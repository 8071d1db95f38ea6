"""Workers that die, stops in the middle of work, a full disk, slow clients, a rolling restart."""

import asyncio
import contextlib
import os
import re
import resource
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import aiomysql
import httpx
import pytest
from sqlalchemy import URL, select

from gatepost.http.server.protocol import SEND_SECONDS
from gatepost.mail.models import OutboxMail
from tests.faults.conftest import (
    ADMIN,
    LONG,
    PAUSE_SECONDS,
    WAIT_SECONDS,
    Place,
    open_place,
    settings_of,
    until,
    until_acknowledged,
    until_locked_out,
)
from tests.support.api import Api, assert_problem
from tests.support.missing import program
from tests.support.server import GatepostServer, free_port, gatepost_server

# Of the nine seconds a stop has, three are for the drain; the requests in flight have less than half a body would.
STOP_SETTINGS = {"DRAIN_SECONDS": "3", "SHUTDOWN_SECONDS": "9", "DB_TIMEOUT_SECONDS": "60"}
REQUESTS = 10_000 if LONG else 1_000
SLOW_CLIENTS = 200
LARGEST_FILE = 256 * 1024
PROXY = Path(__file__).parents[2] / "docs" / "proxy.md"


def worker_pids(server: GatepostServer) -> set[int]:
    """Return the process ids of the workers that have started."""
    return {int(number) for number in re.findall(r"Started server process \[(\d+)\]", server.log)}


async def test_worker_that_is_killed_under_load_is_replaced_and_nothing_is_lost(maria_url: URL, tmp_path: Path) -> None:
    with gatepost_server(tmp_path, WORKERS="2", **settings_of(maria_url)) as server:
        async with open_place(server, maria_url) as place:
            await until(lambda: len(worker_pids(server)) == 2)
            ledger, done = place.ledger("worker", breaks=True), asyncio.Event()
            writing = asyncio.create_task(ledger.write_until(done))
            await until_acknowledged(ledger)
            before = worker_pids(server)
            os.kill(min(before), signal.SIGKILL)
            await until(lambda: worker_pids(server) > before)
            await until_acknowledged(ledger)
            done.set()
            await writing
            await ledger.check(place.database)


async def test_stop_answers_what_is_in_flight_and_does_not_wait_for_half_a_body(maria_url: URL, tmp_path: Path) -> None:
    holder = await aiomysql.connect(host="127.0.0.1", port=maria_url.port, user="root", db=maria_url.database)
    with gatepost_server(tmp_path, **STOP_SETTINGS, **settings_of(maria_url)) as server:
        async with open_place(server, maria_url) as place:
            cursor = await holder.cursor()
            await cursor.execute("LOCK TABLES users WRITE")
            in_flight = [asyncio.create_task(place.client.post("/api/auth/signin", json=ADMIN)) for _ in range(8)]
            await until_locked_out(place, 8)
            server.process.send_signal(signal.SIGTERM)
            told = await place.client.get("/readyz")
            while told.is_success:
                told = await place.client.get("/readyz")
            host, port = server.url.removeprefix("http://").split(":")
            half, body = await asyncio.open_connection(host, int(port))
            body.write(b"POST /api/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
            body.write(b"Content-Length: 60000\r\n\r\n{")
            await until(lambda: "Shutting down" in server.log)
            assert not any(task.done() for task in in_flight)
            holder.close()
            answers = await asyncio.gather(*in_flight)
            cut_off = await half.read()
            await asyncio.to_thread(server.process.wait, WAIT_SECONDS)
            body.close()
        # gatepost_server wants to stop it itself; it has ended.
        assert "Traceback" not in server.log, server.log
        assert_problem(told, 503, "shutting_down")
        assert told.headers["connection"] == "close"
        assert [answer.status_code for answer in answers] == [200] * 8
        assert cut_off.startswith(b"HTTP/1.1 408 ")
        assert "graceful shutdown exceeded" not in server.log


async def test_full_disk_under_sqlite_is_unavailable_until_there_is_room(tmp_path: Path) -> None:
    url = URL.create("sqlite", database=str(tmp_path / "gatepost.db"))
    with gatepost_server(tmp_path, **settings_of(url)) as server:
        server.command(
            "create-admin", "--username", ADMIN["username"], "--email", "a@example.com", "--password-stdin",
            stdin=ADMIN["password"],
        )  # fmt: skip
        async with open_place(server, url) as place:
            ledger, done = place.ledger("disk"), asyncio.Event()
            writing = asyncio.create_task(ledger.write_until(done, clients=2))
            await until_acknowledged(ledger)
            # The write-ahead log is longer, or soon will be; the server's own log is not.
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (LARGEST_FILE, resource.RLIM_INFINITY))
            await until(lambda: ledger.answers["refused"] > 0)
            alive = await place.client.get("/healthz")
            resource.prlimit(
                server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            )
            await until_acknowledged(ledger)
            done.set()
            await writing
            after = place.ledger("after disk")
            await after._life()
            await ledger.check(place.database)

    assert alive.is_success
    assert after.answers == {"acknowledged": 4}


async def test_mail_server_that_is_down_costs_nobody_an_answer_and_no_mail(maria_url: URL, tmp_path: Path) -> None:
    with free_port() as listener:
        nobody = listener.getsockname()[1]
    with gatepost_server(tmp_path, MAIL_URL=f"smtp://127.0.0.1:{nobody}", **settings_of(maria_url)) as server:
        async with open_place(server, maria_url) as place:
            ledger = place.ledger("mail")
            await ledger._life()
            person = await Api(place.client).sign_up("mailed")
            asked = await place.client.post("/api/auth/password/forgot", json={"email": person.email})
            async with place.database.read() as tx:
                kept = (await tx.scalars(select(OutboxMail).where(OutboxMail.address == person.email))).all()

    assert ledger.answers == {"acknowledged": 4}
    assert asked.status_code == 202
    assert kept


async def test_200_slow_clients_are_closed_and_delay_nobody(place: Place) -> None:
    host, port = place.server.url.removeprefix("http://").split(":")
    starts = [
        b"",
        b"GET /healthz HTTP/1.1\r\nX-Slow: ",
        b"POST /api/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n",
    ]
    slow = [await asyncio.open_connection(host, int(port)) for _ in range(SLOW_CLIENTS)]
    closing = [asyncio.create_task(reader.read()) for reader, _ in slow]
    for number, (_, writer) in enumerate(slow):
        writer.write(starts[number % len(starts)])
    beside_all = 0
    async with asyncio.timeout(WAIT_SECONDS):
        while not all(task.done() for task in closing):
            for number, (_, writer) in enumerate(slow):
                if number % len(starts) and not closing[number].done():
                    writer.write(b"x")
            assert (await place.client.get("/healthz")).is_success
            assert (await place.client.get("/api/test/all")).is_success
            beside_all += not any(task.done() for task in closing)
            await asyncio.sleep(PAUSE_SECONDS)
    for _, writer in slow:
        writer.close()

    assert SEND_SECONDS <= 10
    assert beside_all > 2, "others were answered only when the slow ones had gone"
    ledger = place.ledger("beside slow ones")
    await ledger._life()
    assert ledger.answers == {"acknowledged": 4}


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[tuple[str, list[int]]]:
    """Give nginx with the documented settings, in front of two ports where replicas may listen."""
    command = program("nginx", package="Debian's nginx-light")
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(free_port()).getsockname()[1] for _ in range(3)]
    documented = "\n".join(re.findall(r"^```nginx\n(.*?)^```$", PROXY.read_text(encoding="utf-8"), re.M | re.S))
    site = documented.replace("listen 443 ssl", f"listen 127.0.0.1:{ports[2]}")
    site = re.sub(r"^\s*ssl_.*$", "", site, flags=re.M)
    for index, port in enumerate(ports[:2]):
        site = site.replace(f"127.0.0.1:808{index}", f"127.0.0.1:{port}")
    config = tmp_path / "nginx.conf"
    config.write_text(
        f"daemon off; master_process off; pid {tmp_path}/nginx.pid; error_log {tmp_path}/nginx.log;\n"
        f"events {{ worker_connections 1024; }}\nhttp {{ access_log off; client_body_temp_path {tmp_path}/body;\n"
        f"proxy_temp_path {tmp_path}/proxy; fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u;\n"
        f"scgi_temp_path {tmp_path}/s;\n{site} }}\n",
        encoding="utf-8",
    )
    process = subprocess.Popen([command, "-c", str(config), "-e", str(tmp_path / "nginx.log")])
    try:
        yield f"http://127.0.0.1:{ports[2]}", ports[:2]
    finally:
        process.terminate()
        process.wait()


@pytest.mark.nginx
async def test_rolling_restart_behind_nginx_drops_no_request(
    nginx: tuple[str, list[int]], maria_url: URL, tmp_path: Path
) -> None:
    url, ports = nginx
    settings = {"DRAIN_SECONDS": "1", "TRUSTED_PROXIES": "127.0.0.1", **settings_of(maria_url)}

    @contextlib.contextmanager
    def replica(number: int, life: int) -> Iterator[GatepostServer]:
        folder = tmp_path / f"replica{number}-{life}"
        folder.mkdir()
        with gatepost_server(folder, PORT=str(ports[number]), **settings) as server:
            yield server

    async def ask(client: httpx.AsyncClient, seen: Counter[int], done: asyncio.Event) -> None:
        while not done.is_set() or seen.total() < REQUESTS:
            if seen.total() % 5 == 0:
                answer = await client.post("/api/auth/signin", json=ADMIN)
            else:
                answer = await client.get("/api/test/all")
            seen[answer.status_code] += 1
            # The replica that starts needs the processor, too.
            await asyncio.sleep(0.01)

    seen, done = Counter[int](), asyncio.Event()
    with contextlib.ExitStack() as first, contextlib.ExitStack() as second:
        stacks = (first, second)
        for number in range(2):
            stacks[number].enter_context(replica(number, 0))
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=WAIT_SECONDS) as client:
            asking = [asyncio.create_task(ask(client, seen, done)) for _ in range(4)]
            for life in range(1, 4 if LONG else 2):
                for number in range(2):
                    await asyncio.to_thread(stacks[number].close)
                    await asyncio.to_thread(stacks[number].enter_context, replica(number, life))
            done.set()
            await asyncio.gather(*asking)

    assert seen.total() >= REQUESTS
    assert seen == {200: seen.total()}
