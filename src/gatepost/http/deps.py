"""Dependencies for the routes of all features: services from the composition root, and the calling device."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from fastapi import Depends, Path, Request

from gatepost.core.ids import LARGEST_ID
from gatepost.core.request_info import RequestInfo, canonical_address
from gatepost.http.problems import request_id

T = TypeVar("T")

LONGEST_USER_AGENT = 255

# The id of a row in the path of a route.
PathId = Annotated[int, Path(ge=1, le=LARGEST_ID, examples=[1])]


def provided(kind: type[T]) -> Callable[[Request], Awaitable[T]]:
    """Return a dependency that provides the service of this class."""

    async def get(request: Request) -> T:
        return service(request, kind)

    return get


def service(request: Request, kind: type[T]) -> T:
    """Return the service of this class."""
    found: T = request.app.state.services[kind]
    return found


async def get_request_info(request: Request) -> RequestInfo:
    """Describe the device that sends the request; its address comes from a proxy only if the proxy is trusted."""
    agent = request.headers.get("user-agent", "")
    return RequestInfo(
        address=canonical_address(request.client.host) if request.client else "",
        user_agent="".join(character for character in agent if character.isprintable())[:LONGEST_USER_AGENT],
        language=request.headers.get("accept-language", "").partition(",")[0].partition(";")[0].strip()[:35],
        request_id=request_id(request.scope),
    )


RequestInfoDep = Annotated[RequestInfo, Depends(get_request_info)]
