"""Dependencies of the audit log routes."""

import re
from typing import Annotated

from fastapi import Depends, Query
from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from gatepost.admin.audit.reader import AuditReader, Wanted
from gatepost.audit.log import LONGEST_ADDRESS, AuditEvent
from gatepost.core.clock import utc
from gatepost.core.ids import LARGEST_ID
from gatepost.http.deps import provided
from gatepost.http.schemas import unusable
from gatepost.identity.access.deps import require_permission
from gatepost.identity.accounts.roles import Permission

AuditReaderDep = Annotated[AuditReader, Depends(provided(AuditReader))]

CanReadAudit = Depends(require_permission(Permission.AUDIT_READ))

SizeQuery = Annotated[int, Query(ge=1, le=100, examples=[20])]
AfterQuery = Annotated[
    str | None, Query(max_length=256, description="The `next` of the previous page.", examples=[None])
]


def _is_written_out(text: str) -> str:
    """Refuse numbers such as `0.5`, which would be read as seconds since 1970."""
    with unusable("moment_invalid"):
        if not re.match(r"\d{4}-\d{2}-\d{2}[Tt ]", text):
            raise ValueError("must be a date and a time with a time zone, such as 2026-01-31T12:00:00Z")
    return text


Moment = Annotated[AwareDatetime, BeforeValidator(_is_written_out), AfterValidator(utc)]


async def _wanted(
    user_id: Annotated[
        int | None,
        Query(alias="userId", ge=1, le=LARGEST_ID, description="The account that the event is about.", examples=[1]),
    ] = None,
    actor_id: Annotated[
        int | None,
        Query(alias="actorId", ge=1, le=LARGEST_ID, description="The account that caused the event.", examples=[None]),
    ] = None,
    event: Annotated[AuditEvent | None, Query(description="The kind of event.", examples=["sign_in.failed"])] = None,
    since: Annotated[
        Moment | None, Query(description="From this time on, with a time zone.", examples=["2026-01-31T12:00:00Z"])
    ] = None,
    until: Annotated[Moment | None, Query(description="Before this time, with a time zone.", examples=[None])] = None,
    address: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=LONGEST_ADDRESS,
            description="The exact IP address of the request.",
            examples=["203.0.113.7"],
        ),
    ] = None,
) -> Wanted:
    return Wanted(user_id=user_id, actor_id=actor_id, event=event, address=address, since=since, until=until)


WantedDep = Annotated[Wanted, Depends(_wanted)]
