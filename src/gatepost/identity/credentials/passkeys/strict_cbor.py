"""CBOR as authenticators have to write it (CTAP2 canonical form), and nothing that parsers disagree about.

The one file that parses by fido2. Its reader takes a key that is there twice, any order of keys, numbers longer than
need be, floats and null (as false), and texts shorter than they say. It writes one form alone, which is compared.
"""

from typing import Any

from fido2 import cbor

# CTAP2 allows four levels; no attestation that is known has a hundred items.
DEEPEST = 4
MOST_ITEMS = 256


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
        value, rest = cbor.decode_from(data)
        _require_small(value)
        is_canonical = dumps(value) == data[: len(data) - len(rest)]
    except CborError:
        raise
    except Exception:  # noqa: BLE001  it raises whatever Python does: IndexError, KeyError, RecursionError, …
        raise CborError("not readable") from None
    if not is_canonical:
        raise CborError("not canonical")
    return value, rest


def dumps(value: Any) -> bytes:
    """Return the canonical form of what `loads` can return."""
    return cbor.encode(value)


def _require_small(value: object) -> None:
    """Refuse what is deep or large before it is written again, which takes time."""
    level: list[object] = [value]
    items = 0
    for _ in range(DEEPEST + 1):
        items += len(level)
        if items > MOST_ITEMS:
            raise CborError("too large")
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise CborError("nested too deeply")


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list) else []
