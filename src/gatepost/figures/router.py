"""The overview, over HTTP."""

from fastapi import APIRouter

from gatepost.access.errors import PermissionRequired
from gatepost.figures.deps import CanReadFigures, DaysQuery, OverviewReaderDep
from gatepost.figures.schemas import OverviewResponse
from gatepost.http.openapi import problems

router = APIRouter(prefix="/api/admin", tags=["administration"])


@router.get(
    "/overview",
    summary="Sign-ups, sign-ins, refusals a day",
    dependencies=[CanReadFigures],
    responses=problems(PermissionRequired),
)
async def read_overview(figures: OverviewReaderDep, days: DaysQuery = 30) -> OverviewResponse:
    """Counted in the background: what happened is there some seconds later, `totals` are at most a minute or so old.

    Needs `users:read` or `audit:read`.
    """
    return OverviewResponse.of(await figures.overview(days=days))
