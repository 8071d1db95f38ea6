"""The route of the overview."""

from fastapi import APIRouter

from gatepost.admin.statistics.deps import CanReadStatistics, DaysQuery, OverviewReaderDep
from gatepost.admin.statistics.schemas import OverviewResponse
from gatepost.http.openapi import problems
from gatepost.identity.access.errors import PermissionRequired

router = APIRouter(prefix="/api/admin", tags=["administration"])


@router.get(
    "/overview",
    summary="Daily statistics",
    dependencies=[CanReadStatistics],
    responses=problems(PermissionRequired),
)
async def read_overview(statistics: OverviewReaderDep, days: DaysQuery = 30) -> OverviewResponse:
    """Sign-ups, sign-ins and refused attempts per day. They are counted in the background: events appear after a few
    seconds, and `totals` are about a minute old at most.

    Requires `users:read` or `audit:read`.
    """
    return OverviewResponse.of(await statistics.overview(days=days))
