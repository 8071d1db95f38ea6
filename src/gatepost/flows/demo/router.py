"""The boards, over HTTP."""

from fastapi import APIRouter, Depends
from fastapi.responses import PlainTextResponse

from gatepost.http.openapi import problems
from gatepost.identity.access.deps import get_current_user, require_role
from gatepost.identity.access.errors import RoleRequired
from gatepost.identity.accounts.roles import RoleName

router = APIRouter(prefix="/api/test", tags=["boards"], default_response_class=PlainTextResponse)


def _example(content: str) -> dict[int | str, dict[str, object]]:
    return {200: {"content": {"text/plain": {"example": content}}}}


@router.get("/all", summary="For all", responses=_example("Public Content."))
async def public_board() -> PlainTextResponse:
    """Nobody needs to be signed in."""
    return PlainTextResponse("Public Content.")


@router.get(
    "/user",
    summary="For who is signed in",
    dependencies=[Depends(get_current_user)],
    responses=_example("User Content."),
)
async def user_board() -> PlainTextResponse:
    """Any role will do."""
    return PlainTextResponse("User Content.")


@router.get(
    "/mod",
    summary="For moderators",
    dependencies=[Depends(require_role(RoleName.MODERATOR))],
    responses=_example("Moderator Content.") | problems(RoleRequired),
)
async def moderator_board() -> PlainTextResponse:
    """The role `moderator` is needed."""
    return PlainTextResponse("Moderator Content.")


@router.get(
    "/admin",
    summary="For administrators",
    dependencies=[Depends(require_role(RoleName.ADMIN))],
    responses=_example("Admin Content.") | problems(RoleRequired),
)
async def admin_board() -> PlainTextResponse:
    """The role `admin` is needed."""
    return PlainTextResponse("Admin Content.")
