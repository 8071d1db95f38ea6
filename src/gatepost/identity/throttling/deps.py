"""Dependencies for routes: the device of a request, and rate limits."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Response

from gatepost.core.request_info import network
from gatepost.http.deps import RequestInfoDep, provided
from gatepost.http.middleware import add_to_answer
from gatepost.identity.access.deps import CurrentUser
from gatepost.identity.accounts.models import User
from gatepost.identity.throttling.cookies import DeviceCookies
from gatepost.identity.throttling.devices import Device
from gatepost.identity.throttling.errors import TooManyRequests
from gatepost.identity.throttling.rates import REDIS_SECONDS, REDIS_SECONDS_IN_ALL, Rate, RateLimits

DeviceCookiesDep = Annotated[DeviceCookies, Depends(provided(DeviceCookies))]
RateLimitsDep = Annotated[RateLimits, Depends(provided(RateLimits))]


async def get_device(request: Request, cookies: DeviceCookiesDep) -> Device:
    """Return what the request shows of its device."""
    return cookies.read(request)


class Remembering:
    """Gives the device of the request a token for an account."""

    def __init__(self, request: Request, response: Response, cookies: DeviceCookiesDep) -> None:
        self._request = request
        self._response = response
        self._cookies = cookies

    def __call__(self, user: User, *, by_cookie: bool = True, name: str | None = None) -> None:
        """Remember that the account has signed in; with a `name`, the device is renamed."""
        self._cookies.remember(self._request, self._response, user, by_cookie=by_cookie, name=name)


DeviceDep = Annotated[Device, Depends(get_device)]
RememberDevice = Annotated[Remembering, Depends()]


def limited(rate: Rate) -> Callable[..., Awaitable[None]]:
    """Return a dependency that limits requests from one address, and answers 429 above the limit."""

    async def check(request: Request, rates: RateLimitsDep, info: RequestInfoDep) -> None:
        await _count(request, rates, rate, network(info.address))

    return check


async def limit_changes(request: Request, rates: RateLimitsDep, user: CurrentUser) -> None:
    """Limit changes of one account, and answer 429 above the limit."""
    await _count(request, rates, Rate.CHANGE, f"account {user.user_id} {user.random_id}")


async def limit_proofs(request: Request, rates: RateLimitsDep, user: CurrentUser) -> None:
    """Limit changes that require the password, per session, and answer 429 above the limit.

    Somebody who has stolen a session only uses up its attempts, and not those with which the owner recovers the
    account.
    """
    await _count(request, rates, Rate.CHANGE, f"session {user.session_id}")


SignUpLimit = Depends(limited(Rate.SIGN_UP))
MailLimit = Depends(limited(Rate.MAIL))
LinkLimit = Depends(limited(Rate.LINK))
PasskeyLimit = Depends(limited(Rate.PASSKEY))
ProviderLimit = Depends(limited(Rate.PROVIDER))
RefreshLimit = Depends(limited(Rate.REFRESH))
ChangeLimit = Depends(limit_changes)
ProofLimit = Depends(limit_proofs)


async def _count(request: Request, rates: RateLimits, rate: Rate, subject: str) -> None:
    clock = asyncio.get_running_loop().time
    left: float = getattr(request.state, "redis_seconds_left", REDIS_SECONDS_IN_ALL)
    began_at = clock()
    status = await rates.hit(rate, subject, seconds=min(REDIS_SECONDS, left))
    request.state.redis_seconds_left = left - (clock() - began_at)
    if status is None:
        return
    add_to_answer(request.scope, b"ratelimit-policy", status.policy)
    add_to_answer(request.scope, b"ratelimit", status.left)
    if status.is_over:
        raise TooManyRequests(retry_after_seconds=status.reset_seconds)
