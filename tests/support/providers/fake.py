"""What every fake provider does: it sends people back, redeems codes, and misbehaves when a test says so."""

import asyncio
import base64
import binascii
import hashlib
import json
import secrets
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gatepost.core.crypto import base64url

LARGE_BYTES = 10 * 1024 * 1024


class Fault(StrEnum):
    """What a fake does instead of what it should."""

    # At its authorization endpoint.
    DENIED = "the person refuses"
    NO_ISSUER_IN_ANSWER = "the answer has no iss"
    OTHER_ISSUER_IN_ANSWER = "the answer has the iss of another provider"
    # In ID tokens.
    WRONG_NONCE = "another nonce"
    NO_NONCE = "no nonce"
    WRONG_ISSUER = "another issuer"
    WRONG_AUDIENCE = "another audience"
    EXPIRED = "expired"
    FROM_THE_FUTURE = "not yet valid"
    UNSIGNED = "alg none"
    SIGNED_AS_SECRET = "HS256 with the public key as its secret"
    FOREIGN_KEY = "signed by a key that is not published"
    WRONG_ACCESS_TOKEN_HASH = "another at_hash"
    NO_SUBJECT = "no sub"
    ODD_ACCESS_TOKEN = "an access token with an umlaut"
    # At whatever is asked from server to server; the faults below may be bound to one path.
    OTHER_SUBJECT = "userinfo of somebody else"
    DOWN = "503"
    LARGE = "10 MiB"
    LARGE_COMPRESSED = "10 MiB, compressed"
    SLOW = "a byte now and then, without an end"
    SILENT = "no answer at all"
    REDIRECT = "a redirect into the network"
    HTML = "a page"
    NOT_JSON = "JSON that is none"


OF_ANSWERS = frozenset(list(Fault)[list(Fault).index(Fault.DOWN) :])


@dataclass
class Authorization:
    """What a browser was sent with, and is asked for again when the code is redeemed."""

    parameters: dict[str, str]
    person: dict[str, Any]
    signed_in_at: datetime


@dataclass
class FakeProvider:
    """A provider at `base`. Whoever comes to its authorization endpoint is `person`, and agrees at once.

    `faulty` is the path that an answer's fault is bound to; empty means all. `requests` are the forms and paths of what
    was asked from server to server.
    """

    base: str
    client_id: str = "gatepost"
    client_secret: str = "a secret, with +/&% in it"
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "248289761001", "name": "Jane Doe"})
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    fault: Fault | None = None
    faulty: str = ""
    signed_in_at: datetime | None = None
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    codes: dict[str, Authorization] = field(default_factory=dict)
    tokens: dict[str, Authorization] = field(default_factory=dict)

    def routes(self) -> list[Route]:
        """Return the routes of this kind."""
        raise NotImplementedError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or misbehave."""
        if scope["type"] == "http" and self.fault in OF_ANSWERS and scope["path"].startswith(self.faulty):
            await misbehave(self.fault)(scope, receive, send)
            return
        await Starlette(routes=self.routes())(scope, receive, send)

    async def authorize(self, request: Request) -> Response:
        """Answer the browser: back to where it came from, with a code or an error."""
        asked = dict(request.query_params)
        if asked.get("client_id") != self.client_id or asked.get("response_type") != "code":
            return HTMLResponse("unknown client", 400)
        if self.signed_in_at is None or asked.get("prompt") == "login" or asked.get("max_age") == "0":
            self.signed_in_at = self.now()
        answer = {"state": asked["state"]} | self.issuer_in_answer()
        if self.fault is Fault.DENIED:
            answer |= {"error": "access_denied"}
        else:
            code = secrets.token_urlsafe(16)
            self.codes[code] = Authorization(asked, dict(self.person), self.signed_in_at)
            answer |= {"code": code} | self.more_in_answer()
        if asked.get("response_mode") == "form_post":
            return self._form(asked["redirect_uri"], answer)
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", 302)

    def issuer_in_answer(self) -> dict[str, str]:
        """Return the `iss` of the answer; most providers send none."""
        return {}

    def more_in_answer(self) -> dict[str, str]:
        """Return what this kind adds to a good answer."""
        return {}

    async def redeem(self, request: Request) -> tuple[Authorization, str] | Response:
        """Return what a code was given for, with a new access token; or the refusal."""
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        self.requests.append((request.url.path, form))
        if not self.knows(request, form):
            return JSONResponse({"error": "invalid_client"}, 401)
        authorization = self.codes.pop(form.get("code", ""), None)
        if authorization is None or form.get("redirect_uri") != authorization.parameters["redirect_uri"]:
            return self.refused_code()
        challenge = authorization.parameters.get("code_challenge")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if challenge is not None and challenge != base64url.encode(digest):
            return self.refused_code()
        access_token = secrets.token_urlsafe(16) + ("\xfc" if self.fault is Fault.ODD_ACCESS_TOKEN else "")
        self.tokens[access_token] = authorization
        return authorization, access_token

    def refused_code(self) -> Response:
        """Return the answer to a code that is not good."""
        return JSONResponse({"error": "invalid_grant"}, 400)

    def knows(self, request: Request, form: dict[str, str]) -> bool:
        """Whether the client has said its id and secret, in a header or in the form."""
        pair = (form.get("client_id", ""), form.get("client_secret", ""))
        kind, _, said = request.headers.get("authorization", "").partition(" ")
        if kind == "Basic":
            try:
                decoded = base64.b64decode(said).decode()
            except (binascii.Error, UnicodeDecodeError):
                return False
            name, _, secret = decoded.partition(":")
            pair = (unquote_plus(name), unquote_plus(secret))
        return pair == (self.client_id, self.client_secret)

    def bearer(self, request: Request) -> Authorization | None:
        """Return what the access token of a request was given for."""
        self.requests.append((request.url.path, {}))
        return self.tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))

    @staticmethod
    def _form(action: str, fields: dict[str, str]) -> Response:
        inputs = "".join(f"<input type=hidden name='{name}' value='{_escaped(fields[name])}'>" for name in fields)
        page = f"<form method=post action='{action}'>{inputs}<button>Continue</button></form>"
        return HTMLResponse(f"<!doctype html><title>Provider</title>{page}<script>document.forms[0].submit()</script>")


def misbehave(fault: Fault | None) -> Response:
    """Return an answer with this fault."""
    match fault:
        case Fault.LARGE:
            return Response(b'"' + b"x" * LARGE_BYTES + b'"', media_type="application/json")
        case Fault.LARGE_COMPRESSED:
            content = zlib.compress(b'"' + b"x" * LARGE_BYTES + b'"', wbits=31)
            return Response(content, media_type="application/json", headers={"Content-Encoding": "gzip"})
        case Fault.SLOW:
            return StreamingResponse(_drip(), media_type="application/json")
        case Fault.SILENT:
            return _Silence()
        case Fault.REDIRECT:
            return RedirectResponse("http://127.0.0.1:1/inside", 302)
        case Fault.HTML:
            return HTMLResponse("<p>Please sign in to the hotel's network")
        case Fault.NOT_JSON:
            return Response(b'{"issuer": "a", "issuer": "b"}', media_type="application/json")
        case _:
            return JSONResponse({"error": "temporarily_unavailable"}, 503)


class _Silence(Response):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass


async def _drip() -> AsyncIterator[bytes]:
    yield b"{"
    while True:
        await asyncio.sleep(0.02)
        yield b" "


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("'", "&#39;").replace("<", "&lt;")


def as_json(value: Any) -> str:
    """Return JSON on one line."""
    return json.dumps(value, separators=(",", ":"))
