"""A device in words, from its User-Agent."""

from functools import lru_cache

from ua_parser import parse

UNKNOWN = "Unknown device"
LONGEST = 100


@lru_cache(maxsize=1024)
def describe(user_agent: str) -> str:
    """Return for example `Firefox on Ubuntu`, or `Unknown device` where the text tells nothing."""
    return _words(user_agent)[:LONGEST]


def _words(user_agent: str) -> str:
    found = parse(user_agent)
    program = found.user_agent.family if found.user_agent else None
    system = found.os.family if found.os else None
    match program, system:
        case None, None:
            return UNKNOWN
        case str(), str():
            return f"{program} on {system}"
        case _:
            return program or system or UNKNOWN
