"""JSON that every parser reads alike, and nothing else."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatepost.core import strict_json
from tests.support.properties import patient

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    "text",
    [
        b"", b" ", b"{", b"nul", b"01", b"+1", b".5", b"1.", b"0x1", b"1_000", b"'a'", b"{a:1}", b"[1,]", b'{"a":1,}',
        b"[1] x", b"[1][2]", b"// c\n1", b"/* */1", b"\x0b1", b"\x0c1", b"\xc2\xa01", b'"\n"', b'"\t"', b'"\\x41"',
        b'"\\u12"', b'"\\ud800"', b'"\\udc00\\ud800"', b'["\\ud83d"]', b'{"\\udfff":1}', b'"\\u0000"', b'{"\\u0000":1}',
        b'{"a":{"b":["c\\u0000"]}}', b'"\x00"', b"\x00", b"1\x00", b"\xef\xbb\xbf1", b"\xef\xbb\xbf{}",
        b"\xff\xfe1\x00", b"\xc0\xaf", b'"\xed\xa0\x80"', b'"\xe9"', b'"\xff"', b"NaN", b"Infinity", b"-Infinity",
        b"[NaN]", b"1e999",
        b"-1e999", b"[1e400]", b'{"a":1,"a":2}', b'{"a":1,"a":1}', b'{"a":1,"\\u0061":2}', b'[{"x":{"a":1,"a":2}}]',
        b'{"":1,"":2}', b"9" * 5000, b"-" + b"9" * 5000, b"[" * 33 + b"]" * 33, b"[" * 992 + b"]" * 992,
        b"[" * 100_000, b'{"a":' * 992 + b"1" + b"}" * 992, b'{"a":' * 50_000, "1".encode("utf-16"),
        "{}".encode("utf-16-le"), "{}".encode("utf-32"), b"\xef\xbc\x91",
    ],
    ids=lambda text: repr(text[:24]),
)  # fmt: skip
def test_text_that_parsers_disagree_about_is_refused(text: bytes) -> None:
    with pytest.raises(strict_json.StrictJsonError) as refusal:
        strict_json.loads(text)

    assert len(text) < 6 or text.decode("latin-1") not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"null", None), (b"-0", 0), (b"1E2", 100.0), (b"1e-999", 0.0), (b' \t\r\n"a" ', "a"),
        (b"9007199254740993", 2**53 + 1),
        (b'"\\ud83d\\ude00"', "\U0001f600"), (b'{"a":1,"A":2}', {"a": 1, "A": 2}), (b'"\\u001f"', "\x1f"),
        (b'{"\xc3\xa9":1,"e\xcc\x81":2}', {"\u00e9": 1, "e\u0301": 2}), (b"9" * 4000, int("9" * 4000)),
    ],
    ids=lambda item: repr(item)[:24],
)  # fmt: skip
def test_unusual_but_clear_text_is_read(text: bytes, value: object) -> None:
    assert strict_json.loads(text) == value


@pytest.mark.parametrize("depth", [1, 2, 8, 32])
def test_nesting_is_read_to_the_depth_and_no_deeper(depth: int) -> None:
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        value = b"0" if closing == b"}" else b""
        text = opening * depth + value + closing * depth
        assert strict_json.loads(text, max_depth=depth) == json.loads(text)
        with pytest.raises(strict_json.StrictJsonError):
            strict_json.loads(opening * (depth + 1) + value + closing * (depth + 1), max_depth=depth)


@patient
@given(json_values)
def test_what_can_be_written_is_read_or_refused(value: Any) -> None:
    text = json.dumps(value)

    _same_or_refused(text.encode())


@patient
@given(st.binary(max_size=200))
@example(b'{"a":NaN}')
def test_arbitrary_bytes_are_read_as_json_or_refused(data: bytes) -> None:
    _same_or_refused(data)


@patient
@given(st.text(alphabet='{}[]":,0123456789.eE+-\\u0dtrfalsn \x00\ud800\ufeff', max_size=60))
def test_text_that_looks_like_json_is_read_as_json_or_refused(text: str) -> None:
    _same_or_refused(text.encode("utf-8", "surrogatepass"))


def _same_or_refused(data: bytes) -> None:
    try:
        value = strict_json.loads(data)
    except strict_json.StrictJsonError:
        return
    assert value == json.loads(data)
