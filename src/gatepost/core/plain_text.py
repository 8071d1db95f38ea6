"""Text of others on a line of ours: nothing in it moves a cursor, ends the line or turns its direction."""

import unicodedata

# What turns the direction of writing (UAX 9, table 4).
TURNING = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
BREAKING = frozenset({"Cc", "Zl", "Zp"})


def one_line(text: str) -> str:
    """Return text without line breaks, control characters, and marks that turn the direction of writing."""
    spaced = "".join(
        " " if unicodedata.category(character) in BREAKING else character
        for character in text
        if unicodedata.bidirectional(character) not in TURNING
    )
    return " ".join(spaced.split())
