"""The overview, over HTTP."""

from fastapi import APIRouter

from gatepost.admin.statistics.deps import CanReadStatistics, DaysQuery, OverviewReaderDep
from gatepost.admin.statistics.schemas import OverviewResponse
from gatepost.http.openapi import problems
from gatepost.identity.access.errors import PermissionRequired

router = APIRouter(prefix="/api/admin", tags=["administration"])


@router.get(
    "/overview",
    summary="Sign-ups, sign-ins, refusals a day",
    dependencies=[CanReadStatistics],
    responses=problems(PermissionRequired),
)
async def read_overview(statistics: OverviewReaderDep, days: DaysQuery = 30) -> OverviewResponse:
    """Counted in the background: what happened is there some seconds later, `totals` are at most a minute or so old.

    Needs `users:read` or `audit:read`.
    """
    return OverviewResponse.of(await statistics.overview(days=days))
