"""Dependencies of the statistics route."""

from typing import Annotated

from fastapi import Depends, Query

from gatepost.admin.statistics.overview import OverviewReader
from gatepost.http.deps import provided
from gatepost.identity.access.deps import require_permission
from gatepost.identity.accounts.roles import Permission

MOST_DAYS = 90

OverviewReaderDep = Annotated[OverviewReader, Depends(provided(OverviewReader))]

CanReadStatistics = Depends(require_permission(Permission.USERS_READ, Permission.AUDIT_READ))

DaysQuery = Annotated[int, Query(ge=1, le=MOST_DAYS, description="Number of days, including today.", examples=[30])]
