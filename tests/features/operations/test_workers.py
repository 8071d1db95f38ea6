"""Several workers: one set of figures, exact, whichever of them answers; and what a killed one leaves behind."""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.support.figures import Figures, read_figures
from tests.support.server import GatepostServer, gatepost_server

WORKERS = 2
REQUESTS = 200
# Workers share what they have counted every second; the rest is for a machine that has other things to do.
SECONDS = 60
BOARD = 'gatepost_http_requests_total{method="GET",route="/api/test/all",status="2xx"}'
STARTED = re.compile(r"Started server process \[(\d+)\]")


@pytest.fixture(scope="module")
def server() -> Iterator[GatepostServer]:
    with gatepost_server(WORKERS=str(WORKERS), LOG_FORMAT="json") as server:
        yield server


def ask(server: GatepostServer, path: str) -> httpx.Response:
    """Send one request over a connection of its own, so that either worker may get it."""
    return httpx.get(f"{server.url}{path}", trust_env=False, timeout=SECONDS)


def until(server: GatepostServer, settled: Callable[[Figures], bool]) -> Figures:
    """Return the figures once they are as expected; no sum goes down meanwhile."""
    deadline = time.monotonic() + SECONDS
    before: Figures = {}
    while True:
        figures = read_figures(ask(server, "/metrics"))
        assert [name for name, value in before.items() if "_total" in name and figures[name] < value] == []
        if settled(figures):
            return figures
        assert time.monotonic() < deadline, figures
        before = figures
        time.sleep(0.2)


def test_figures_are_those_of_all_workers(server: GatepostServer) -> None:
    until(server, lambda figures: figures["gatepost_workers"] == WORKERS)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: ask(server, "/api/test/all"), range(REQUESTS)))
    assert {answer.status_code for answer in answers} == {200}

    figures = until(server, lambda figures: figures[BOARD] >= REQUESTS)

    assert figures[BOARD] == REQUESTS
    assert figures['gatepost_http_request_duration_seconds_count{method="GET",route="/api/test/all"}'] == REQUESTS
    assert figures["gatepost_db_connections_limit"] == 20 * WORKERS
    by_worker = {_worker(_id(line)) for line in _requests(server)}
    assert len(by_worker) == WORKERS, "one worker had all requests"


def test_each_request_has_one_line_whichever_worker_writes_it(server: GatepostServer) -> None:
    answers = [ask(server, "/api/test/all") for _ in range(20)]

    ids = {answer.headers["x-request-id"] for answer in answers}
    deadline = time.monotonic() + SECONDS
    while not ids <= {_id(line) for line in _requests(server)}:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    written = [_id(line) for line in _requests(server)]
    assert len(written) == len(set(written))


def test_worker_that_was_killed_keeps_its_counts_and_loses_the_rest(server: GatepostServer) -> None:
    last = ask(server, "/api/test/all").headers["x-request-id"]

    def all_are_shared(figures: Figures) -> bool:
        # A worker shares what it has counted before it tells the sum.
        written = [_id(line) for line in _requests(server)]
        return last in written and figures[BOARD] == len(written) and figures["gatepost_workers"] == WORKERS

    before = until(server, all_are_shared)

    known: set[str] = set()
    while len(known) < WORKERS:
        known.add(_worker(ask(server, "/metrics").headers["x-request-id"]))

    os.kill(int(STARTED.findall(server.log)[0]), signal.SIGKILL)

    # Until one tells the figures that was started in its place: its own are among them.
    deadline = time.monotonic() + SECONDS
    while _worker((answer := ask(server, "/metrics")).headers["x-request-id"]) in known:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    after = read_figures(answer)
    assert after[BOARD] == before[BOARD]
    assert after["gatepost_workers"] == WORKERS
    assert after["gatepost_db_connections_limit"] == 20 * WORKERS


def test_folder_of_the_metrics_goes_with_the_service(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    with gatepost_server(tmp_path, WORKERS=str(WORKERS), TMPDIR=str(tmp_path / "tmp")) as server:
        until(server, lambda figures: figures["gatepost_workers"] == WORKERS)
        assert len(list((tmp_path / "tmp").glob("gatepost-metrics-*"))) == 1

    assert list((tmp_path / "tmp").glob("gatepost-metrics-*")) == []


def _requests(server: GatepostServer) -> list[str]:
    return [line for line in server.log.splitlines() if '"event":"request"' in line and "/api/test/all" in line]


def _id(line: str) -> str:
    return line.split('"request_id":"')[1].split('"')[0]


def _worker(request_id: str) -> str:
    """Return which of the workers answered a request."""
    return request_id[:20]
