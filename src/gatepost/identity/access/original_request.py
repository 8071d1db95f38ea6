"""The request that a reverse proxy asks about before it lets it through, as far as its headers tell."""

import re
from collections.abc import Iterable, Sequence

from gatepost.identity.access.errors import AmbiguousOriginalRequest
from gatepost.identity.sessions.cookies import SAFE_METHODS

# nginx; Traefik and Caddy.
METHODS = ("x-original-method", "x-forwarded-method")
ADDRESSES = ("x-original-uri", "x-forwarded-uri")
# What a proxy hands on about the person. Many an app reads other characters as hyphens: WSGI and CGI know no others.
OF_PERSON = ("x-user-id", "x-user-name", "x-user-roles")
NOT_OF_NAME = re.compile("[^a-z0-9]")
# Of the offer to change to another protocol. A browser makes it for pages of every site, to open a WebSocket; where a
# proxy keeps `Upgrade` to itself, the others tell.
OFFER = "upgrade"
OF_WEBSOCKETS = "sec-websocket-"

Said = Sequence[tuple[str, str]]


def may_change_something(method: str, headers: Iterable[tuple[str, str]]) -> bool:
    """Whether the original request may change something, which it does unless the proxy says that it only looks.

    One that opens a connection is none that only looks: nobody asks about what is said there.
    `method` is that by which the proxy asks, and the names of the headers are in small letters.

    Nothing that these headers say makes a request of ours pass: they are read for this question alone, whose answer
    is of use to nobody but the proxy that asks. Where it lets those of its clients through, they can only contradict.

    Raises:
        AmbiguousOriginalRequest: they name two methods or two addresses, or an app may read one as our word.
    """
    said = list(headers)
    _require_clear(said)
    methods = _values(said, METHODS)
    # A proxy that asks with the method of the original is taken at its word too, but a GET may be only how it asks.
    return not methods or not methods <= SAFE_METHODS or method not in SAFE_METHODS or _opens_connection(said)


def _require_clear(said: Said) -> None:
    is_disguised = any(name not in OF_PERSON and NOT_OF_NAME.sub("-", name) in OF_PERSON for name, _ in said)
    if is_disguised or len(_values(said, METHODS)) > 1 or len(_values(said, ADDRESSES)) > 1:
        raise AmbiguousOriginalRequest


def _opens_connection(said: Said) -> bool:
    # Not `Upgrade-Insecure-Requests`, which browsers send with every page that they open.
    names = [name for name, _ in said]
    is_offered = OFFER in names or any(name.startswith(OF_WEBSOCKETS) for name in names)
    return is_offered or ("sec-fetch-mode", "websocket") in said


def _values(said: Said, names: Sequence[str]) -> set[str]:
    return {value for name, value in said if name in names}
