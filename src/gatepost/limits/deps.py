"""What routes ask for: the device of a request, and that it is not one request too many."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request, Response

from gatepost.http.deps import provided
from gatepost.limits.cookies import DeviceCookies
from gatepost.limits.devices import Device


async def get_device(request: Request, cookies: Annotated[DeviceCookies, Depends(provided(DeviceCookies))]) -> Device:
    """Return what the request shows of its device."""
    return cookies.read(request)


async def get_remembering(
    request: Request, response: Response, cookies: Annotated[DeviceCookies, Depends(provided(DeviceCookies))]
) -> Callable[[int], None]:
    """Return what gives the device of the request a token for an account."""
    return lambda user_id: cookies.remember(request, response, user_id)


DeviceDep = Annotated[Device, Depends(get_device)]
RememberDevice = Annotated[Callable[[int], None], Depends(get_remembering)]
