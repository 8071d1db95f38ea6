"""Makes text from outside safe to show on one line: it cannot move a cursor, end the line or change its direction."""

import unicodedata

# The characters that change the direction of writing (UAX 9, table 4).
TURNING = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
BREAKING = frozenset({"Cc", "Zl", "Zp"})


def one_line(text: str) -> str:
    """Return the text without line breaks, control characters, and characters that change the direction of writing."""
    spaced = "".join(
        " " if unicodedata.category(character) in BREAKING else character
        for character in text
        if unicodedata.bidirectional(character) not in TURNING
    )
    return " ".join(spaced.split())
