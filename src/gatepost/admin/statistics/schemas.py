"""JSON of the overview."""

from datetime import date, datetime
from typing import Self

from pydantic import Field

from gatepost.admin.statistics.overview import Day, Overview
from gatepost.http.schemas import Out


class RefusedResponse(Out):
    """Refused attempts with the same reason."""

    event: str = Field(description="The name of the event in the audit log.", examples=["sign_in.failed"])
    reason: str = Field(description="Empty if the event has only one reason.", examples=["wrong_password"])
    count: int = Field(examples=[3])


class DayResponse(Out):
    """One day in UTC."""

    day: date = Field(examples=["2026-01-31"])
    sign_ups: int = Field(description="New accounts, without imported ones.", examples=[12])
    sign_ins: int = Field(description="Successful sign-ins.", examples=[340])
    refused: list[RefusedResponse]
    active_sessions: int | None = Field(
        description="Active sessions at the last count of the day. Null if they were not counted.",
        examples=[1200],
    )
    people: int | None = Field(description="Accounts at the last count of the day.", examples=[1000])
    with_second_factor: int | None = Field(description="Those of them that have a second factor.", examples=[140])

    @classmethod
    def of(cls, day: Day) -> Self:
        """Show a day."""
        return cls(
            day=day.day,
            sign_ups=day.sign_ups,
            sign_ins=day.sign_ins,
            refused=[RefusedResponse(event=one.event, reason=one.reason, count=one.count) for one in day.refused],
            active_sessions=day.active_sessions,
            people=day.people,
            with_second_factor=day.with_second_factor,
        )


class TotalsResponse(Out):
    """Totals, counted once a minute."""

    measured_at: datetime = Field(examples=["2026-01-31T12:00:00Z"])
    people: int = Field(examples=[1000])
    disabled: int = Field(examples=[5])
    unverified: int = Field(description="Accounts whose e-mail address is not verified.", examples=[200])
    with_second_factor: int = Field(examples=[140])
    active_sessions: int = Field(examples=[1200])


class OverviewResponse(Out):
    """The statistics of the last days; today comes last."""

    totals: TotalsResponse | None = Field(description="Null until the first count.")
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
                with_second_factor=totals.with_second_factor,
                active_sessions=totals.sessions,
            ),
            days=[DayResponse.of(day) for day in overview.days],
        )
