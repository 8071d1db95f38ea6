"""Checks request bodies, as plain ASGI: no route sees a body that is too long, ambiguous or of another media type."""

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
# An app on the same port has its own parameters.
API = ("/api/", "/oauth/")
FORM = "application/x-www-form-urlencoded"
LENGTH = re.compile(rb"[0-9]{1,18}")
# They say who calls, from where, and what the body is. If one occurs twice, programs differ in which one they use.
SINGLE_HEADERS = frozenset(
    {b"authorization", b"x-access-token", b"cookie", b"origin", b"sec-fetch-site", b"content-type", b"if-match"}
)
# A sign-out must succeed however the request is written, and ends every session whose token it contains. Only the
# origin of the page that sent it must be unambiguous.
SIGN_OUT_PATH = "/api/auth/signout"
SINGLE_AT_SIGN_OUT = frozenset({b"origin", b"sec-fetch-site"})


class BodyGuard:
    """Reads the whole body before the route runs, and passes on only what routes can trust.

    Refused are bodies of more than 64 KiB (before reading them if Content-Length says so), JSON that is not strict,
    media types other than JSON and the OAuth form, and duplicates: of a form field (RFC 6749, section 3.2), of a header
    in `SINGLE_HEADERS`, of a query parameter with a single value. Sign-out is refused only for a duplicate header in
    `SINGLE_AT_SIGN_OUT`; a body that cannot be used counts as empty there.
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
        # No route reads the body of these; the protocol limits the size of a chunked one.
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
        """Return the body for the route; empty if it is optional and cannot be used. None if the client has gone."""
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
        """Return the body, or None if the client has gone."""
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
    """Whether a media type is JSON, which a page of another site cannot send without CORS."""
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
