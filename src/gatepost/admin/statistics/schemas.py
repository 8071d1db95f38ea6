"""JSON of the overview."""

from datetime import date, datetime
from typing import Self

from pydantic import Field

from gatepost.admin.statistics.overview import Day, Overview
from gatepost.http.schemas import Out


class RefusedResponse(Out):
    """Attempts that were refused for one reason."""

    event: str = Field(description="As in the audit log.", examples=["sign_in.failed"])
    reason: str = Field(description="Empty where an event has but one.", examples=["wrong_password"])
    count: int = Field(examples=[3])


class DayResponse(Out):
    """One day in UTC."""

    day: date = Field(examples=["2026-01-31"])
    sign_ups: int = Field(description="Accounts that were made, but for imported ones.", examples=[12])
    sign_ins: int = Field(description="Sign-ins that succeeded.", examples=[340])
    refused: list[RefusedResponse]
    active_sessions: int | None = Field(
        description="Sessions that went on when they were last counted that day; null where they were not.",
        examples=[1200],
    )

    @classmethod
    def of(cls, day: Day) -> Self:
        """Show a day."""
        return cls(
            day=day.day,
            sign_ups=day.sign_ups,
            sign_ins=day.sign_ins,
            refused=[RefusedResponse(event=one.event, reason=one.reason, count=one.count) for one in day.refused],
            active_sessions=day.active_sessions,
        )


class TotalsResponse(Out):
    """What there is, counted once a minute."""

    measured_at: datetime = Field(examples=["2026-01-31T12:00:00Z"])
    people: int = Field(examples=[1000])
    disabled: int = Field(examples=[5])
    unverified: int = Field(description="Their address is not proved.", examples=[200])
    active_sessions: int = Field(examples=[1200])


class OverviewResponse(Out):
    """The statistics of the last days, the oldest first, today last."""

    totals: TotalsResponse | None = Field(description="Null until they were counted for the first time.")
    days: list[DayResponse]

    @classmethod
    def of(cls, overview: Overview) -> Self:
        """Show the statistics."""
        totals = overview.totals
        return cls(
            totals=None
            if totals is None
            else TotalsResponse(
                measured_at=totals.measured_at,
                people=totals.people,
                disabled=totals.disabled,
                unverified=totals.unverified,
                active_sessions=totals.sessions,
            ),
            days=[DayResponse.of(day) for day in overview.days],
        )
