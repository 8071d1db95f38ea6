"""CBOR in the CTAP2 canonical form, which authenticators have to use, and nothing else.

This file decodes with fido2, which accepts duplicate keys, any key order, integers longer than necessary, null and
floats (as false), and truncated strings. Its encoder only writes the canonical form, so the two are compared.
"""

from typing import Any

from fido2 import cbor

# CTAP2 allows four levels; no known attestation has a hundred items.
DEEPEST = 4
MOST_ITEMS = 256

# Major types with content (RFC 8949, section 3.1).
STRINGS = (2, 3)
ARRAY = 4
MAP = 5
# Smaller arguments are part of the first byte.
SMALL = 24


class CborError(ValueError):
    """The bytes are not CBOR that we accept; the message never quotes them."""


def loads(data: bytes) -> Any:
    """Decode exactly one item.

    Raises:
        CborError: the bytes are not canonical CBOR, or other bytes follow.
    """
    value, rest = read(data)
    if rest:
        raise CborError("something follows")
    return value


def read(data: bytes) -> tuple[Any, bytes]:
    """Decode the first item; return it and the remaining bytes.

    Raises:
        CborError: the item is not canonical CBOR, or it is too deep or too large.
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
    """Encode in the canonical form."""
    return cbor.encode(value)


def _require_small(data: bytes) -> None:
    """Refuse deep and large input before decoding: fido2 copies the remaining bytes for each item."""
    position = items = 0
    # Items still to come, one number per level.
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
    """Return the major type of an item, its argument, and the position after both."""
    kind, number = divmod(data[position], 32)
    position += 1
    if number < SMALL:
        return kind, number, position
    end = position + 2 ** (number - SMALL)
    return kind, int.from_bytes(data[position:end]), end
