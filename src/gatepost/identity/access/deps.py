"""Dependencies of protected routes: `CurrentUser`, or a person with a role or a permission."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated

from fastapi import Depends, Request
from fastapi.openapi.models import OAuth2 as OAuth2Model
from fastapi.openapi.models import OAuthFlowPassword, OAuthFlows
from fastapi.security.base import SecurityBase

from gatepost.core.errors import Forbidden, Unauthorized
from gatepost.http.cookies import WHITE_SPACE
from gatepost.http.deps import service
from gatepost.http.openapi import OPTIONAL_SCHEME, PASSWORD_SCHEME
from gatepost.identity.access.errors import PermissionRequired, RoleRequired
from gatepost.identity.access.gate import Gate
from gatepost.identity.access.original_request import may_change_something
from gatepost.identity.accounts.roles import RoleName
from gatepost.identity.sessions.cookies import TokenCookies
from gatepost.identity.sessions.errors import AmbiguousCookie, CrossSiteRequest
from gatepost.identity.tokens.principal import UserPrincipal

TOKEN_URL = "/api/auth/token"  # noqa: S105  an address
HEADER = "x-access-token"
BEARER = "bearer "


class _Scheme(SecurityBase):
    """Describes an access token in the OpenAPI document; FastAPI reads it from each dependency of this class."""

    def __init__(self, name: str = PASSWORD_SCHEME) -> None:
        self.model = OAuth2Model(flows=OAuthFlows(password=OAuthFlowPassword(tokenUrl=TOKEN_URL, scopes={})))
        self.scheme_name = name


class AccessTokenScheme(_Scheme):
    """Finds the access tokens in the headers, valid or not; the route also serves requests without one."""

    def __init__(self) -> None:
        super().__init__(OPTIONAL_SCHEME)

    async def __call__(self, request: Request) -> list[str]:
        """Return all tokens, including those of duplicate headers."""
        headers = request.headers
        bearers = [_bearer(value) for value in headers.getlist("authorization")]
        return [token for token in (*bearers, *headers.getlist(HEADER)) if token]


class CurrentUserScheme(_Scheme):
    """Finds the access token, and authenticates its owner.

    The first of these counts: `Authorization: Bearer`, `x-access-token`, the cookie. This is a single dependency,
    because each further one would slow down every request.
    """

    async def __call__(self, request: Request) -> UserPrincipal:
        """Return the signed-in person, or answer 401."""
        return await service(request, Gate).authenticate(_presented(request))


class OptionalUserScheme(_Scheme):
    """Finds the access token, and who it is from; the route serves who sends none, too."""

    def __init__(self) -> None:
        super().__init__(OPTIONAL_SCHEME)

    async def __call__(self, request: Request) -> UserPrincipal | None:
        """Return the signed-in person; None where there is none, or another site may have sent the request."""
        try:
            return await service(request, Gate).authenticate(_presented(request), at_once=True)
        except (Unauthorized, CrossSiteRequest, AmbiguousCookie):
            return None


class LateUserScheme(_Scheme):
    """Finds out who is signed in once the route asks, and serves who sends no token, too."""

    def __init__(self) -> None:
        super().__init__(OPTIONAL_SCHEME)

    async def __call__(self, request: Request) -> Callable[[], Awaitable[UserPrincipal]]:
        """Return what returns the signed-in person, or answers 401."""
        return partial(get_current_user, request)


class OriginalUserScheme(_Scheme):
    """Authenticates the sender of the request that a reverse proxy asks about (forward authentication)."""

    async def __call__(self, request: Request) -> UserPrincipal:
        """Return the signed-in person, or answer 401, or 403 if another site may have sent the request."""
        changes = may_change_something(request.method, request.headers.items())
        return await service(request, Gate).authenticate(_presented(request, changes=changes))


def _of_headers(request: Request) -> list[str]:
    """Return the access tokens in the headers, the one that counts first."""
    bearer = _bearer(request.headers.get("authorization", ""))
    found = [bearer] if bearer is not None else []
    if token := request.headers.get(HEADER):
        found.append(token)
    return found


def _bearer(authorization: str) -> str | None:
    """Return the token of an `Authorization` header, empty if it has none; None for another scheme."""
    if authorization[: len(BEARER)].lower() != BEARER:
        return None
    # Strip only the white space of HTTP, so that a token has a single form.
    return authorization[len(BEARER) :].strip(WHITE_SPACE)


def _presented(request: Request, *, changes: bool | None = None) -> str | None:
    found = _of_headers(request)
    return found[0] if found else service(request, TokenCookies).access_token(request, changes=changes)


def is_by_cookie(request: Request) -> bool:
    """Whether the token that authenticates a request is in the cookie."""
    return not _of_headers(request)


TokensOfHeaders = Annotated[list[str], Depends(AccessTokenScheme())]
get_current_user = CurrentUserScheme()
CurrentUser = Annotated[UserPrincipal, Depends(get_current_user)]
LateUser = Annotated[Callable[[], Awaitable[UserPrincipal]], Depends(LateUserScheme())]
OptionalUser = Annotated[UserPrincipal | None, Depends(OptionalUserScheme())]
IsByCookie = Annotated[bool, Depends(is_by_cookie)]
OriginalUser = Annotated[UserPrincipal, Depends(OriginalUserScheme())]


class Requirement(CurrentUserScheme):
    """Authenticates the signed-in person, and checks that they may use the route."""

    def __init__(
        self, holds: Callable[[UserPrincipal], bool], refusal: type[Forbidden], message: str, *, at_once: bool = False
    ) -> None:
        super().__init__()
        self._at_once = at_once
        self._holds = holds
        self._refusal = refusal
        self._message = message

    async def __call__(self, request: Request) -> UserPrincipal:
        """Return the signed-in person, or answer 401 or 403."""
        user = await service(request, Gate).authenticate(_presented(request), at_once=self._at_once)
        if not self._holds(user):
            raise self._refusal(self._message)
        return user


def require_role(role: str) -> Requirement:
    """Return a dependency that returns the signed-in person if they have the role; otherwise it answers 403."""
    return Requirement(lambda user: user.has_role(role), RoleRequired, f"Require {role.capitalize()} Role!")


def require_permission(permission: str, *others: str) -> Requirement:
    """Return a dependency that returns the signed-in person if they have the permission; otherwise it answers 403.

    With `others`, any one of the permissions is enough. The database is asked whether the token is still current: what
    a permission allows is worth a query.
    """
    wanted = (permission, *others)
    message = f"The permission {' or '.join(wanted)} is needed."
    return Requirement(lambda user: any(map(user.has_permission, wanted)), PermissionRequired, message, at_once=True)


ModeratorUser = Annotated[UserPrincipal, Depends(require_role(RoleName.MODERATOR))]
AdminUser = Annotated[UserPrincipal, Depends(require_role(RoleName.ADMIN))]
