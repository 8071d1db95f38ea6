"""What another service reads from the issuer: its metadata, its keys, its revocation feed."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from gatepost.access.revoked import RevocationLine, RevokedTokens
from gatepost.core import jose
from gatepost.core.clock import Clock

logger = logging.getLogger("gatepost.resource")

METADATA_PATH = "/.well-known/oauth-authorization-server"
TIMEOUT_SECONDS = 10.0
# The service holds a question this long when nothing has changed.
WAIT_SECONDS = 5
KEYS_LIVE = timedelta(seconds=300)
# A token with an unknown key makes us look again, and no more often than this.
KEYS_PAUSE = timedelta(seconds=10)


class IssuerError(Exception):
    """The issuer answered something that it should not."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """Where the issuer has what we need (RFC 8414)."""

    jwks_uri: str
    revocations_uri: str


class Issuer:
    """Follows one issuer; what it has read last is in memory."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        clock: Clock,
        *,
        issuer: str,
        credentials: tuple[str, str],
        max_staleness: timedelta,
    ) -> None:
        self._http = http
        self._clock = clock
        self._issuer = issuer
        self._credentials = credentials
        self._metadata: Metadata | None = None
        self._keys_asked_at: datetime | None = None
        self._after = 0
        self._etag = ""
        self.keys: Mapping[str, jose.VerifyingKey] = {}
        self.revoked = RevokedTokens(max_staleness=max_staleness)

    async def read_keys(self) -> None:
        """Read the keys, unless they are fresh.

        Raises:
            httpx.HTTPError, IssuerError: the issuer does not answer, or not as it should.
        """
        now = self._clock.now()
        if self.keys and self._keys_asked_at is not None and now - self._keys_asked_at < KEYS_LIVE:
            return
        await self._read_keys(now)

    async def look_for_key(self, kid: str) -> None:
        """Read the keys again for a token whose key is unknown; at most every ten seconds."""
        now = self._clock.now()
        if kid in self.keys or (self._keys_asked_at is not None and now - self._keys_asked_at < KEYS_PAUSE):
            return
        try:
            await self._read_keys(now)
        except (httpx.HTTPError, IssuerError) as error:
            logger.warning("the keys of %s cannot be read: %s", self._issuer, type(error).__name__)

    async def read_feed(self, *, wait: bool) -> None:
        """Read what was revoked since the last time; with `wait`, let the issuer answer when there is something.

        Raises:
            httpx.HTTPError, IssuerError: the issuer does not answer, or not as it should.
        """
        metadata = await self._find()
        asked_at = self._clock.now()
        answer = await self._http.get(
            metadata.revocations_uri,
            params={"after": self._after, "wait": WAIT_SECONDS if wait and self._etag else 0},
            headers={"If-None-Match": self._etag} if self._etag else {},
            auth=self._credentials,
        )
        if answer.status_code != httpx.codes.NOT_MODIFIED:
            body = _json(answer)
            try:
                for line in body["revocations"]:
                    self.revoked.note(_line(line))
                self._etag = answer.headers.get("etag", "") if body["after"] == self._after else ""
                self._after = int(body["after"])
            except (KeyError, TypeError, ValueError) as error:
                raise IssuerError("a revocation feed in another form") from error
        # What was true when the question left is known now.
        self.revoked.mark_read(at=asked_at)

    async def _read_keys(self, now: datetime) -> None:
        self._keys_asked_at = now
        metadata = await self._find()
        members = _json(await self._http.get(metadata.jwks_uri)).get("keys")
        if not isinstance(members, list):
            raise IssuerError("a JWK Set without keys")
        keys = {}
        for member in members:
            try:
                key = jose.verifying_key_from_jwk(member)
            except (jose.WeakKeyError, AttributeError):
                continue  # RFC 7517, section 5: a key that we do not understand is passed over
            keys[key.kid] = key
        self.keys = keys

    async def _find(self) -> Metadata:
        if self._metadata is None:
            body = _json(await self._http.get(self._issuer.rstrip("/") + METADATA_PATH))
            # RFC 8414, section 3.3: another issuer's metadata must not be believed.
            if body.get("issuer") != self._issuer:
                raise IssuerError(f"the service at {self._issuer} calls itself otherwise; see its PUBLIC_URL")
            try:
                self._metadata = Metadata(str(body["jwks_uri"]), str(body["gatepost_revocations_endpoint"]))
            except KeyError as error:
                raise IssuerError("metadata without the addresses that we need") from error
        return self._metadata


def _json(answer: httpx.Response) -> dict[str, Any]:
    answer.raise_for_status()
    try:
        body = answer.json()
    except ValueError as error:
        raise IssuerError("an answer that is not JSON") from error
    if not isinstance(body, dict):
        raise IssuerError("an answer that is not a JSON object")
    return body


def _line(line: Mapping[str, Any]) -> RevocationLine:
    return RevocationLine(
        id=int(line["id"]),
        session_id=line["sessionId"],
        user_id=line["userId"],
        min_token_version=line["minTokenVersion"],
        expires_at=datetime.fromisoformat(line["expiresAt"]),
    )
