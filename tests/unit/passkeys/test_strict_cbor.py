"""CBOR in the one form that authenticators have to write; each refusal is of something that fido2 reads."""

import pytest
from fido2 import cbor

from gatepost.identity.credentials.passkeys.strict_cbor import CborError, dumps, loads, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("00", 0),
        ("20", -1),
        ("1bffffffffffffffff", 2**64 - 1),
        ("3bffffffffffffffff", -(2**64)),
        ("f5", True),
        ("40", b""),
        ("60", ""),
        ("a3010220016161f4", {1: 2, -1: 1, "a": False}),
        ("8381810000a0", [[[0]], 0, {}]),
        ("8181818100", [[[[0]]]]),
        ("98ff" + "00" * 255, [0] * 255),
    ],
)
def test_canonical_item_is_read_and_written_alike(text: str, value: object) -> None:
    assert loads(bytes.fromhex(text)) == value
    assert dumps(value).hex() == text
    assert read(bytes.fromhex(text) + b"rest") == (value, b"rest")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a201010102", id="a key twice"),
        pytest.param("a20101f502", id="a key twice, as a number and as true"),
        pytest.param("a202010101", id="keys in another order"),
        pytest.param("a2616201616101", id="texts in another order"),
        pytest.param("1801", id="a number longer than need be"),
        pytest.param("1b0000000000000001", id="a number of eight bytes for one"),
        pytest.param("580141", id="a length longer than need be"),
        pytest.param("f6", id="null"),
        pytest.param("f7", id="undefined"),
        pytest.param("e0", id="another simple value"),
        pytest.param("5820aa", id="bytes shorter than they say"),
        pytest.param("7820", id="a text shorter than it says"),
        pytest.param("818181818100", id="five levels"),
        pytest.param("990100" + "00" * 256, id="too many items"),
        pytest.param("81f93c00", id="a float, which moves all behind it"),
    ],
)
def test_item_that_fido2_reads_but_should_not_is_refused(text: str) -> None:
    cbor.decode_from(bytes.fromhex(text))

    with pytest.raises(CborError):
        read(bytes.fromhex(text))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes.fromhex("fb3ff0000000000000"),
        bytes.fromhex("c000"),
        bytes.fromhex("9f00ff"),
        bytes.fromhex("5f4100ff"),
        bytes.fromhex("bf0001ff"),
        bytes.fromhex("a18001"),
        bytes.fromhex("61ff"),
        bytes.fromhex("1c"),
        bytes.fromhex("82"),
        bytes.fromhex("9bffffffffffffffff"),
        bytes.fromhex("bbffffffffffffffff"),
        bytes.fromhex("5bffffffffffffffff"),
        b"\x81" * 16_000,
        b"\xa1\x00" * 8_000,
    ],
    ids=lambda data: data[:9].hex(),
)
def test_what_stumbles_is_refused_alike(data: bytes) -> None:
    with pytest.raises(CborError):
        read(data)


def test_nothing_follows_a_whole_item() -> None:
    with pytest.raises(CborError, match="follows"):
        loads(b"\0\0")
