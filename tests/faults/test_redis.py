"""A Redis that dies, stalls and comes back, behind a service that counts in it."""

import itertools
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from sqlalchemy import URL

from tests.faults.conftest import settings_of
from tests.support.api import assert_problem
from tests.support.redis import RedisServer, redis_server
from tests.support.server import GatepostServer, gatepost_server

WAIT_SECONDS = 60
QUOTA = 30
NUMBERS = itertools.count(1)
TOKEN = {"refreshToken": "grt_nobodys"}


@dataclass(frozen=True)
class Counting:
    """A service that counts refreshes in a Redis of its own."""

    server: GatepostServer
    redis: RedisServer
    client: httpx.Client

    def refresh(self, *, subject: str) -> httpx.Response:
        """Ask for a refresh from somewhere."""
        return self.client.post("/api/auth/refreshtoken", json=TOKEN, headers={"X-Forwarded-For": subject})

    def left(self, *, subject: str) -> int:
        """Ask for a refresh, and return how many more are allowed."""
        found = re.search(r"r=(\d+)", self.refresh(subject=subject).headers["ratelimit"])
        assert found
        return int(found[1])

    def figure(self, name: str) -> float:
        """Return a figure of /metrics."""
        found = re.search(rf"^gatepost_{name}(?:_total)? (\S+)$", self.client.get("/metrics").text, re.M)
        assert found, name
        return float(found[1])


@pytest.fixture(scope="module")
def counting(maria_url: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counting]:
    """Give that service."""
    settings = settings_of(maria_url) | {
        "RATE_LIMITS": "true",
        "REFRESH_RATE": f"{QUOTA} per hour",
        "TRUSTED_PROXIES": "127.0.0.1",
    }
    with (
        redis_server() as redis,
        gatepost_server(tmp_path_factory.mktemp("redis"), REDIS_URL=redis.url, **settings) as server,
        httpx.Client(base_url=server.url, trust_env=False, timeout=20) as client,
    ):
        yield Counting(server, redis, client)


def test_limits_go_on_without_redis_and_come_back_to_it(counting: Counting) -> None:
    assert left_together(counting) == [QUOTA - 1, QUOTA - 2]
    alone = counting.figure("rate_limit_fallbacks")

    counting.redis.kill()
    left = [counting.left(subject="198.51.100.1") for _ in range(QUOTA)]

    assert left == list(range(QUOTA - 1, -1, -1)), "a process counts for itself"
    refused = counting.refresh(subject="198.51.100.1")
    assert_problem(refused, 429, "too_many_requests")
    assert refused.headers["retry-after"]
    assert counting.figure("redis_down") == 1
    assert counting.figure("rate_limit_fallbacks") == alone + QUOTA + 1
    assert counting.client.get("/readyz").is_success

    counting.redis.start()
    assert left_together(counting) == [QUOTA - 1, QUOTA - 2]


def test_redis_that_stalls_is_not_asked_for_each_answer(counting: Counting) -> None:
    left_together(counting)
    made, alone = counting.redis.connections(), counting.figure("rate_limit_fallbacks")
    assert counting.redis.process
    counting.redis.process.send_signal(signal.SIGSTOP)
    try:
        left = [counting.left(subject="198.51.100.2") for _ in range(QUOTA)]
    finally:
        counting.redis.process.send_signal(signal.SIGCONT)

    assert left == list(range(QUOTA - 1, -1, -1))
    assert counting.figure("redis_down") == 1
    assert counting.figure("rate_limit_fallbacks") == alone + QUOTA
    # Whoever waits in vain leaves a connection, and the next one to ask makes another.
    assert counting.redis.connections() - made < QUOTA / 2, "only the first waits, and one every few seconds"
    left_together(counting)


def left_together(counting: Counting) -> list[int]:
    """Return what two requests of somebody new leave, as soon as Redis counts both."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        subject, alone = f"203.0.113.{next(NUMBERS)}", counting.figure("rate_limit_fallbacks")
        left = [counting.left(subject=subject) for _ in range(2)]
        if counting.figure("rate_limit_fallbacks") == alone:
            assert counting.figure("redis_down") == 0
            return left
        assert time.monotonic() < deadline, "it does not come to Redis"
        time.sleep(0.2)
