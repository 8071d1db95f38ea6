"""The guard of the body, as plain ASGI: what is too long, ambiguous or not what it says never reaches a route."""

import re
from collections.abc import Iterable, Set
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatepost.core import strict_json
from gatepost.core.errors import AppError
from gatepost.core.request_info import client_disconnected
from gatepost.http.middleware import add_to_answer
from gatepost.http.problems import BodyTooLarge, MalformedBody, RepeatedParameter, UnsupportedMediaType, problem
from gatepost.http.server.trusted_proxies import CHECK_PATH

MAX_BODY_BYTES = 64 * 1024
# An app on the same port has parameters of its own.
API = ("/api/", "/oauth/")
FORM = "application/x-www-form-urlencoded"
LENGTH = re.compile(rb"[0-9]{1,18}")
# Who is calling, from where, and what the body is: readers differ in which of two they take.
SINGLE_HEADERS = frozenset(
    {b"authorization", b"x-access-token", b"cookie", b"origin", b"sec-fetch-site", b"content-type", b"if-match"}
)
# Whoever signs out is signed out, however the request is written: it takes every token that it finds. Whose page has
# sent it must be clear there, too.
SIGN_OUT_PATH = "/api/auth/signout"
SINGLE_AT_SIGN_OUT = frozenset({b"origin", b"sec-fetch-site"})


class BodyGuard:
    """Reads a body whole before the route runs, and lets through only what routes can trust.

    Refused: more than 64 KiB (before reading it where its length is announced), JSON that is not strict, other media
    types than JSON and the OAuth form, and what is there twice: a field of the form (RFC 6749, section 3.2), a header
    that decides, a parameter of the address that has one value. Sign-out is not refused for any of it: a body that
    cannot be read is none there.
    """

    def __init__(self, app: ASGIApp, *, single_parameters: Set[str]) -> None:
        self.app = app
        self._single_parameters = single_parameters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_sign_out = scope["path"] == SIGN_OUT_PATH
        # No route reads the body of these; the protocol bounds one that comes in chunks.
        is_read = scope["method"] not in ("GET", "HEAD", "OPTIONS") and scope["path"] != CHECK_PATH
        try:
            single = SINGLE_AT_SIGN_OUT if is_sign_out else SINGLE_HEADERS
            _require_single([name for name, _ in scope["headers"] if name in single])
            if scope["query_string"] and scope["path"].startswith(API) and not is_sign_out:
                _require_single(name for name in _names(scope["query_string"]) if name in self._single_parameters)
            body = await self._body(scope, receive, is_read=is_read, is_optional=is_sign_out)
        except AppError as error:
            await problem(scope, error)(scope, receive, send)
            return
        if body is None:
            return
        if not is_read:
            await self.app(scope, receive, send)
            return
        replayed = False

        async def replay() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            replayed = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def has_left() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        client_disconnected.set(has_left)
        await self.app(scope, replay, send)

    async def _body(self, scope: Scope, receive: Receive, *, is_read: bool, is_optional: bool) -> bytes | None:
        """Return what the route gets: nothing, too, in place of what is optional and cannot be used."""
        try:
            _check_length(scope["headers"])
            return await self._read(Headers(scope=scope), receive) if is_read else b""
        except AppError as error:
            if not is_optional:
                raise
            for name, value in error.headers.items():
                add_to_answer(scope, name.lower().encode(), value)
            return b""

    async def _read(self, headers: Headers, receive: Receive) -> bytes | None:
        """Return the body, or None when the client has gone."""
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > MAX_BODY_BYTES:
                raise BodyTooLarge(headers={"Connection": "close"})
            if not message.get("more_body", False):
                break
        if body:
            _check(bytes(body), headers.get("content-type", ""))
        return bytes(body)


def _check_length(headers: Iterable[tuple[bytes, bytes]]) -> None:
    for name, announced in headers:
        if name != b"content-length":
            continue
        if not LENGTH.fullmatch(announced):
            raise MalformedBody
        if int(announced) > MAX_BODY_BYTES:
            raise BodyTooLarge(headers={"Connection": "close"})


def _names(pairs: bytes) -> list[str]:
    return [name for name, _ in parse_qsl(pairs.decode("latin-1"), keep_blank_values=True)]


def _require_single(names: Iterable[str | bytes]) -> None:
    seen = list(names)
    if len(set(seen)) < len(seen):
        raise RepeatedParameter


def is_json(content_type: str) -> bool:
    """Whether a media type is JSON, which no page of another site can send without CORS."""
    media_type = _media_type(content_type)
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _check(body: bytes, content_type: str) -> None:
    if is_json(content_type):
        try:
            strict_json.loads(body)
        except strict_json.StrictJsonError as error:
            raise MalformedBody(f"The request body cannot be read: {error}.") from None
    elif _media_type(content_type) == FORM:
        _require_single(_names(body))
    else:
        raise UnsupportedMediaType
