"""Sees what a process does beside its work: sockets, look-ups of names, programs, files."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

WATCHED = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "subprocess.Popen", "os.system", "os.exec",
           "os.posix_spawn", "urllib.Request")  # fmt: skip

_seen: list[list[str]] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _seen and event in WATCHED:
        for witness in _seen:
            witness.append(f"{event} {arguments!r}"[:200])


@contextmanager
def witness() -> Iterator[list[str]]:
    """Give the list of what is done meanwhile; hooks cannot be taken back, so there is one for all."""
    if _hook not in _installed:
        sys.addaudithook(_hook)
        _installed.append(_hook)
    events: list[str] = []
    _seen.append(events)
    try:
        yield events
    finally:
        _seen.remove(events)


_installed: list[Any] = []
