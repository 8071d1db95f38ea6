"""JSON of the audit log. The code that records an event chooses its `details`; they never contain a secret."""

from datetime import datetime
from typing import Any, Self

from pydantic import Field

from gatepost.admin.audit.reader import AuditPage
from gatepost.audit.models import AuditEntry
from gatepost.http.schemas import Out

NEXT = Field(description="Send this as `after` to get the next page. Null on the last page.", examples=[None])
DETAILS = Field(description="Details; they depend on the event.", examples=[{"amr": "pwd"}])


class AuditEntryResponse(Out):
    """An event, as readers of the audit log see it."""

    id: int = Field(examples=[1])
    at: datetime = Field(examples=["2026-01-31T12:00:00Z"])
    event: str = Field(examples=["session.opened"])
    user_id: int | None = Field(description="The account that the event is about.", examples=[1])
    actor_id: int | None = Field(
        description="The account that caused the event. Null if it is the same account, or a command of an operator.",
        examples=[None],
    )
    session_id: int | None = Field(examples=[1])
    address: str = Field(description="The IP address of the request; empty if there was no request.", examples=[""])
    request_id: str = Field(description="The request id in the service's log.", examples=[""])
    details: dict[str, Any] = DETAILS
    sealed: bool = Field(description="Whether the entry is already part of the hash chain.", examples=[True])

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
    """A page of events, the newest first."""

    items: list[AuditEntryResponse]
    next: str | None = NEXT

    @classmethod
    def of(cls, page: AuditPage) -> Self:
        """Show a page."""
        return cls(items=[AuditEntryResponse.of(entry) for entry in page.entries], next=page.next_cursor)


class ActivityResponse(Out):
    """An event of the user's own account."""

    id: int = Field(examples=[1])
    at: datetime = Field(examples=["2026-01-31T12:00:00Z"])
    event: str = Field(examples=["session.opened"])
    by_administrator: bool = Field(description="Whether an administrator did it.", examples=[False])
    session_id: int | None = Field(examples=[1])
    address: str = Field(description="The IP address of the request; empty if an administrator did it.", examples=[""])
    details: dict[str, Any] = DETAILS

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        """Show an entry to the user whom it is about, without the identity of others."""
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
    """A page of events of the user's own account, the newest first."""

    items: list[ActivityResponse]
    next: str | None = NEXT

    @classmethod
    def of(cls, page: AuditPage) -> Self:
        """Show a page."""
        return cls(items=[ActivityResponse.of(entry) for entry in page.entries], next=page.next_cursor)
