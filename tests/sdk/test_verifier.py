"""`TokenVerifier`: what it asks the issuer for, and when it does not know."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from gatepost.core.crypto import jose
from gatepost.identity.tokens.errors import RevocationUnknown, TokenExpired, TokenInvalid
from gatepost.sdk import TokenVerifier
from tests.support.clock import FakeClock

ISSUER = "http://login.test"


class Published:
    """An issuer that only has keys; what it answers can be changed, and it counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b""
        published = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                published.asked.append(self.path)
                self.send_response(published.status)
                for name, value in {"Content-Length": str(len(published.body)), **published.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(published.body)

            def log_message(self, *_: Any) -> None:
                """Keep the tests' output clean."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def publish(self, *keys: jose.SigningKey) -> None:
        """Answer with these keys from now on."""
        self.status, self.headers = 200, {}
        self.body = json.dumps({"keys": [dict(key.verifying.jwk or {}) for key in keys]}).encode()


@pytest.fixture
def published() -> Iterator[Published]:
    """Give an issuer that listens."""
    published = Published()
    thread = threading.Thread(target=published.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield published
    published.server.shutdown()
    thread.join()
    published.server.server_close()


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock of the test's own."""
    return FakeClock()


@pytest.fixture
def verifier(published: Published, clock: FakeClock) -> TokenVerifier:
    """Return a verifier of this issuer, which it reaches at another address than its name."""
    return TokenVerifier(issuer=ISSUER, address=published.address, clock=clock)


def new_key() -> jose.SigningKey:
    """Make a key."""
    return jose.signing_key_from_pem(jose.generate_private_pem("ES256"), "ES256")


def token_of(key: jose.SigningKey, clock: FakeClock, **changes: Any) -> str:
    """Sign an access token that lives a day."""
    now = int(clock.now().timestamp())
    claims = {
        "iss": ISSUER, "aud": "gatepost", "sub": "7", "iat": now, "exp": now + 86400, "jti": "a1", "sid": "1",
        "username": "Abbey", "roles": ["user"], "permissions": [], "ver": 0, "auth_time": now,
        "client_id": "gatepost",
    }  # fmt: skip
    return jose.sign(claims | changes, key, typ="at+jwt")


def test_token_of_another_client_or_of_a_program_is_nobodys(
    published: Published, verifier: TokenVerifier, clock: FakeClock
) -> None:
    key = new_key()
    published.publish(key)

    # Of an app that acts for the person; of a program that acts for itself; of one whose id is an account's.
    for changes in ({"client_id": "shop"}, {"client_id": "shop", "sub": "shop"}, {"client_id": "7"}):
        with pytest.raises(TokenInvalid):
            verifier.verify(token_of(key, clock, **changes))


def test_keys_are_read_once_and_again_after_five_minutes(
    published: Published, verifier: TokenVerifier, clock: FakeClock
) -> None:
    key = new_key()
    published.publish(key)
    token = token_of(key, clock)

    assert [verifier.verify(token).user_id for _ in range(3)] == [7, 7, 7]
    clock.advance(seconds=299)
    verifier.verify(token)
    assert published.asked == ["/.well-known/jwks.json"]

    clock.advance(seconds=1)
    verifier.verify(token)
    assert len(published.asked) == 2


def test_new_key_is_read_at_once_and_unknown_ones_every_ten_seconds(
    published: Published, verifier: TokenVerifier, clock: FakeClock
) -> None:
    old, new = new_key(), new_key()
    published.publish(old)
    verifier.verify(token_of(old, clock))
    clock.advance(seconds=10)
    published.publish(old, new)

    assert verifier.verify(token_of(new, clock)).user_id == 7
    for _ in range(5):
        with pytest.raises(TokenInvalid):
            verifier.verify(token_of(new_key(), clock))
    assert len(published.asked) == 2


def test_key_that_was_taken_back_verifies_nothing(
    published: Published, verifier: TokenVerifier, clock: FakeClock
) -> None:
    old, new = new_key(), new_key()
    published.publish(old, new)
    token = token_of(old, clock)
    verifier.verify(token)
    published.publish(new)
    clock.advance(minutes=5)

    with pytest.raises(TokenInvalid):
        verifier.verify(token)


def test_without_the_issuer_known_keys_hold_for_an_hour(
    published: Published, verifier: TokenVerifier, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    key = new_key()
    published.publish(key)
    token = token_of(key, clock)
    verifier.verify(token)
    published.status = 503

    for _ in range(12):
        clock.advance(minutes=5)
        assert verifier.verify(token).user_id == 7
        # Whose token this is nobody can tell now.
        with pytest.raises(RevocationUnknown):
            verifier.verify(token_of(new_key(), clock))
    assert len(caplog.messages) == 1
    clock.advance(seconds=1)
    with pytest.raises(RevocationUnknown):
        verifier.verify(token)

    published.publish(key)
    clock.advance(seconds=10)
    assert verifier.verify(token).user_id == 7


def test_answer_that_is_no_key_set_is_none(published: Published, clock: FakeClock) -> None:
    key = new_key()
    published.publish(key)
    good = published.body
    elsewhere = {"Location": f"{published.address}/other"}
    secret = json.dumps({"keys": [{"kty": "oct", "k": "AAAA", "alg": "HS256", "kid": key.kid}]}).encode()
    answers: list[tuple[int, dict[str, str], bytes]] = [
        (200, {}, b""), (200, {}, b"[]"), (200, {}, b"{}"), (200, {}, b'{"keys": {}}'), (200, {}, b'{"keys": []}'),
        (200, {}, b'{"keys": [], ' + good[1:]), (200, {}, b"\xff"), (200, {}, secret),
        (404, {}, good), (302, elsewhere, good), (307, elsewhere, good),
        (200, {"Content-Length": "5000000"}, good[:40]), (200, {}, good + b" " * 1024 * 1024),
    ]  # fmt: skip

    wrong = []
    for published.status, published.headers, published.body in answers:
        verifier = TokenVerifier(issuer=ISSUER, address=published.address, clock=clock)
        try:
            verifier.verify(token_of(key, clock))
        except RevocationUnknown:
            continue
        wrong.append((published.status, published.headers, published.body[:60]))

    assert wrong == []
    assert len(published.asked) == len(answers)


def test_token_is_checked_as_at_the_service(published: Published, verifier: TokenVerifier, clock: FakeClock) -> None:
    key = new_key()
    published.publish(key)
    now = int(clock.now().timestamp())

    wrong = []
    for changes in ({"iss": "http://other.test"}, {"aud": "other"}, {"sub": "x"}, {"nbf": now + 61}, {"iat": now + 61}):
        try:
            verifier.verify(token_of(key, clock, **changes))
        except TokenInvalid:
            continue
        wrong.append(changes)

    assert wrong == []
    with pytest.raises(TokenExpired):
        verifier.verify(token_of(key, clock, exp=now))
    for text in ("", "a.b.c", "é", token_of(key, clock) + "="):
        with pytest.raises(TokenInvalid):
            verifier.verify(text)
    # As a framework may hand over what a request holds.
    no_texts: list[Any] = [token_of(key, clock).encode(), bytearray(b"a.b.c"), None, 7, [], {"token": "a.b.c"}]
    for no_text in no_texts:
        with pytest.raises(TokenInvalid):
            verifier.verify(no_text)


def test_address_is_one_of_http() -> None:
    for address in ("", "login.test", "file:///etc/passwd", "ftp://login.test", "data:,"):
        with pytest.raises(ValueError, match="is not an address of HTTP"):
            TokenVerifier(issuer=address)
