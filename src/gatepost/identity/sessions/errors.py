"""Errors of sessions and their tokens."""

from gatepost.core.errors import Forbidden, NotFound
from gatepost.identity.tokens.errors import (
    RevocationUnknown,
    TokenExpired,
    TokenInvalid,
    TokenMissing,
    TokenRevoked,
    TokenStale,
)


class CrossSiteRequest(Forbidden):
    """The request is authenticated by a cookie, but may have been sent by another site."""

    code = "cross_site_request"
    title = "Cross-site request"
    message = "This request must come from an allowed origin."


class AmbiguousCookie(Forbidden):
    """The request has two cookies with the same name. Another host of this domain may have set one of them."""

    code = "ambiguous_cookie"
    title = "Ambiguous cookie"
    message = "Your browser sent two cookies with the same name. Please delete the cookies of this site."


class SessionNotFound(NotFound):
    """The account has no active session with this id."""

    code = "session_not_found"
    title = "Session not found"
    message = "This session does not exist."


ACCESS_TOKEN_ERRORS = (
    TokenMissing,
    TokenInvalid,
    TokenExpired,
    TokenRevoked,
    TokenStale,
    RevocationUnknown,
    CrossSiteRequest,
    AmbiguousCookie,
)
