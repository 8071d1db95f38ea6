"""Parses JSON as defined by RFC 8259 and I-JSON (RFC 7493), and refuses everything that parsers disagree about.

Refused are: encodings other than UTF-8, a byte order mark, duplicate members, NaN and infinities, numbers out of range,
lone surrogates, U+0000, and nesting that is too deep.
"""

import json
import math
import re
from typing import Any, NoReturn

UNFIT = re.compile("[\x00\ud800-\udfff]")


class StrictJsonError(ValueError):
    """The text is not strict JSON; the message never quotes it."""


def loads(data: bytes, *, max_depth: int = 32) -> Any:
    """Parse a complete JSON text.

    Raises:
        StrictJsonError: it is not strict JSON, or is nested deeper than `max_depth`.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise StrictJsonError("not UTF-8") from None
    if text.startswith("\ufeff"):
        raise StrictJsonError("starts with a byte order mark")
    try:
        value = DECODER.decode(text)
        # Only an escape can produce U+0000 or half a surrogate pair, and a text with few brackets is not deep.
        if "\\u" in text or text.count("{") + text.count("[") > max_depth:
            _check(value, max_depth)
    except StrictJsonError:
        raise
    except RecursionError:
        raise StrictJsonError("nested too deeply") from None
    except ValueError:
        # JSONDecodeError, and integers with more digits than the interpreter allows.
        raise StrictJsonError("not JSON") from None
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise StrictJsonError("a member is named twice")
    return members


def _no_constant(_: str) -> NoReturn:
    raise StrictJsonError("a number is not finite")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise StrictJsonError("a number is out of range")
    return number


DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)


def _check(value: Any, depth: int) -> None:
    if isinstance(value, str):
        if UNFIT.search(value):
            raise StrictJsonError("a text holds U+0000 or half a surrogate pair")
        return
    if isinstance(value, dict):
        children = [*value.keys(), *value.values()]
    elif isinstance(value, list):
        children = value
    else:
        return
    if depth == 0:
        raise StrictJsonError("nested too deeply")
    for child in children:
        _check(child, depth - 1)
