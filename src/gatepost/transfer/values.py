"""Reads values as other systems write them."""

import re
from datetime import UTC, datetime

# MySQL's DATETIME starts at the year 1000, and its zero date is not a moment.
EARLIEST_YEAR = 1000
# A date with hyphens, optionally with a time. ISO 8601 also allows 20260131, and Python any letter before the time.
WRITTEN_OUT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ].*)?")


def read_moment(value: object) -> datetime | None:
    """Read an ISO 8601 date or time, as UTC if it has no time zone; None for anything else, such as a bare number."""
    if isinstance(value, str):
        text = value.strip()
        try:
            value = datetime.fromisoformat(text) if WRITTEN_OUT.fullmatch(text) else None
        except ValueError:
            return None
    if not isinstance(value, datetime) or value.year < EARLIEST_YEAR:
        return None
    try:
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        return None


def read_whole(value: object) -> int | None:
    """Read an integer, or the text of one; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value.strip(), re.ASCII):
        return int(value)
    return None
