"""One's own accounts at other providers, over HTTP."""

from fastapi import APIRouter, status

from gatepost.flows.factors.errors import LastWayIn
from gatepost.flows.factors.identities.deps import IdentityServiceDep
from gatepost.flows.factors.identities.schemas import IdentityResponse, LinkRequest
from gatepost.http.deps import PathId, RequestInfoDep
from gatepost.http.openapi import problems
from gatepost.identity.access.deps import CurrentUser
from gatepost.identity.accounts.errors import UserNotFound
from gatepost.identity.credentials.deps import OF_PROOFS, Confirm, FreshProof
from gatepost.identity.credentials.external.errors import (
    IdentityLinked,
    IdentityNotFound,
    IdentityTaken,
    ProviderSignInInvalid,
    TooManyIdentities,
)
from gatepost.identity.external.deps import BoundBrowserDep
from gatepost.identity.throttling.deps import ProofLimit
from gatepost.identity.throttling.errors import TooManyRequests
from gatepost.identity.tokens.step_up import StepUpRequired

router = APIRouter(prefix="/api/users/me/identities", tags=["account"])


@router.get("", summary="My accounts at other providers", responses=problems(UserNotFound))
async def identities(user: CurrentUser, service: IdentityServiceDep) -> list[IdentityResponse]:
    """Those that open this account, the oldest first."""
    return [IdentityResponse.of(own) for own in await service.of(user)]


@router.post(
    "",
    summary="Link the account that I was about to sign in with",
    status_code=status.HTTP_201_CREATED,
    dependencies=[ProofLimit, FreshProof],
    responses=problems(
        StepUpRequired, ProviderSignInInvalid, IdentityLinked, IdentityTaken, TooManyIdentities, TooManyRequests,
        UserNotFound,
    ),
)  # fmt: skip
async def link_identity(
    body: LinkRequest, user: CurrentUser, service: IdentityServiceDep, browser: BoundBrowserDep, info: RequestInfoDep
) -> IdentityResponse:
    """After 409 `account_exists`, and a sign-in as before. To link another one, `POST
    /api/auth/providers/{name}/start` with `purpose: link`.
    """
    return IdentityResponse.of(await service.link(user, browser.cookie, info=info))


@router.delete(
    "/{identity_id}",
    summary="Unlink an account of mine",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[ProofLimit],
    responses=problems(*OF_PROOFS, IdentityNotFound, LastWayIn),
)
async def unlink_identity(
    identity_id: PathId, user: CurrentUser, confirm: Confirm, service: IdentityServiceDep, info: RequestInfoDep
) -> None:
    """It no longer opens this account. Other sessions that signed in with it end."""
    proved = await confirm()
    await service.remove(user, identity_id, proved_hash=proved.password_hash, info=info)
