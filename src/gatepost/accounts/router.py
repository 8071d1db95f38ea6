"""One's own account, over HTTP."""

from fastapi import APIRouter

from gatepost.access.deps import CurrentUser
from gatepost.accounts.deps import AccountServiceDep
from gatepost.accounts.errors import UserNotFound
from gatepost.accounts.schemas import ProfileResponse
from gatepost.http.openapi import problems

router = APIRouter(prefix="/api/users", tags=["account"])


@router.get("/me", summary="My account", responses=problems(UserNotFound))
async def me(user: CurrentUser, accounts: AccountServiceDep) -> ProfileResponse:
    """As it is now; the access token may know older roles."""
    return ProfileResponse.of(await accounts.profile(user))
