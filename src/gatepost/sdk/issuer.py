"""Reads from the issuer for another service: the metadata, the keys, the revocation feed."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from gatepost.core.clock import Clock
from gatepost.core.crypto import jws
from gatepost.identity.tokens.errors import RevocationUnknown
from gatepost.identity.tokens.revocation_list import RevocationEntry, RevocationList
from gatepost.sdk.key_set import IssuerError, keys_of

logger = logging.getLogger("gatepost.sdk")

METADATA_PATH = "/.well-known/oauth-authorization-server"
TIMEOUT_SECONDS = 10.0
# The service holds a request for this long if nothing has changed.
WAIT_SECONDS = 5
KEYS_LIVE = timedelta(seconds=300)
# A token with an unknown key makes us read the keys again, at most this often.
KEYS_PAUSE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class IssuerSettings:
    """The issuer to follow, and the client's credentials; `address` is the URL at which the issuer is reached."""

    issuer: str
    address: str
    audience: str
    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        return f"IssuerSettings({self.issuer!r}, client_id={self.client_id!r})"


@dataclass(frozen=True, slots=True)
class Metadata:
    """The issuer's endpoints that we need (RFC 8414)."""

    jwks_uri: str
    revocations_uri: str


class Issuer:
    """Follows one issuer; keeps what it has read last in memory."""

    def __init__(self, settings: IssuerSettings, clock: Clock, *, max_staleness: timedelta) -> None:
        self._settings = settings
        self._clock = clock
        self.http: httpx.AsyncClient | None = None
        self._metadata: Metadata | None = None
        self._reading_keys = asyncio.Lock()
        self._keys_asked_at: datetime | None = None
        self._keys_read_at: datetime | None = None
        self._keys_failed = False
        self._after = 0
        self._mark = ""
        self._etag = ""
        self.keys: Mapping[str, jws.VerifyingKey] = {}
        self.revoked = RevocationList(max_staleness=max_staleness)

    def require_http(self) -> httpx.AsyncClient:
        """Return the HTTP client.

        Raises:
            RuntimeError: following was not started.
        """
        if self.http is None:
            raise RuntimeError(
                "Gatepost is not running: write FastAPI(lifespan=gatepost.lifespan), or `async with gatepost:` in a "
                "lifespan of your own"
            )
        return self.http

    def forget_metadata(self) -> None:
        """Read the metadata again next time, because it may have been wrong."""
        self._metadata = None

    async def read_keys(self) -> None:
        """Read the keys, unless they are fresh.

        Raises:
            httpx.HTTPError, IssuerError: the issuer does not answer, or its answer is not as expected.
        """
        async with self._reading_keys:
            now = self._clock.now()
            if self._keys_read_at is None or now - self._keys_read_at >= KEYS_LIVE:
                await self._read_keys(now)

    async def look_for_key(self, kid: str) -> None:
        """Read the keys again for a token with an unknown key; at most every ten seconds.

        Raises:
            RevocationUnknown: the keys cannot be read now, so that the token cannot be checked.
        """
        if kid in self.keys:
            return
        # Concurrent callers wait for the same answer, because their tokens may be valid.
        async with self._reading_keys:
            now = self._clock.now()
            was_asked = self._keys_asked_at is not None and now - self._keys_asked_at < KEYS_PAUSE
            if kid not in self.keys and not was_asked:
                try:
                    await self._read_keys(now)
                except (httpx.HTTPError, IssuerError) as error:
                    logger.warning("the keys of %s cannot be read: %s", self._settings.issuer, reason(error))
            if kid not in self.keys and self._keys_failed:
                raise RevocationUnknown

    async def read_feed(self, *, wait: bool) -> None:
        """Read the revocations since the last call; with `wait`, the issuer holds the request until there are some.

        Raises:
            httpx.HTTPError, IssuerError: the issuer does not answer, or its answer is not as expected.
        """
        metadata = await self._find()
        asked_at, elapsed = self._clock.now(), self._clock.elapsed()
        answer = await self._get(
            metadata.revocations_uri,
            params={
                "after": self._after,
                "wait": WAIT_SECONDS if wait and self._etag else 0,
                **({"mark": self._mark} if self._mark else {}),
            },
            headers={"If-None-Match": self._etag} if self._etag else {},
            auth=(self._settings.client_id, self._settings.client_secret),
        )
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            name = self._settings.client_id
            raise IssuerError(f"the issuer refuses client_id {name!r} or its secret; see `gatepost clients list`")
        if answer.status_code != httpx.codes.NOT_MODIFIED:
            self._take_in(_json(answer), answer.headers.get("etag", ""))
        # The answer includes everything up to when the request was sent.
        self.revoked.mark_read(at=asked_at, elapsed=elapsed)

    def _take_in(self, body: dict[str, Any], etag: str) -> None:
        try:
            lines, after = [_line(line) for line in body["revocations"]], _typed(body["after"], int)
            mark = _typed(body.get("mark"), str, type(None)) or ""
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise IssuerError("the issuer's revocation feed has another form than we know") from error
        elapsed = self._clock.elapsed()
        if body.get("isComplete") is True:
            self.revoked.replace(lines, elapsed=elapsed)
        else:
            for line in lines:
                self.revoked.note(line, elapsed=elapsed)
        # An ETag is only valid for the same `after` and `mark`.
        self._etag = etag if (after, mark) == (self._after, self._mark) else ""
        self._after, self._mark = after, mark

    async def _read_keys(self, now: datetime) -> None:
        self._keys_asked_at = now
        self._keys_failed = True
        metadata = await self._find()
        self.keys = keys_of(_json(await self._get(metadata.jwks_uri)))
        self._keys_read_at = now
        self._keys_failed = False

    async def _find(self) -> Metadata:
        if self._metadata is not None:
            return self._metadata
        wanted = self._settings
        body = _json(await self._get(wanted.address.rstrip("/") + METADATA_PATH))
        # RFC 8414, section 3.3: metadata of another issuer must not be used.
        if body.get("issuer") != wanted.issuer:
            raise IssuerError(
                f"the service at {wanted.address} calls itself {body.get('issuer')!r} and not {wanted.issuer!r}; "
                "`issuer` must be its PUBLIC_URL to the letter"
            )
        if body.get("gatepost_audience", wanted.audience) != wanted.audience:
            raise IssuerError(
                f"the issuer's tokens are for {body['gatepost_audience']!r} and not for {wanted.audience!r}; "
                "`audience` must be its JWT_AUDIENCE"
            )
        try:
            found = [self._reachable(_typed(body[name], str)) for name in ("jwks_uri", "gatepost_revocations_endpoint")]
        except (KeyError, TypeError) as error:
            raise IssuerError("the issuer's metadata lacks the addresses of its keys and its feed") from error
        self._metadata = Metadata(*found)
        return self._metadata

    def _reachable(self, uri: str) -> str:
        base = self._settings.issuer.rstrip("/") + "/"
        return self._settings.address.rstrip("/") + "/" + uri.removeprefix(base) if uri.startswith(base) else uri

    async def _get(self, url: str, **options: Any) -> httpx.Response:
        try:
            return await self.require_http().get(url, timeout=TIMEOUT_SECONDS, **options)
        except httpx.InvalidURL as error:
            raise IssuerError(f"{url!r} is not an address") from error


def reason(error: Exception) -> str:
    """Return in one line why the issuer cannot be followed."""
    return str(error) if isinstance(error, IssuerError) else f"{type(error).__name__}: {error}".rstrip(": ")


def _json(answer: httpx.Response) -> dict[str, Any]:
    if not answer.is_success:
        raise IssuerError(f"{answer.url.copy_with(query=None)} answers {answer.status_code}")
    try:
        body = answer.json()
    except (ValueError, RecursionError) as error:
        raise IssuerError(f"{answer.url.copy_with(query=None)} answers something that is not JSON") from error
    if not isinstance(body, dict):
        raise IssuerError(f"{answer.url.copy_with(query=None)} answers something that is not a JSON object")
    return body


def _line(line: Mapping[str, Any]) -> RevocationEntry:
    issued_before = line.get("issuedBefore")
    return RevocationEntry(
        id=_typed(line["id"], int),
        session_id=_typed(line["sessionId"], int, type(None)),
        user_id=_typed(line["userId"], int, type(None)),
        min_token_version=_typed(line["minTokenVersion"], int, type(None)),
        random_id=_typed(line.get("randomId"), str, type(None)),
        issued_before=None if issued_before is None else _moment(issued_before),
        expires_at=_moment(line["expiresAt"]),
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return moment


def _typed(value: Any, *kinds: type[Any]) -> Any:
    """Return the value if it has one of the types; others would be stored but never found again.

    Raises:
        TypeError: it has another type.
    """
    if type(value) not in kinds:
        raise TypeError(f"a {type(value).__name__}")
    return value
