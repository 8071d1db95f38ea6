"""CBOR as authenticators have to write it (CTAP2 canonical form), and nothing that parsers disagree about.

The one file that parses by fido2. Its reader takes a key that is there twice, any order of keys, numbers longer than
need be, floats and null (as false), and texts shorter than they say. It writes one form alone, which is compared.
"""

from typing import Any

from fido2 import cbor

# CTAP2 allows four levels; no attestation that is known has a hundred items.
DEEPEST = 4
MOST_ITEMS = 256

# The kinds of items that have something in them (RFC 8949, section 3.1).
STRINGS = (2, 3)
ARRAY = 4
MAP = 5
# What is below stands in the first byte itself.
SMALL = 24


class CborError(ValueError):
    """The bytes are not CBOR that we read; the message never quotes them."""


def loads(data: bytes) -> Any:
    """Return the one item that the bytes are.

    Raises:
        CborError: they are not canonical CBOR, or have something behind it.
    """
    value, rest = read(data)
    if rest:
        raise CborError("something follows")
    return value


def read(data: bytes) -> tuple[Any, bytes]:
    """Return the first item, and the bytes behind it.

    Raises:
        CborError: the bytes do not begin with canonical CBOR, or it is deep or large.
    """
    try:
        _require_small(data)
        value, rest = cbor.decode_from(data)
        is_canonical = dumps(value) == data[: len(data) - len(rest)]
    except CborError:
        raise
    except Exception:  # noqa: BLE001  it raises whatever Python does: IndexError, KeyError, TypeError, …
        raise CborError("not readable") from None
    if not is_canonical:
        raise CborError("not canonical")
    return value, rest


def dumps(value: Any) -> bytes:
    """Return the canonical form of what `loads` can return."""
    return cbor.encode(value)


def _require_small(data: bytes) -> None:
    """Refuse what is deep or has many items before it is read: fido2 copies the rest for each of them."""
    position = items = 0
    # How many are still to come, a number a level.
    waiting = [1]
    while waiting:
        if waiting[-1] == 0:
            waiting.pop()
            continue
        waiting[-1] -= 1
        items += 1
        if items > MOST_ITEMS or len(waiting) > DEEPEST + 1:
            raise CborError("too deep or too large")
        kind, number, position = _head(data, position)
        if kind in STRINGS:
            position += number
        elif kind in (ARRAY, MAP):
            waiting.append(number if kind == ARRAY else 2 * number)


def _head(data: bytes, position: int) -> tuple[int, int, int]:
    """Return the kind of an item, its number, and where it goes on."""
    kind, number = divmod(data[position], 32)
    position += 1
    if number < SMALL:
        return kind, number, position
    end = position + 2 ** (number - SMALL)
    return kind, int.from_bytes(data[position:end]), end
