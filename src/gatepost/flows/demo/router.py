"""The four demo boards."""

from fastapi import APIRouter, Depends
from fastapi.responses import PlainTextResponse

from gatepost.http.openapi import problems
from gatepost.identity.access.deps import get_current_user, require_role
from gatepost.identity.access.errors import RoleRequired
from gatepost.identity.accounts.roles import RoleName

router = APIRouter(prefix="/api/test", tags=["boards"], default_response_class=PlainTextResponse)


def _example(content: str) -> dict[int | str, dict[str, object]]:
    return {200: {"content": {"text/plain": {"example": content}}}}


@router.get("/all", summary="Public board", responses=_example("Public Content."))
async def public_board() -> PlainTextResponse:
    """No sign-in needed."""
    return PlainTextResponse("Public Content.")


@router.get(
    "/user",
    summary="Board for signed-in users",
    dependencies=[Depends(get_current_user)],
    responses=_example("User Content."),
)
async def user_board() -> PlainTextResponse:
    """Needs a sign-in; any role is enough."""
    return PlainTextResponse("User Content.")


@router.get(
    "/mod",
    summary="Board for moderators",
    dependencies=[Depends(require_role(RoleName.MODERATOR))],
    responses=_example("Moderator Content.") | problems(RoleRequired),
)
async def moderator_board() -> PlainTextResponse:
    """Needs the role `moderator`."""
    return PlainTextResponse("Moderator Content.")


@router.get(
    "/admin",
    summary="Board for administrators",
    dependencies=[Depends(require_role(RoleName.ADMIN))],
    responses=_example("Admin Content.") | problems(RoleRequired),
)
async def admin_board() -> PlainTextResponse:
    """Needs the role `admin`."""
    return PlainTextResponse("Admin Content.")
