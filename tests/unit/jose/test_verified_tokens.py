"""The cache of verified access tokens: bounded, keyed by the whole token, never past `exp` or the life of a key."""

from typing import Any

import pytest

from gatepost.core.crypto import jose, jws
from gatepost.identity.tokens import verifier as access_verifier
from gatepost.identity.tokens.errors import TokenExpired, TokenInvalid
from gatepost.identity.tokens.verifier import AccessTokenVerifier
from tests.support.attacks.signatures import P256_ORDER
from tests.support.attacks.target import decode, encode
from tests.support.clock import FakeClock
from tests.unit.jose.verifier import AUDIENCE, ISSUER, good_claims, signing_key


class Desk:
    """A verifier with a ring and a clock of ours, and a count of the signatures that it has checked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = FakeClock()
        self.key = signing_key("ES256")
        self.ring = {self.key.kid: self.key.verifying}
        self.verifier = AccessTokenVerifier(lambda: self.ring, self.clock, issuer=ISSUER, audience=AUDIENCE)
        self.checked = 0
        check = jws.verify

        def counted(*arguments: Any, **named: Any) -> dict[str, Any]:
            self.checked += 1
            return check(*arguments, **named)

        monkeypatch.setattr(jws, "verify", counted)

    def token(self, *, seconds: int = 3600, **changes: Any) -> str:
        """Return a good token that lives this long."""
        now = int(self.clock.now().timestamp())
        times = {"iat": now, "exp": now + seconds, "auth_time": now}
        return jose.sign(good_claims() | times | changes, self.key, typ="at+jwt")


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Return a verifier that remembers nothing yet."""
    return Desk(monkeypatch)


def test_token_is_checked_once_and_remembered(desk: Desk) -> None:
    token = desk.token(sub="7")

    assert [desk.verifier.verify_user(token).user_id for _ in range(3)] == [7, 7, 7]
    assert desk.checked == 1


def test_expired_token_is_refused_though_it_is_remembered(desk: Desk) -> None:
    token = desk.token(seconds=10)
    desk.verifier.verify_user(token)

    desk.clock.advance(seconds=9.999)
    assert desk.verifier.verify_user(token).user_id == 1
    desk.clock.advance(seconds=0.001)
    with pytest.raises(TokenExpired):
        desk.verifier.verify_user(token)


def test_token_of_a_key_that_is_gone_is_refused_though_it_is_remembered(desk: Desk) -> None:
    token = desk.token()
    desk.verifier.verify_user(token)

    desk.ring = {}

    with pytest.raises(TokenInvalid):
        desk.verifier.verify_user(token)


def test_refused_token_is_not_remembered(desk: Desk) -> None:
    early = desk.token(iat=int(desk.clock.now().timestamp()) + 120)
    with pytest.raises(TokenInvalid):
        desk.verifier.verify_user(early)

    desk.clock.advance(seconds=60)

    assert desk.verifier.verify_user(early).user_id == 1


def test_every_character_of_the_token_counts(desk: Desk) -> None:
    token = desk.token()
    desk.verifier.verify_user(token)

    for at in range(0, len(token), 7):
        other = "B" if token[at] == "A" else "A"
        with pytest.raises(TokenInvalid):
            desk.verifier.verify_user(token[:at] + other + token[at + 1 :])
    for changed in (token + "=", token + " ", token[:-1], token.swapcase(), f"{token.rpartition('.')[0]}."):
        with pytest.raises(TokenInvalid):
            desk.verifier.verify_user(changed)


def test_same_claims_under_another_signature_are_checked_for_themselves(desk: Desk) -> None:
    message, _, signature = desk.token().rpartition(".")
    desk.verifier.verify_user(f"{message}.{signature}")
    r, s = decode(signature)[:32], int.from_bytes(decode(signature)[32:])

    desk.verifier.verify_user(f"{message}.{encode(r + (P256_ORDER - s).to_bytes(32))}")

    assert desk.checked == 2


def test_memory_is_bounded_and_keeps_the_newest(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_verifier, "CACHE_SIZE", 8)
    tokens = [desk.token(jti=str(number)) for number in range(50)]

    for token in tokens:
        desk.verifier.verify_user(token)
        assert len(desk.verifier._verified) <= 8
    before = desk.checked
    desk.verifier.verify_user(tokens[-1])
    assert desk.checked == before
    assert desk.verifier.verify_user(tokens[0]).user_id == 1
    assert desk.checked == before + 1


def test_flood_of_bad_tokens_pushes_nothing_out(desk: Desk) -> None:
    token = desk.token()
    desk.verifier.verify_user(token)

    for number in range(100):
        with pytest.raises(TokenInvalid):
            desk.verifier.verify_user(f"{token}{number}")

    assert list(desk.verifier._verified) == [token]
