"""The one client for addresses of others: it decides where a request may go, how long it may take, what comes back."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import httpx

from gatepost import __version__
from gatepost.core import strict_json
from gatepost.core.network_causes import unreached
from gatepost.core.origins import PORTS, origin_of
from gatepost.core.outbound.addresses import is_loopback, is_public
from gatepost.core.outbound.errors import Cause, OutboundError

logger = logging.getLogger("gatepost")

# All that one request may take: name, connection, TLS and the whole answer.
SECONDS = 5.0
# What one of several addresses may take of it to be connected to.
SECONDS_OF_ONE_ADDRESS = 1.5
LARGEST_ANSWER = 256 * 1024
MOST_ADDRESSES = 4
JSON_TYPES = ("application/json", "+json")

# From host and port to IP addresses, as text.
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that came whole. `host` is who gave it."""

    host: str
    status: int
    media_type: str
    body: bytes = field(repr=False)

    @property
    def is_success(self) -> bool:
        """Whether the status is 200 to 299."""
        return httpx.codes.is_success(self.status)

    def json(self) -> Any:
        """Return the JSON in it.

        Raises:
            OutboundError: NOT_JSON; it has another type, or is not strict JSON (`core/strict_json.py`).
        """
        if self.media_type.endswith(JSON_TYPES):
            with suppress(strict_json.StrictJsonError):
                return strict_json.loads(self.body)
        raise OutboundError(Cause.NOT_JSON, f"{self.host} answers something that is not JSON")


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a request goes: the address that was checked, under the name that it has."""

    url: httpx.URL
    origin: str
    addresses: Sequence[str]

    @property
    def host(self) -> str:
        return urlsplit(self.origin).hostname or ""

    @property
    def where(self) -> str:
        return self.origin.partition("://")[2]


async def system_addresses(host: str, port: int) -> Sequence[str]:
    """Ask the system for the addresses of a host."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Outbound:
    """Asks others over HTTPS. Proxies of the environment are not used, and redirects are not followed.

    An origin that the operator has named may be anywhere, and with `allows_http` even be `http` on this machine;
    every other host has to be on the public internet. `transport` takes the place of the network in tests.
    """

    def __init__(
        self,
        *,
        allows_http: bool = False,
        seconds: float = SECONDS,
        resolve: Resolve = system_addresses,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._allows_http = allows_http
        self._seconds = seconds
        self._resolve = resolve
        self._transport = transport
        self.requests = 0
        self.failures = 0

    async def request(
        self,
        method: str,
        url: str,
        *,
        named: str | None = None,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request and return the answer, whatever its status, unless it is a redirect.

        `named` is an address in the settings of the operator: what has the same origin may be inside the network.

        Raises:
            OutboundError: the address is not allowed, or there is no answer that may be used.
        """
        self.requests += 1
        try:
            async with asyncio.timeout(self._seconds):
                target = await self._target(url, named)
                return await self._send(target, method, headers or {}, form)
        except TimeoutError:
            error = OutboundError(Cause.TIMEOUT, f"{_shown(url)} does not answer within {self._seconds:g} s")
        except OutboundError as refused:
            error = refused
        self.failures += 1
        logger.info("a request to another service failed: %s", error)
        raise error

    async def _target(self, url: str, named: str | None) -> _Target:
        """Return where to go.

        Raises:
            OutboundError: ADDRESS; or NETWORK, the name is unknown.
        """
        try:
            origin, read = origin_of(url), httpx.URL(url)
            is_named = named is not None and origin == origin_of(named)
        except (ValueError, httpx.InvalidURL) as error:
            raise OutboundError(Cause.ADDRESS, f"an address cannot be used: {error}") from None
        parts = urlsplit(origin)
        if parts.scheme != "https" and not (is_named and self._allows_http):
            raise OutboundError(Cause.ADDRESS, f"{origin} is not https")
        host = parts.hostname or ""
        try:
            addresses = await self._resolve(host, parts.port or PORTS[parts.scheme])
        except OSError:
            raise OutboundError(Cause.NETWORK, f"the host {host} is unknown: no address was found for it") from None
        is_allowed = is_loopback if parts.scheme != "https" else (lambda _: is_named) if is_named else is_public
        if not addresses or not all(map(is_allowed, addresses)):
            place = "on this machine" if parts.scheme != "https" else "on the public internet"
            raise OutboundError(Cause.ADDRESS, f"{host} is not {place}")
        return _Target(read, origin, addresses[:MOST_ADDRESSES])

    async def _send(
        self, target: _Target, method: str, headers: Mapping[str, str], form: Mapping[str, str] | None
    ) -> Answer:
        # A client for each request: a connection that was opened for one name must not serve another one.
        async with httpx.AsyncClient(
            verify=self._tls, trust_env=False, follow_redirects=False, transport=self._transport
        ) as http:
            for number, address in enumerate(target.addresses, start=1):
                is_last = number == len(target.addresses)
                request = http.build_request(
                    method,
                    target.url.copy_with(host=address, fragment=None),
                    headers={
                        "User-Agent": f"Gatepost/{__version__}",
                        "Accept": "application/json",
                        "Accept-Encoding": "identity",
                        **headers,
                        "Host": target.where,
                    },
                    data=form,
                    extensions={"sni_hostname": target.host},
                    timeout=httpx.Timeout(None, connect=None if is_last else SECONDS_OF_ONE_ADDRESS),
                )
                try:
                    answer = await http.send(request, stream=True)
                    return await _whole(answer, target)
                except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                    if is_last:
                        raise _failed(error, target) from error
                except httpx.HTTPError as error:
                    raise _failed(error, target) from error
        raise AssertionError("a target without addresses")

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()


async def _whole(answer: httpx.Response, target: _Target) -> Answer:
    try:
        if answer.is_redirect:
            raise OutboundError(Cause.REDIRECT, f"{target.where} answers with a redirect, which is not followed")
        if answer.headers.get("content-encoding", "identity").lower() != "identity":
            raise OutboundError(Cause.ENCODED, f"{target.where} sends a compressed answer, which was not asked for")
        body = bytearray()
        async for piece in answer.aiter_raw():
            body += piece
            if len(body) > LARGEST_ANSWER:
                raise OutboundError(Cause.TOO_LARGE, f"{target.where} answers more than {LARGEST_ANSWER // 1024} KiB")
    finally:
        await answer.aclose()
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Answer(target.where, answer.status_code, media_type, bytes(body))


def _failed(error: httpx.HTTPError, target: _Target) -> OutboundError:
    reason = unreached(error, host=target.host, where=target.where)
    return OutboundError(Cause.NETWORK, reason or f"the connection to {target.where} broke off")


def _shown(url: str) -> str:
    try:
        return origin_of(url)
    except ValueError:
        return "another service"
