"""Ids of rows: the upper bound for ids from outside, and random ids."""

import secrets

# The greatest integer that JavaScript represents exactly (RFC 8259, section 6).
LARGEST_ID = 2**53 - 1
# The greatest id in an import; the ids of new accounts continue after it.
LARGEST_IMPORTED_ID = LARGEST_ID - 2**32
# An id has only one form as text; int() would also accept signs, spaces and digits of other scripts.
ID_TEXT = r"[1-9][0-9]{0,15}"
# Above any auto-increment value.
SMALLEST_RANDOM_ID = 2**32


def new_random_id() -> int:
    """Return a random id. After an older copy of the database was restored, a counter would reuse numbers."""
    return SMALLEST_RANDOM_ID + secrets.randbelow(LARGEST_ID - SMALLEST_RANDOM_ID + 1)


def new_random_text() -> str:
    """Return 16 hexadecimal digits that distinguish a row from an earlier row with the same id."""
    return secrets.token_hex(8)
