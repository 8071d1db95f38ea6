"""Whether a request may pass, for a reverse proxy that asks before it lets one through."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Response, status

from gatepost.http.openapi import problems
from gatepost.http.server.trusted_proxies import CHECK_PATH
from gatepost.identity.access.deps import OriginalUser
from gatepost.identity.access.errors import AmbiguousOriginalRequest, RoleRequired

router = APIRouter(tags=["for other services"])
# Some proxies ask with the method of the original request.
OTHER_METHODS = ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

RoleQuery = Annotated[str | None, Query(max_length=64, description="A role that is needed.", examples=["admin"])]


@router.get(
    CHECK_PATH,
    summary="Whether a request may pass",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(RoleRequired, AmbiguousOriginalRequest),
)
async def check(response: Response, user: OriginalUser, role: RoleQuery = None) -> None:
    """For `auth_request` of nginx, `forwardAuth` of Traefik and `forward_auth` of Caddy, by whatever method they ask:
    204 with the person in headers, 401 or 403.

    `X-User-Name` is percent-encoded UTF-8; `X-User-Roles` is separated by commas. Where people sign in by cookie, the
    proxy says what the request was by `X-Original-Method` or `X-Forwarded-Method`: unless that is GET, HEAD or OPTIONS,
    it must come from an allowed origin.
    """
    if role is not None and not user.has_role(role):
        raise RoleRequired
    response.headers["X-User-Id"] = str(user.user_id)
    response.headers["X-User-Name"] = quote(user.username)
    response.headers["X-User-Roles"] = ",".join(quote(name) for name in user.roles)


router.add_api_route(
    CHECK_PATH, check, methods=OTHER_METHODS, status_code=status.HTTP_204_NO_CONTENT, include_in_schema=False
)
