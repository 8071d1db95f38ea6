"""Names a device after its User-Agent.

Knows the few programs and systems that people sign in from; a complete list would take 30 MiB in every worker.
"""

import re
from functools import lru_cache

UNKNOWN = "Unknown device"
LONGEST = 100
# The first match counts: most programs also name others that they want to be taken for.
PROGRAMS = {
    "Edg/": "Edge", "EdgA/": "Edge Mobile", "EdgiOS/": "Edge Mobile", "OPR/": "Opera", "OPT/": "Opera Touch",
    "SamsungBrowser/": "Samsung Internet", "Vivaldi/": "Vivaldi", "YaBrowser/": "Yandex Browser",
    "DuckDuckGo/": "DuckDuckGo", "Ddg/": "DuckDuckGo", "UCBrowser/": "UC Browser", "Instagram ": "Instagram",
    "FBAN/": "Facebook", "Electron/": "Electron", "HeadlessChrome/": "Chrome, headless", "FxiOS/": "Firefox",
    "Firefox/": "Firefox", "CriOS/": "Chrome", "Chrome/": "Chrome", "Version/": "Safari",
    "Trident/": "Internet Explorer",
}  # fmt: skip
SYSTEMS = {
    "Windows": "Windows", "iPhone": "iOS", "iPad": "iPadOS", "iPod": "iOS", "Android": "Android", "CrOS": "Chrome OS",
    "Darwin": "Apple", "Mac OS X": "macOS", "Macintosh": "macOS", "Ubuntu": "Ubuntu", "Fedora": "Fedora",
    "Debian": "Debian", "FreeBSD": "FreeBSD", "Linux": "Linux", "X11": "Linux",
}  # fmt: skip
# An app or a library: `MyApp/1.2 (…)`; browsers start with Mozilla. Only one word, because anybody can send it and
# mails contain it.
OWN_NAME = re.compile(r"([A-Za-z][\w+-]{0,31})/\d", re.ASCII)
NO_NAME = "Mozilla"


@lru_cache(maxsize=1024)
def describe(user_agent: str) -> str:
    """Return for example `Firefox on Ubuntu`, or `Unknown device` if the text says nothing."""
    return _words(user_agent)[:LONGEST]


def _words(user_agent: str) -> str:
    program = next((name for mark, name in PROGRAMS.items() if mark in user_agent), None) or _own_name(user_agent)
    system = next((name for mark, name in SYSTEMS.items() if mark in user_agent), None)
    match program, system:
        case None, None:
            return UNKNOWN
        case str(), str():
            return f"{program} on {system}"
        case _:
            return program or system or UNKNOWN


def _own_name(user_agent: str) -> str | None:
    found = OWN_NAME.match(user_agent)
    return found[1] if found and found[1] != NO_NAME else None
