"""JSON of the audit log. What is in `details` is chosen where an event is recorded; no secret is ever among it."""

from datetime import datetime
from typing import Any, Self

from pydantic import Field

from gatepost.admin.audit.reader import AuditPage
from gatepost.audit.models import AuditEntry
from gatepost.http.schemas import Out

NEXT = Field(description="Goes into `after` for the next page; null on the last one.", examples=[None])
DETAILS = Field(description="What there is to say, by event.", examples=[{"amr": "pwd"}])


class AuditEntryResponse(Out):
    """An event, as whoever may read the log sees it."""

    id: int = Field(examples=[1])
    at: datetime = Field(examples=["2026-01-31T12:00:00Z"])
    event: str = Field(examples=["session.opened"])
    user_id: int | None = Field(description="Whom it is about.", examples=[1])
    actor_id: int | None = Field(
        description="Who did it to them; null where that is the same person, or an operator's command.", examples=[None]
    )
    session_id: int | None = Field(examples=[1])
    address: str = Field(description="Where the request came from; empty for what came from none.", examples=[""])
    request_id: str = Field(description="The one in the service's own log.", examples=[""])
    details: dict[str, Any] = DETAILS
    sealed: bool = Field(description="Whether the hash chain holds it by now.", examples=[True])

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        """Show an entry."""
        return cls(
            id=entry.id,
            at=entry.at,
            event=entry.event,
            user_id=entry.user_id,
            actor_id=entry.actor_id,
            session_id=entry.session_id,
            address=entry.address,
            request_id=entry.request_id,
            details=entry.details,
            sealed=entry.seal_id is not None,
        )


class AuditPageResponse(Out):
    """Some events, the newest first."""

    items: list[AuditEntryResponse]
    next: str | None = NEXT

    @classmethod
    def of(cls, page: AuditPage) -> Self:
        """Show a page."""
        return cls(items=[AuditEntryResponse.of(entry) for entry in page.entries], next=page.next_cursor)


class ActivityResponse(Out):
    """An event of one's own account."""

    id: int = Field(examples=[1])
    at: datetime = Field(examples=["2026-01-31T12:00:00Z"])
    event: str = Field(examples=["session.opened"])
    by_administrator: bool = Field(description="Somebody who looks after accounts did it.", examples=[False])
    session_id: int | None = Field(examples=[1])
    address: str = Field(description="Where the request came from; empty for an administrator's.", examples=[""])
    details: dict[str, Any] = DETAILS

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        """Show an entry to the person whom it is about; who else took part is not for them to see."""
        by_administrator = entry.actor_id not in (None, entry.user_id)
        return cls(
            id=entry.id,
            at=entry.at,
            event=entry.event,
            by_administrator=by_administrator,
            session_id=entry.session_id,
            address="" if by_administrator else entry.address,
            details=entry.details,
        )


class ActivityPageResponse(Out):
    """Some events of one's own account, the newest first."""

    items: list[ActivityResponse]
    next: str | None = NEXT

    @classmethod
    def of(cls, page: AuditPage) -> Self:
        """Show a page."""
        return cls(items=[ActivityResponse.of(entry) for entry in page.entries], next=page.next_cursor)
