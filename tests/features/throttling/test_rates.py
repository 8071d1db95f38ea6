"""Limits of what strangers may ask for: mails, links, sign-ups, refreshes."""

import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import URL

from gatepost.composition.services import Services
from gatepost.identity.throttling import deps, rates
from gatepost.identity.throttling.rates import REDIS_SECONDS, REDIS_SECONDS_IN_ALL, Rate, RateLimits
from tests.conftest import MakeServices, http_client, started
from tests.features.recovery.conftest import unattended
from tests.features.throttling.conftest import MakeApi
from tests.support.api import PASSWORD, Api
from tests.support.redis import RedisServer, redis_server

FORGOT = "/api/auth/password/forgot"
TIGHT = {"signup_rate": "2/hour", "mail_rate": "2/hour", "link_rate": "2/hour", "refresh_rate": "2/hour"}
# For a Redis that answers, on a machine that has other things to do.
PATIENT_SECONDS = 60.0


@pytest.fixture
def database_url(sqlite_url: URL) -> URL:
    """Return one database: what is limited here is not counted in it."""
    return sqlite_url


@pytest.fixture
def services(make_services: MakeServices) -> Services:
    return make_services(**TIGHT)


def sign_up_body(name: str) -> dict[str, str]:
    return {"username": name, "email": f"{name}@example.com", "password": PASSWORD}


@pytest.mark.parametrize(
    ("path", "body", "rate"),
    [
        ("/api/auth/signup", {"username": "x"}, "signup"),
        (FORGOT, {"email": "x"}, "mail"),
        ("/api/auth/email/resend", {"email": "x"}, "mail"),
        ("/api/auth/email/change", {"email": "x"}, "mail"),
        ("/api/auth/email/verify", {"token": "gpt_x"}, "link"),
        ("/api/auth/password/reset", {"token": "gpt_x", "password": PASSWORD}, "link"),
        ("/api/auth/not-me", {"token": "gpt_x"}, "link"),
        ("/api/auth/refreshtoken", {"refreshToken": "gpr_x"}, "refresh"),
        ("/api/auth/token", {}, "refresh"),
    ],
)
async def test_third_of_two_is_refused_whatever_is_sent(
    api_from: MakeApi, path: str, body: dict[str, str], rate: str
) -> None:
    api, other = api_from("198.51.100.1"), api_from("198.51.100.2")
    for left in (1, 0):
        answer = await api.post(path, json=body)
        assert answer.status_code not in (200, 429)
        assert answer.headers["ratelimit-policy"] == f'"{rate}";q=2;w=3600'
        name, remaining, reset = answer.headers["ratelimit"].split(";")
        assert (name, remaining) == (f'"{rate}"', f"r={left}")
        assert 3590 <= int(reset.removeprefix("t=")) <= 3600

    refused = await api.post(path, json=body)

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert refused.headers["ratelimit"].startswith(f'"{rate}";r=0;t=')
    assert 3590 <= int(refused.headers["retry-after"]) <= 3600
    assert (await other.post(path, json=body)).status_code != 429


async def test_good_answers_tell_what_is_left(api: Api) -> None:
    answer = await api.post("/api/auth/signup", json=sign_up_body("one"))
    assert answer.status_code == 201
    assert answer.headers["ratelimit"].startswith('"signup";r=1;t=')

    page = await api.post(FORGOT, json={"email": "x@example.com"}, headers={"Origin": "http://localhost:8081"})
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(
        page.headers["access-control-expose-headers"].split(", ")
    )
    assert (await api.get("/healthz")).headers.get("ratelimit") is None


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "application/json"])
async def test_body_that_nobody_can_read_is_refused_by_the_route(api_from: MakeApi, kind: str) -> None:
    answer = await api_from("198.51.100.1").post(FORGOT, content="[" * 60_000, headers={"Content-Type": kind})

    assert 400 <= answer.status_code < 500


async def test_limits_can_be_left_to_something_in_front(make_services: MakeServices) -> None:
    async with started(make_services(**TIGHT, rate_limits=False)) as app, http_client(app) as client:
        answers = [await client.post("/api/auth/refreshtoken", json={"refreshToken": "x"}) for _ in range(4)]

    assert {answer.status_code for answer in answers} == {403}
    assert "ratelimit" not in answers[0].headers


async def test_memory_does_not_grow_without_end(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST_IN_MEMORY", 10)
    for index in range(35):
        assert await services.identity.rate_limits.hit(Rate.MAIL, f"198.51.100.{index}") is not None

    assert len(services.identity.rate_limits._memory[Rate.MAIL]) == 10
    # The newest are still known, and the other kinds never forget for this one.
    last = await services.identity.rate_limits.hit(Rate.MAIL, "198.51.100.34")
    assert last is not None
    assert last.quota - last.remaining == 2


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let requests wait for Redis for as long as it takes."""
    monkeypatch.setattr(deps, "REDIS_SECONDS", PATIENT_SECONDS)
    monkeypatch.setattr(deps, "REDIS_SECONDS_IN_ALL", PATIENT_SECONDS)


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return how each question to Redis ended."""
    ends: list[str] = []
    count_in = rates._count_in

    async def noted(*arguments: Any, **more: Any) -> tuple[int, float]:
        try:
            found = await count_in(*arguments, **more)
        except BaseException as error:
            ends.append(type(error).__name__)
            raise
        ends.append("answered")
        return found

    monkeypatch.setattr(rates, "_count_in", noted)
    return ends


@pytest.fixture
async def two_replicas(
    redis: RedisServer, make_services: MakeServices, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Services, httpx.AsyncClient, httpx.AsyncClient]]:
    """Give two replicas that share a Redis, and a client of each; no socket of theirs gives up by itself."""
    monkeypatch.setattr(rates, "REDIS_SECONDS", PATIENT_SECONDS)
    both = [make_services(**TIGHT, redis_url=SecretStr(redis.url)) for _ in range(2)]
    async with started(both[0]) as first, started(both[1]) as second, http_client(first) as a, http_client(second) as b:
        yield both[0], a, b


async def refresh(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/api/auth/refreshtoken", json={"refreshToken": "gpr_x"})


@pytest.mark.usefixtures("patient")
async def test_replicas_share_their_counts_in_redis_and_do_without_it(
    redis: RedisServer,
    two_replicas: tuple[Services, httpx.AsyncClient, httpx.AsyncClient],
    questions: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rates, "REDIS_PAUSE_SECONDS", 0.0)
    services, first, second = two_replicas
    limits: RateLimits = services.identity.rate_limits
    assert [(await refresh(client)).status_code for client in (first, second, first)] == [403, 403, 429]
    assert (limits.redis_is_down, limits.fallbacks) == (False, 0)

    redis.kill()
    assert [(await refresh(first)).status_code for _ in range(3)] == [403, 403, 429]
    # Nobody waited: Redis was asked once for each, and refused at once.
    assert questions == ["answered"] * 3 + ["StorageError"] * 3
    assert (limits.redis_is_down, limits.fallbacks) == (True, 3)

    redis.start()
    assert (await refresh(second)).status_code == 403
    answer = await refresh(first)
    assert (answer.status_code, answer.headers["ratelimit"].split(";")[1]) == (403, "r=0")
    assert (limits.redis_is_down, limits.fallbacks) == (False, 3)
    assert questions[6:] == ["answered"] * 2


async def test_redis_that_hangs_is_waited_for_once(
    redis: RedisServer,
    two_replicas: tuple[Services, httpx.AsyncClient, httpx.AsyncClient],
    questions: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rates, "REDIS_PAUSE_SECONDS", 3600.0)
    services, first, _ = two_replicas
    limits = services.identity.rate_limits
    await limits.hit(Rate.MAIL, "somebody", seconds=PATIENT_SECONDS)
    assert redis.process is not None
    redis.process.send_signal(signal.SIGSTOP)
    try:
        assert (await first.post(FORGOT, json={"email": "x"})).status_code == 422
        for _ in range(20):
            await limits.hit(Rate.LINK, "somebody")
    finally:
        redis.process.send_signal(signal.SIGCONT)

    # The request that waited has ended the wait itself, and the others have not asked.
    assert questions == ["answered", "CancelledError"]
    assert REDIS_SECONDS <= REDIS_SECONDS_IN_ALL <= 0.25
    assert limits.fallbacks == 21


async def test_sign_in_asks_redis_as_often_for_an_unknown_name(make_services: MakeServices) -> None:
    """What Redis takes would else tell whether there is an account."""
    services = make_services(**TIGHT, redis_url=SecretStr("redis://127.0.0.1:1/0"))
    counts = []
    async with unattended(services) as api:
        await api.post("/api/auth/signup", json=sign_up_body("known"))
        for name in ("known", "unknown"):
            before = services.identity.rate_limits.fallbacks
            await api.post("/api/auth/signin", json={"username": name, "password": "wrong"})
            counts.append(services.identity.rate_limits.fallbacks - before)

    assert counts == [1, 1]


@pytest.mark.usefixtures("patient")
async def test_redis_holds_no_address(
    redis: RedisServer, two_replicas: tuple[Services, httpx.AsyncClient, httpx.AsyncClient]
) -> None:
    services, first, _ = two_replicas
    await first.post(FORGOT, json={"email": "heba@gmail.com"})

    assert services.identity.rate_limits._redis is not None
    keys = [key.decode() for key in await rates._client(services.identity.rate_limits._redis).keys()]
    assert [key for key in keys if "203.0" in key or "heba" in key] == []
    assert any(key.startswith("gatepost:LIMITER/") for key in keys), keys
