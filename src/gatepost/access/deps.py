"""What routes ask for: `CurrentUser`, or a person with a role."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.openapi.models import OAuth2 as OAuth2Model
from fastapi.openapi.models import OAuthFlowPassword, OAuthFlows
from fastapi.security.base import SecurityBase

from gatepost.access.errors import PermissionRequired, RoleRequired
from gatepost.access.gate import Gate
from gatepost.access.principal import Principal, RoleName
from gatepost.http.deps import provided
from gatepost.sessions.cookies import TokenCookies

TOKEN_URL = "/api/auth/token"  # noqa: S105  an address
HEADER = "x-access-token"
BEARER = "bearer "


class AccessTokenScheme(SecurityBase):
    """Finds the access token: `Authorization: Bearer`, else `x-access-token`, else the cookie; the first decides."""

    def __init__(self) -> None:
        self.model = OAuth2Model(flows=OAuthFlows(password=OAuthFlowPassword(tokenUrl=TOKEN_URL, scopes={})))
        self.scheme_name = "password"

    async def __call__(
        self, request: Request, cookies: Annotated[TokenCookies, Depends(provided(TokenCookies))]
    ) -> str | None:
        """Return the token, or None where none was sent."""
        token = token_of_headers(request)
        return cookies.access_token(request) if token is None else token


def token_of_headers(request: Request) -> str | None:
    """Return the access token that a header carries, or None where none does."""
    authorization = request.headers.get("authorization", "")
    if authorization[: len(BEARER)].lower() == BEARER:
        # The white space of HTTP and no other (RFC 9110, section 5.6.3): a token has one form.
        return authorization[len(BEARER) :].strip(" \t")
    return request.headers.get(HEADER) or None


access_token_scheme = AccessTokenScheme()
PresentedToken = Annotated[str | None, Depends(access_token_scheme)]
GateDep = Annotated[Gate, Depends(provided(Gate))]


async def get_current_user(token: PresentedToken, gate: GateDep) -> Principal:
    """Return the signed-in person, or answer 401."""
    return await gate.admit(token)


CurrentUser = Annotated[Principal, Depends(get_current_user)]


def require_role(role: str) -> Callable[[Principal], Awaitable[Principal]]:
    """Return a dependency that gives the signed-in person if they have the role, and else answers 403."""
    message = f"Require {role.capitalize()} Role!"

    async def check(user: CurrentUser) -> Principal:
        if not user.has_role(role):
            raise RoleRequired(message)
        return user

    return check


def require_permission(permission: str, *others: str) -> Callable[[Principal], Awaitable[Principal]]:
    """Return a dependency that gives the signed-in person if a role of theirs has the permission, and else 403.

    Where `others` are given, any one of all these will do.
    """
    wanted = (permission, *others)
    message = f"The permission {' or '.join(wanted)} is needed."

    async def check(user: CurrentUser) -> Principal:
        if not any(user.has_permission(word) for word in wanted):
            raise PermissionRequired(message)
        return user

    return check


ModeratorUser = Annotated[Principal, Depends(require_role(RoleName.MODERATOR))]
AdminUser = Annotated[Principal, Depends(require_role(RoleName.ADMIN))]
