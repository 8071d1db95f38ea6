"""Forward authentication: a reverse proxy asks here before it lets a request through."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Response, status

from gatepost.http.openapi import problems
from gatepost.http.server.trusted_proxies import CHECK_PATH
from gatepost.identity.access.deps import OriginalUser
from gatepost.identity.access.errors import AmbiguousOriginalRequest, RoleRequired

router = APIRouter(tags=["for other services"])
# Some proxies use the method of the original request.
OTHER_METHODS = ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

RoleQuery = Annotated[
    str | None, Query(max_length=64, description="The role that the user must have.", examples=["admin"])
]


@router.get(
    CHECK_PATH,
    summary="Check a request for a reverse proxy",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(RoleRequired, AmbiguousOriginalRequest),
)
async def check(response: Response, user: OriginalUser, role: RoleQuery = None) -> None:
    """For `auth_request` of nginx, `forwardAuth` of Traefik and `forward_auth` of Caddy, with any method. The answer is
    204 with the user in headers, or 401, or 403.

    `X-User-Name` is percent-encoded UTF-8. `X-User-Roles` is separated by commas. If people sign in with cookies, the
    proxy must send the method of the original request as `X-Original-Method` or `X-Forwarded-Method`. Methods other
    than GET, HEAD and OPTIONS must come from an allowed origin.
    """
    if role is not None and not user.has_role(role):
        raise RoleRequired
    response.headers["X-User-Id"] = str(user.user_id)
    response.headers["X-User-Name"] = quote(user.username)
    response.headers["X-User-Roles"] = ",".join(quote(name) for name in user.roles)


router.add_api_route(
    CHECK_PATH, check, methods=OTHER_METHODS, status_code=status.HTTP_204_NO_CONTENT, include_in_schema=False
)
