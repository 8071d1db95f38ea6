"""What can go wrong with a session and its tokens."""

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
    """A cookie proves the person, but another site may have sent the request."""

    code = "cross_site_request"
    title = "Cross-site request"
    message = "This request must come from an allowed origin."


class AmbiguousCookie(Forbidden):
    """The request has two cookies of one name: another host of this domain may have set one of them."""

    code = "ambiguous_cookie"
    title = "Ambiguous cookie"
    message = "Your browser sends two cookies of one name. Please delete the cookies of this site."


class SessionNotFound(NotFound):
    """The account has no session with this id that goes on."""

    code = "session_not_found"
    title = "Session not found"
    message = "There is no such session."


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
