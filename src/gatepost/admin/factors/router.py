"""The route that removes second factors."""

from fastapi import APIRouter, status

from gatepost.admin.accounts.deps import CallerDep, IfMatchDep
from gatepost.admin.accounts.errors import BeyondAuthority, OwnAccount, VersionMismatch
from gatepost.admin.factors.deps import CanResetFactors, FactorResetDep
from gatepost.http.deps import PathId
from gatepost.http.openapi import problems
from gatepost.identity.access.errors import PermissionRequired
from gatepost.identity.accounts.errors import LastAdministrator, UserNotFound
from gatepost.identity.credentials.deps import FreshProof
from gatepost.identity.factors.errors import NoSecondFactor
from gatepost.identity.tokens.step_up import StepUpRequired

router = APIRouter(prefix="/api/admin/users", tags=["administration"])


@router.delete(
    "/{user_id}/factors",
    summary="Remove the second factors of an account",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[CanResetFactors, FreshProof],
    responses=problems(
        StepUpRequired, PermissionRequired, UserNotFound, NoSecondFactor, BeyondAuthority, OwnAccount, VersionMismatch,
        LastAdministrator,
    ),
)  # fmt: skip
async def reset_factors(user_id: PathId, factors: FactorResetDep, if_match: IfMatchDep, by: CallerDep) -> None:
    """For people who have lost their devices and their recovery codes. Make sure that the request really comes from the
    owner. Passkeys are removed too, and then the password alone is enough to sign in. The owner of an account without a
    password (`hasPassword`) must choose one first, with a link from a mail. All sessions of the account end, and the
    owner gets a mail.

    For your own account use `DELETE /api/users/me/totp` or `…/passkeys/{passkey_id}`.
    """
    await factors.reset(user_id, if_match=if_match, by=by)
