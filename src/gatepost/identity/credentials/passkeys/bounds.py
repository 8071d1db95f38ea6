"""How many passkeys an account has at most, and what one can be called."""

from gatepost.core.plain_text import one_line

MOST_PASSKEYS = 20
LONGEST_NAME = 64


def can_be_name(text: str) -> bool:
    """Whether a passkey may be called so: one line of text, and not a long one."""
    return 1 <= len(text) <= LONGEST_NAME and one_line(text) == text
