"""An internet of our own: hosts by name, each an app of this process, reached through the real client."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from starlette.types import ASGIApp

from gatepost.core.outbound import Outbound


class Internet:
    """Hosts and their apps. `addresses` are what names resolve to where a test wants no public address."""

    def __init__(self, hosts: Mapping[str, ASGIApp]) -> None:
        self._hosts = dict(hosts)
        self.addresses: dict[str, Sequence[str]] = {}
        self.asked: list[httpx.Request] = []

    def outbound(self, **options: Any) -> Outbound:
        """Return a client that reaches these hosts and no others."""
        everything: dict[str, Any] = {"resolve": self._resolve, "transport": _Transport(self)} | options
        return Outbound(**everything)

    async def _resolve(self, host: str, _: int) -> Sequence[str]:
        if host not in self._hosts and host not in self.addresses:
            raise OSError("unknown host")
        return self.addresses.get(host, ["9.9.9.9"])

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer by the app of the host that the request names, not of the address that it goes to."""
        self.asked.append(request)
        app = self._hosts[request.headers["host"].partition(":")[0]]
        return await httpx.ASGITransport(app).handle_async_request(request)


class _Transport(httpx.AsyncBaseTransport):
    def __init__(self, internet: Internet) -> None:
        self._internet = internet

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._internet.answer(request)
