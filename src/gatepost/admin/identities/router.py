"""The route of other people's accounts at other providers."""

from fastapi import APIRouter, status

from gatepost.admin.accounts.deps import CallerDep, IfMatchDep
from gatepost.admin.accounts.errors import BeyondAuthority, OwnAccount, VersionMismatch
from gatepost.admin.factors.deps import CanResetFactors
from gatepost.admin.identities.deps import IdentityRemovalDep
from gatepost.http.deps import PathId
from gatepost.http.openapi import problems
from gatepost.identity.access.errors import PermissionRequired
from gatepost.identity.accounts.errors import LastAdministrator, UserNotFound
from gatepost.identity.credentials.deps import FreshProof
from gatepost.identity.credentials.external.errors import IdentityNotFound
from gatepost.identity.tokens.step_up import StepUpRequired

router = APIRouter(prefix="/api/admin/users", tags=["administration"])


@router.delete(
    "/{user_id}/identities/{identity_id}",
    summary="Unlink an account at another provider",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[CanResetFactors, FreshProof],
    responses=problems(
        StepUpRequired, PermissionRequired, UserNotFound, IdentityNotFound, BeyondAuthority, OwnAccount,
        VersionMismatch, LastAdministrator,
    ),
)  # fmt: skip
async def unlink_identity_of(
    user_id: PathId, identity_id: PathId, identities: IdentityRemovalDep, if_match: IfMatchDep, by: CallerDep
) -> None:
    """It opens the account no more, and the sessions that it opened end. The owner gets a mail. Without a password and
    a passkey, they choose a password with a link from a mail ("forgot password").

    Nobody can link one for somebody else. For your own account use `DELETE /api/users/me/identities/{identity_id}`.
    """
    await identities.unlink(user_id, identity_id, if_match=if_match, by=by)
