"""The original request in forward authentication, as described by the headers of the reverse proxy."""

import re
from collections.abc import Iterable, Sequence

from gatepost.identity.access.errors import AmbiguousOriginalRequest
from gatepost.identity.sessions.cookies import SAFE_METHODS

# nginx; Traefik and Caddy.
METHODS = ("x-original-method", "x-forwarded-method")
ADDRESSES = ("x-original-uri", "x-forwarded-uri")
# The headers about the person that a proxy passes on. Many apps read other characters as hyphens, as WSGI and CGI do.
OF_PERSON = ("x-user-id", "x-user-name", "x-user-roles")
NOT_OF_NAME = re.compile("[^a-z0-9]")
# The offer of a protocol upgrade. Browsers make it for pages of any site, to open a WebSocket. If the proxy does not
# forward `Upgrade`, the other headers reveal it.
OFFER = "upgrade"
OF_WEBSOCKETS = "sec-websocket-"

Said = Sequence[tuple[str, str]]


def may_change_something(method: str, headers: Iterable[tuple[str, str]]) -> bool:
    """Whether the original request may change something. It does, unless the proxy says that it has a safe method.

    A request that opens a WebSocket may change something too, because nobody checks what is sent over it later.
    `method` is the method of the proxy's own request, and header names are in lower case.

    These headers do not affect our other requests: they are only read for this check, whose answer is only useful to
    the proxy. If the proxy forwards its clients' headers, those can only cause a refusal.

    Raises:
        AmbiguousOriginalRequest: they name two methods or two URIs, or an app might take one for a header of ours.
    """
    said = list(headers)
    _require_clear(said)
    methods = _values(said, METHODS)
    # The proxy's own method counts too, because some use the original one; but a GET may just be how the proxy asks.
    return not methods or not methods <= SAFE_METHODS or method not in SAFE_METHODS or _opens_connection(said)


def _require_clear(said: Said) -> None:
    is_disguised = any(name not in OF_PERSON and NOT_OF_NAME.sub("-", name) in OF_PERSON for name, _ in said)
    if is_disguised or len(_values(said, METHODS)) > 1 or len(_values(said, ADDRESSES)) > 1:
        raise AmbiguousOriginalRequest


def _opens_connection(said: Said) -> bool:
    # Exact names: browsers send `Upgrade-Insecure-Requests` with every page that they open.
    names = [name for name, _ in said]
    is_offered = OFFER in names or any(name.startswith(OF_WEBSOCKETS) for name in names)
    return is_offered or ("sec-fetch-mode", "websocket") in said


def _values(said: Said, names: Sequence[str]) -> set[str]:
    return {value for name, value in said if name in names}
