"""Values on their way in, as other systems write them."""

import re
from datetime import UTC, datetime

# MySQL's DATETIME goes back to the year 1000, and the zero date is no moment at all.
EARLIEST_YEAR = 1000
# A date written out, and perhaps a time: else 20260131 would be a moment, and with any letter between the two.
WRITTEN_OUT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ].*)?")


def read_moment(value: object) -> datetime | None:
    """Read a date or a moment of ISO 8601, in UTC where it has no zone; None for what is none, as a bare number."""
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
    """Read a whole number, or the text of one; None for what is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value.strip(), re.ASCII):
        return int(value)
    return None
