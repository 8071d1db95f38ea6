"""What the verifier accepts: its strictness must not refuse a good token."""

import json
import re

import pytest

from gatepost.core.crypto import jose, jws
from tests.support.attacks.signatures import P256_ORDER
from tests.support.attacks.target import ALGORITHMS, decode, encode, to_json
from tests.unit.jose.verifier import NOW, good_claims, signing_key, target, verify

SKEW = 60


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_signed_claims_come_back_as_they_were(algorithm: str) -> None:
    claims = good_claims() | {"username": "Zoë Ålström", "x": [1, 1.5, {"y": None}], "z": "\U0001f510"}

    assert verify(jose.sign(claims, signing_key(algorithm), typ="at+jwt")) == claims


def test_atob_reads_the_claims() -> None:
    names = ["Zoë Ålström", "李小龍", "\U0001f510\U00020000", "a>b?c~d", ">>>???~~~", "\x7f", "\u2028", '"\\']
    wrong = []
    for name in names:
        for filler in ("", "x", "xx"):
            claims = good_claims() | {"username": name, "x": filler}
            header, payload, _ = jose.sign(claims, signing_key("ES256"), typ="at+jwt").split(".")
            # Neither `-` nor `_`, and then a character a byte.
            seen = [re.fullmatch("[A-Za-z0-9]+", part) and decode(part).decode("latin-1") for part in (header, payload)]
            if None in seen or json.loads(str(seen[1])) != claims or not str(seen[1]).isascii():
                wrong.append((name, filler, seen))

    assert wrong == []


def test_token_of_before_whose_claims_are_in_utf_8_is_good() -> None:
    claims = good_claims() | {"username": "Zoë 李 \U00020000"}
    before = target("ES256").text_token(claims=json.dumps(claims, ensure_ascii=False))

    assert not decode(before.split(".")[1]).isascii()
    assert verify(before) == claims


@pytest.mark.parametrize("name", ["iat", "nbf"])
@pytest.mark.parametrize("seconds", [-3600, 0, SKEW])
def test_clocks_may_differ_by_the_skew(name: str, seconds: int) -> None:
    claims = good_claims() | {name: int(NOW.timestamp()) + seconds}

    assert verify(target("ES256").token(claims=claims)) == claims


def test_expiry_has_no_skew() -> None:
    claims = good_claims() | {"exp": int(NOW.timestamp()) + 1}

    assert verify(target("ES256").token(claims=claims)) == claims


def test_header_may_be_written_in_another_order_and_with_spaces() -> None:
    spaced = target("ES256")
    header = f'\r\n{{ "typ" : "at+jwt",\t"kid" : "{spaced.key.kid}", "\\u0061lg":"ES256" }} '

    assert verify(spaced.text_token(header=header)) == good_claims()


def test_claims_may_be_seven_deep_and_no_deeper() -> None:
    nested = to_json(good_claims())[:-1] + ',"x":[[[[[[[]]]]]]]}'

    assert verify(target("ES256").text_token(claims=nested))["x"] == [[[[[[[]]]]]]]


def test_token_is_read_up_to_8_kib_and_no_longer() -> None:
    tokens = [target("ES256").token(claims=good_claims() | {"x": "x" * length}) for length in range(5700, 5900)]
    fitting = [token for token in tokens if len(token) <= jws.LONGEST_TOKEN]

    assert tokens[0] in fitting
    assert tokens[-1] not in fitting
    assert jws.LONGEST_TOKEN == 8192
    assert verify(fitting[-1])["sub"] == "1"
    with pytest.raises(jws.TokenRefusedError):
        verify(tokens[len(fitting)])


def test_other_half_of_an_ecdsa_signature_says_the_same() -> None:
    """The text of an ES256 token is malleable by nature, so revocation never goes by the text."""
    message, _, signature = target("ES256").good.rpartition(".")
    r, s = decode(signature)[:32], int.from_bytes(decode(signature)[32:])
    twin = f"{message}.{encode(r + (P256_ORDER - s).to_bytes(32))}"

    assert verify(twin) == good_claims()


def test_key_of_the_ring_that_does_not_sign_any_more_verifies() -> None:
    assert verify(target("RS256").good, {key.kid: key.verifying for key in map(signing_key, ALGORITHMS)})


def test_key_that_left_the_ring_verifies_nothing() -> None:
    # That it was good a moment ago is no reason.
    assert verify(target("ES256").good) == good_claims()

    with pytest.raises(jws.TokenRefusedError):
        verify(target("ES256").good, {signing_key("RS256").kid: signing_key("RS256").verifying})


def test_kid_of_one_key_and_signature_of_another_do_not_go_together() -> None:
    mixed = target("RS256").token(header={"alg": "ES256", "kid": signing_key("ES256").kid, "typ": "at+jwt"})

    with pytest.raises(jws.TokenRefusedError):
        verify(mixed)


def test_token_for_another_use_is_refused_at_both_ends() -> None:
    reset = jose.sign(good_claims(), signing_key("ES256"), typ="reset+jwt")

    with pytest.raises(jws.TokenRefusedError):
        verify(reset)
