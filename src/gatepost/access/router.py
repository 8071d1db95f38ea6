"""Whether a request may pass, for a reverse proxy that asks before it lets one through."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Response, status

from gatepost.access.deps import CurrentUser
from gatepost.access.errors import RoleRequired
from gatepost.http.openapi import problems

router = APIRouter(prefix="/api/auth", tags=["for other services"])

RoleQuery = Annotated[str | None, Query(max_length=64, description="A role that is needed.", examples=["admin"])]


@router.get(
    "/check",
    summary="Whether a request may pass",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(RoleRequired),
)
async def check(response: Response, user: CurrentUser, role: RoleQuery = None) -> None:
    """For `auth_request` of nginx and its like: 204 with the person in headers, 401 or 403.

    `X-User-Name` is percent-encoded UTF-8; `X-User-Roles` is separated by commas. Where people sign in by cookie, let
    the proxy send `X-Original-Method`: a request that changes something must then come from an allowed origin.
    """
    if role is not None and not user.has_role(role):
        raise RoleRequired
    response.headers["X-User-Id"] = str(user.user_id)
    response.headers["X-User-Name"] = quote(user.username)
    response.headers["X-User-Roles"] = ",".join(quote(name) for name in user.roles)
