"""The audit log routes."""

from fastapi import APIRouter

from gatepost.admin.accounts.errors import CursorInvalid
from gatepost.admin.audit.deps import AfterQuery, AuditReaderDep, CanReadAudit, SizeQuery, WantedDep
from gatepost.admin.audit.schemas import ActivityPageResponse, AuditPageResponse
from gatepost.http.openapi import problems
from gatepost.identity.access.deps import CurrentUser
from gatepost.identity.access.errors import PermissionRequired

router = APIRouter(prefix="/api")


@router.get(
    "/admin/audit",
    summary="Read the audit log",
    tags=["administration"],
    dependencies=[CanReadAudit],
    responses=problems(PermissionRequired, CursorInvalid),
)
async def read_audit(
    audit: AuditReaderDep, wanted: WantedDep, size: SizeQuery = 20, after: AfterQuery = None
) -> AuditPageResponse:
    """The entries that match all given filters, the newest first."""
    return AuditPageResponse.of(await audit.page(wanted, size=size, after=after))


@router.get("/users/me/activity", summary="List my activity", tags=["account"], responses=problems(CursorInvalid))
async def read_activity(
    user: CurrentUser, audit: AuditReaderDep, size: SizeQuery = 20, after: AfterQuery = None
) -> ActivityPageResponse:
    """The events of your own account, the newest first: sign-ins, including failed ones, and all changes."""
    return ActivityPageResponse.of(await audit.activity(user, size=size, after=after))
