"""Whatever comes in: exactly what was signed comes out, or one of two refusals."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatepost.core.crypto import jws
from tests.support.attacks.target import ALGORITHMS, Target, encode, to_json
from tests.support.properties import patient
from tests.unit.jose.verifier import good_claims, signing_key, target, verify

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(["iss", "aud", "sub", "jti", "iat", "exp", "nbf", "x"])
segments = st.text(alphabet=st.characters(), max_size=40)
TARGETS = {algorithm: target(algorithm) for algorithm in ALGORITHMS}
GOOD = {algorithm: TARGETS[algorithm].good for algorithm in ALGORITHMS}


@patient
@given(st.text(st.characters(exclude_categories=[])))
@example("\ud800.\ud800.\ud800")
def test_arbitrary_text_is_refused(text: str) -> None:
    with pytest.raises(jws.TokenRefusedError):
        verify(text)


@patient
@given(header=segments, claims=segments, signature=segments, algorithm=st.sampled_from(ALGORITHMS))
def test_arbitrary_parts_beside_a_good_header_are_refused(
    header: str, claims: str, signature: str, algorithm: str
) -> None:
    good_header, good_part, _ = GOOD[algorithm].split(".")

    for token in (
        f"{header}.{claims}.{signature}",
        f"{good_header}.{claims}.{signature}",
        f"{good_header}.{good_part}.{signature}",
    ):
        with pytest.raises(jws.TokenRefusedError):
            verify(token)


@patient
@given(data=st.data(), algorithm=st.sampled_from(ALGORITHMS))
def test_changed_token_is_refused(data: st.DataObject, algorithm: str) -> None:
    good = GOOD[algorithm]
    at = data.draw(st.integers(0, len(good)), label="at")
    removed = data.draw(st.integers(0, 3), label="removed")
    added = data.draw(st.text(st.characters(exclude_categories=[]), max_size=3), label="added")
    changed = good[:at] + added + good[at + removed :]

    if changed == good:
        assert verify(changed) == good_claims()
    else:
        with pytest.raises(jws.TokenRefusedError):
            verify(changed)


@patient
@given(changes=st.dictionaries(names, anything, max_size=3), algorithm=st.sampled_from(ALGORITHMS))
def test_well_signed_claims_come_out_as_they_are_or_not_at_all(changes: dict[str, Any], algorithm: str) -> None:
    claims = good_claims() | changes

    _same_or_refused(TARGETS[algorithm], to_json(claims).encode(), claims)


@patient
@given(data=st.binary(max_size=100), algorithm=st.sampled_from(ALGORITHMS))
def test_well_signed_bytes_are_refused(data: bytes, algorithm: str) -> None:
    with pytest.raises(jws.TokenRefusedError):
        verify(TARGETS[algorithm].text_token(claims=data))
    with pytest.raises(jws.TokenRefusedError):
        verify(TARGETS[algorithm].text_token(header=data))


@patient
@given(header=st.dictionaries(st.text(max_size=5) | st.sampled_from(["alg", "kid", "typ"]), anything, max_size=4))
def test_well_signed_header_of_anything_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(jws.TokenRefusedError):
        verify(TARGETS["ES256"].token(header=header))
    with pytest.raises(jws.TokenRefusedError):
        verify(TARGETS["ES256"].token(header=TARGETS["ES256"].header | header | {"x": 1}))


@patient
@given(signature=st.binary(max_size=300), algorithm=st.sampled_from(ALGORITHMS))
def test_arbitrary_signature_is_refused(signature: bytes, algorithm: str) -> None:
    with pytest.raises(jws.TokenRefusedError):
        verify(f"{GOOD[algorithm].rpartition('.')[0]}.{encode(signature)}")
    assert signing_key(algorithm).verifying.verify(b"another message", signature) is False


@patient
@given(st.dictionaries(st.sampled_from(["kty", "alg", "use", "kid", "crv", "x", "y", "n", "e", "key_ops"]), anything))
def test_arbitrary_jwk_is_refused(members: dict[str, Any]) -> None:
    for good in (signing_key(algorithm).verifying.jwk or {} for algorithm in ("ES256", "RS256")):
        try:
            key = jws.verifying_key_from_jwk({**good, **members})
        except jws.WeakKeyError:
            continue
        assert (key.algorithm, key.jwk) == (good["alg"], {**good, "kid": key.kid})


def _same_or_refused(under_attack: Target, text: bytes, claims: dict[str, Any]) -> None:
    try:
        verified = verify(under_attack.text_token(claims=text))
    except jws.TokenRefusedError:
        return
    assert verified == claims
    assert {name: claims[name] for name in ("iss", "aud")} == {name: good_claims()[name] for name in ("iss", "aud")}
    assert all(type(claims[name]) is str and claims[name] for name in ("sub", "jti"))
    assert all(type(claims[name]) is int for name in ("iat", "exp"))
