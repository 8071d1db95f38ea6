"""Removes user input from the text of exceptions, which can quote a password or an address."""

import base64
import binascii
import logging
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl

from gatepost.core import strict_json

HIDDEN = "[hidden]"
SHORTEST_SECRET = 3
# Interpreters and databases quote values that they were given.
QUOTED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|`[^`\n]*`")
# These quote names from the code.
OF_CODE = (AttributeError, NameError, ImportError, TypeError)
# A token, a hash or a key, in any of the usual alphabets.
LONG_WORD = re.compile(r"[A-Za-z0-9_\-+/=.$~%]{24,}")
SECRET_HEADERS = frozenset({b"authorization", b"cookie", b"x-access-token", b"proxy-authorization"})

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def formatted(info: ExceptionInfo, *, given: Iterable[str] = ()) -> str:
    """Return the traceback: all frames, and the exceptions' messages without user input.

    `given` are texts that the caller of the request sent; the result contains none of them.
    """
    hidden = sorted({text for text in given if len(text) >= SHORTEST_SECRET}, key=len, reverse=True)
    kind, error, frames = info
    if kind is None or error is None:
        return ""
    report = traceback.TracebackException(kind, error, frames, capture_locals=False)
    _scrub(report, error, hidden)
    return "".join(report.format()).rstrip("\n")


def log_crash(logger: logging.Logger, message: str, *args: object, given: Iterable[str]) -> None:
    """Log the exception that is being handled, without the request's input; safe with every handler."""
    record = logger.makeRecord(logger.name, logging.ERROR, __file__, 0, message, args, None)
    record.exc_text = formatted(sys.exc_info(), given=given)
    logger.handle(record)


def texts_given(headers: Iterable[tuple[bytes, bytes]], query: bytes, body: bytes) -> list[str]:
    """Return all texts of a request that may be secret, from its headers, query and body."""
    texts = [query.decode("latin-1"), body.decode("utf-8", "replace")]
    for name, value in headers:
        if name in SECRET_HEADERS:
            texts += re.split(r"[\s;,=]+", value.decode("latin-1"))
            texts += _of_basic(value)
    for form in (query, body):
        texts += [text for _, text in parse_qsl(form.decode("utf-8", "replace"))]
    with suppress(strict_json.StrictJsonError, RecursionError):  # such a body was refused, and nothing has read it
        texts += _leaves(strict_json.loads(body))
    return texts


def _of_basic(credentials: bytes) -> list[str]:
    """Return the user name and password of HTTP Basic (RFC 7617), or nothing."""
    kind, _, encoded = credentials.partition(b" ")
    if kind.lower() != b"basic":
        return []
    with suppress(binascii.Error):
        return base64.b64decode(encoded).decode("utf-8", "replace").split(":", 1)
    return []


def _scrub(report: traceback.TracebackException, error: BaseException, hidden: list[str]) -> None:
    said = str(report)
    for text in hidden:
        said = said.replace(text, HIDDEN)
    if not isinstance(error, OF_CODE):
        said = QUOTED.sub(HIDDEN, said)
    report._str = LONG_WORD.sub(HIDDEN, said)  # type: ignore[attr-defined]  # noqa: SLF001  where the text is kept
    report.__notes__ = None
    grouped = zip(report.exceptions or (), getattr(error, "exceptions", ()), strict=False)
    pairs = ((report.__cause__, error.__cause__), (report.__context__, error.__context__), *grouped)
    for other, its_error in pairs:
        if other is not None and its_error is not None:
            _scrub(other, its_error, hidden)


def _leaves(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for item in value.values():
                yield from _leaves(item)
        case list():
            for item in value:
                yield from _leaves(item)
