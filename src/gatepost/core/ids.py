"""The numbers that name rows: one bound for all that come from outside, and those that no counter gives."""

import secrets

# The greatest number that JavaScript does not read as its neighbour (RFC 8259, section 6).
LARGEST_ID = 2**53 - 1
# The greatest that an import may bring: new accounts are counted on from there.
LARGEST_IMPORTED_ID = LARGEST_ID - 2**32
# An id as text has one form; int() would take signs, spaces and digits of other scripts.
ID_TEXT = r"[1-9][0-9]{0,15}"
# Beyond every counter.
SMALLEST_RANDOM_ID = 2**32


def new_random_id() -> int:
    """Return a number for a row. A counter gives a number again once an older copy of the database was restored."""
    return SMALLEST_RANDOM_ID + secrets.randbelow(LARGEST_ID - SMALLEST_RANDOM_ID + 1)


def new_random_text() -> str:
    """Return 16 hexadecimal digits that tell what a counter numbers from what had the number before."""
    return secrets.token_hex(8)
