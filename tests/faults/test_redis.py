"""A Redis that dies, stalls and comes back, behind a service that counts in it."""

import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from sqlalchemy import URL

from gatepost.identity.throttling.rates import REDIS_PAUSE_SECONDS
from tests.faults.conftest import settings_of
from tests.support.api import assert_problem
from tests.support.redis import RedisServer, redis_server
from tests.support.server import GatepostServer, gatepost_server

ADDED_SECONDS = 0.25
SLACK_SECONDS = 0.75
QUOTA = 30
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
    assert counting.left(subject="203.0.113.1") == QUOTA - 1
    assert counting.left(subject="203.0.113.1") == QUOTA - 2
    assert (counting.figure("redis_down"), counting.figure("rate_limit_fallbacks")) == (0, 0)

    counting.redis.kill()
    left = [counting.left(subject="203.0.113.1") for _ in range(QUOTA)]

    assert left == list(range(QUOTA - 1, -1, -1)), "a process counts for itself"
    refused = counting.refresh(subject="203.0.113.1")
    assert_problem(refused, 429, "too_many_requests")
    assert refused.headers["retry-after"]
    assert counting.figure("redis_down") == 1
    assert counting.figure("rate_limit_fallbacks") == QUOTA + 1
    assert counting.client.get("/readyz").is_success

    counting.redis.start()
    wait_until_counted_together(counting)
    alone = counting.figure("rate_limit_fallbacks")
    assert counting.left(subject="203.0.113.2") == QUOTA - 1
    assert counting.figure("rate_limit_fallbacks") == alone


def test_redis_that_stalls_makes_no_answer_late(counting: Counting) -> None:
    assert counting.redis.process
    counting.redis.process.send_signal(signal.SIGSTOP)
    try:
        took = []
        for _ in range(10):
            start = time.monotonic()
            assert counting.left(subject="203.0.113.3") < QUOTA
            took.append(time.monotonic() - start)
    finally:
        counting.redis.process.send_signal(signal.SIGCONT)

    assert max(took) < ADDED_SECONDS + SLACK_SECONDS
    assert sorted(took)[len(took) // 2] < ADDED_SECONDS, "only the first waits"
    assert counting.figure("redis_down") == 1
    wait_until_counted_together(counting)


def wait_until_counted_together(counting: Counting) -> None:
    """Ask until Redis is asked again."""
    deadline = time.monotonic() + REDIS_PAUSE_SECONDS + SLACK_SECONDS
    while counting.figure("redis_down"):
        assert time.monotonic() < deadline, "it does not come back to Redis"
        counting.refresh(subject="203.0.113.4")
        time.sleep(0.2)
