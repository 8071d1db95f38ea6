"""`gatepost.sdk` and an issuer that is down, slow to come, or not what it should be."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from gatepost.composition.services import Services
from gatepost.core.crypto import jose
from gatepost.sdk import Gatepost, Unavailable
from gatepost.sdk.issuer import Issuer, IssuerSettings
from tests.features.sdk.conftest import ISSUER, MakeGatepost, Network, Notes, notes_of, until_it_answers
from tests.support.api import Api
from tests.support.clock import FakeClock

JWKS = f"{ISSUER}/.well-known/jwks.json"
FEED = f"{ISSUER}/api/auth/revocations"
METADATA = f"{ISSUER}/.well-known/oauth-authorization-server"
KEY = jose.signing_key_from_pem(jose.generate_private_pem("ES256"), "ES256")
GOOD: dict[str, Any] = {
    METADATA: {
        "issuer": ISSUER,
        "jwks_uri": JWKS,
        "gatepost_revocations_endpoint": FEED,
        "gatepost_audience": "gatepost",
    },
    JWKS: {"keys": [KEY.verifying.jwk]},
    FEED: {"after": 0, "revocations": []},
}
LINE = {"id": 1, "sessionId": 1, "userId": 1, "minTokenVersion": None, "expiresAt": "2100-01-01T00:00:00Z"}


async def test_issuer_that_is_down_at_the_start_is_503_until_it_comes(
    api: Api, make_gatepost: MakeGatepost, network: Network, clock: FakeClock
) -> None:
    person = await api.sign_up()
    network.is_down = True
    async with notes_of(make_gatepost(), network) as notes:
        answer = await notes.me(person.access_token)
        assert answer.status_code == 503
        assert answer.json()["detail"]["code"] == "revocation_unknown"
        assert answer.headers["retry-after"] == "1"
        assert (await notes.me("x")).status_code == 401

        network.is_down = False

        answer = await until_it_answers(lambda: notes.me(person.access_token), 200)
        assert answer.json()["id"] == person.id


async def test_issuer_that_goes_down_is_believed_for_as_long_as_may_be(
    api: Api, services: Services, notes: Notes, clock: FakeClock
) -> None:
    person = await api.sign_up()
    assert (await notes.me(person.access_token)).status_code == 200
    notes.network.is_down = True
    await _until(lambda: bool(notes.gatepost._trouble))

    clock.advance(seconds=30)
    assert (await notes.me(person.access_token)).status_code == 200
    clock.advance(seconds=1)
    assert (await notes.me(person.access_token)).status_code == 503

    await services.identity.revocations.poll()
    notes.network.is_down = False
    await until_it_answers(lambda: notes.me(person.access_token), 200)


async def test_new_key_of_an_issuer_that_is_down_is_503_and_not_401(
    api: Api, services: Services, notes: Notes, clock: FakeClock
) -> None:
    for _ in range(2):
        await services.admin.key_rotation.rotate(force=True)
    await services.identity.keys.load()
    person = await api.sign_up()
    notes.network.is_down = True
    clock.advance(seconds=10)

    assert (await notes.me(person.access_token)).status_code == 503

    notes.network.is_down = False
    clock.advance(seconds=10)
    assert (await notes.me(person.access_token)).status_code == 200


async def test_keys_that_could_not_be_read_again_are_asked_for_until_they_are(
    services: Services, notes: Notes, clock: FakeClock
) -> None:
    notes.network.is_down = True
    clock.advance(seconds=300)
    await _until(lambda: bool(notes.gatepost._trouble))
    await services.identity.revocations.poll()
    asked = len(notes.network.asked)

    await _until(lambda: len(notes.network.asked) >= asked + 6)
    notes.network.is_down = False

    await _until(lambda: not notes.gatepost._trouble)
    assert notes.gatepost._issuer._keys_read_at == clock.now()


async def test_trouble_is_told_once_and_its_end_too(notes: Notes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="gatepost.sdk")
    notes.network.is_down = True
    await _until(lambda: len(notes.network.asked) > 20)
    notes.network.is_down = False
    await _until(lambda: not notes.gatepost._trouble)

    assert caplog.messages == [
        f"{ISSUER} cannot be followed: ConnectError: connection refused",
        f"{ISSUER} is followed again",
    ]


async def test_feed_of_an_issuer_that_went_back_in_time_is_read_from_there(
    clock: FakeClock,
) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/auth/revocations":
            asked.append(request.url.params["after"])
            return httpx.Response(200, json={"after": 41 if len(asked) < 3 else 7, "revocations": []})
        return httpx.Response(200, json=GOOD[str(request.url.copy_with(query=None))])

    async with _following(answer, clock):
        await _until(lambda: len(asked) >= 4)

    assert asked[:4] == ["0", "41", "41", "7"]


def _token(clock: FakeClock) -> str:
    """Return a good access token of the issuer that GOOD describes."""
    now = int(clock.now().timestamp())
    claims = {
        "iss": ISSUER, "aud": "gatepost", "sub": "7", "sid": "7", "jti": "x", "ver": 0, "username": "Abbey",
        "roles": ["user"], "permissions": [], "auth_time": now, "iat": now, "exp": now + 3600,
        "client_id": "gatepost",
    }  # fmt: skip
    return jose.sign(claims, KEY, typ="at+jwt")


def _without(url: str, name: str) -> dict[str, Any]:
    return {key: value for key, value in GOOD[url].items() if key != name}


@pytest.mark.parametrize(
    ("url", "body", "said"),
    [
        (METADATA, {**GOOD[METADATA], "issuer": "http://elsewhere"}, "calls itself 'http://elsewhere' and not"),
        (METADATA, {**GOOD[METADATA], "issuer": f"{ISSUER}/"}, "must be its PUBLIC_URL to the letter"),
        (METADATA, {}, "calls itself None"),
        (METADATA, {**GOOD[METADATA], "gatepost_audience": "shop"}, "must be its JWT_AUDIENCE"),
        (METADATA, _without(METADATA, "jwks_uri"), "lacks the addresses"),
        (METADATA, {**GOOD[METADATA], "jwks_uri": 7}, "lacks the addresses"),
        (METADATA, {**GOOD[METADATA], "jwks_uri": "http://issuer:port/"}, "is not an address"),
        (METADATA, {**GOOD[METADATA], "jwks_uri": f"{ISSUER}/elsewhere"}, f"{ISSUER}/elsewhere answers 404"),
        (METADATA, [], "not a JSON object"),
        (METADATA, b"<html>", "not JSON"),
        (METADATA, b"\xff", "not JSON"),
        (METADATA, b"[" * 100_000, "not JSON"),
        (METADATA, 404, f"{METADATA} answers 404"),
        (METADATA, 302, f"{METADATA} answers 302"),
        (JWKS, {}, "JWK Set has another form"),
        (JWKS, {"keys": {}}, "JWK Set has another form"),
        (JWKS, {"keys": []}, "publishes no key that we can use; if it signs with HS256"),
        (JWKS, {"keys": [None, 7, {}, {"kty": "oct", "k": "AAAA", "kid": "x", "alg": "HS256"}]}, "publishes no key"),
        (JWKS, 500, f"{JWKS} answers 500"),
        (FEED, 401, "refuses client_id 'notes' or its secret"),
        (FEED, 503, f"{FEED} answers 503"),
        (FEED, {}, "revocation feed has another form"),
        (FEED, {"after": 0, "revocations": 7}, "revocation feed has another form"),
        (FEED, {"after": "0", "revocations": []}, "revocation feed has another form"),
        *(
            (FEED, {"after": 0, "revocations": [{**LINE, name: value}]}, "revocation feed has another form")
            for name, value in [
                ("id", "1"),
                ("sessionId", "1"),
                ("userId", 1.0),
                ("minTokenVersion", True),
                ("expiresAt", "2100-01-01T00:00:00"),
                ("expiresAt", "soon"),
                ("expiresAt", None),
            ]
        ),
        (FEED, {"after": 0, "revocations": ["x"]}, "revocation feed has another form"),
    ],
)
async def test_answer_that_it_should_not_give_is_told_and_admits_nobody(
    url: str, body: Any, said: str, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    token = _token(clock)
    is_odd = True

    def answer(request: httpx.Request) -> httpx.Response:
        address = str(request.url.copy_with(query=None))
        given = body if is_odd and address == url else GOOD.get(address, 404)
        match given:
            case int():
                return httpx.Response(given)
            case bytes():
                return httpx.Response(200, content=given)
            case _:
                return httpx.Response(200, json=given)

    async with _following(answer, clock) as gatepost:
        assert said in caplog.messages[0]
        assert "\n" not in caplog.text.strip()
        with pytest.raises(Unavailable):
            await gatepost.verify(token)
        is_odd = False
        await _until(lambda: not gatepost._trouble)
        clock.advance(seconds=10)
        assert (await gatepost.verify(token)).user_id == 7
    assert caplog.messages[-1] == f"{ISSUER} is followed again"


async def test_reading_that_began_earlier_and_ends_later_takes_nothing_back(clock: FakeClock) -> None:
    issuer = Issuer(
        IssuerSettings(ISSUER, ISSUER, "gatepost", "notes", "x"), clock, max_staleness=timedelta(seconds=30)
    )
    reached, released = asyncio.Event(), asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        url = str(request.url.copy_with(query=None))
        if url == FEED and not reached.is_set():
            reached.set()
            await released.wait()
        return httpx.Response(200, json=GOOD[url])

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as issuer.http:
        earlier = asyncio.create_task(issuer.read_feed(wait=False))
        await reached.wait()
        clock.advance(minutes=6)
        await issuer.read_feed(wait=False)
        clock.advance(seconds=1)
        released.set()
        await earlier

    assert issuer.revoked.age_seconds(now=clock.now()) == 1


async def test_http_client_that_was_given_is_left_open(make_gatepost: MakeGatepost, api: Api) -> None:
    async with make_gatepost() as gatepost:
        pass
    given = gatepost._given_http
    assert given is not None
    assert not given.is_closed


async def test_http_client_of_its_own_is_closed(clock: FakeClock) -> None:
    gatepost = Gatepost(issuer="http://127.0.0.1:9", client_id="notes", client_secret="x", clock=clock)
    async with gatepost:
        with pytest.raises(Unavailable):
            await gatepost.verify("eyJhbGciOiJFUzI1NiIsImtpZCI6Im5vYm9keXMiLCJ0eXAiOiJhdCtqd3QifQ.e30.AAAA")
    assert gatepost._own_http is not None
    assert gatepost._own_http.is_closed


@asynccontextmanager
async def _following(answer: Callable[[httpx.Request], httpx.Response], clock: FakeClock) -> AsyncIterator[Gatepost]:
    """Follow an issuer that gives these answers."""
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        gatepost = Gatepost(
            issuer=ISSUER, client_id="notes", client_secret="x", retry_seconds=0.02, http=http, clock=clock
        )
        async with gatepost:
            yield gatepost


async def _until(condition: Callable[[], bool]) -> None:
    """Wait for what the background work brings about."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        await asyncio.sleep(0.02)
