"""What can go wrong with a token."""

from gatepost.core.errors import Forbidden, Unauthorized, Unavailable


class TokenMissing(Unauthorized):
    """No access token was sent."""

    code = "token_missing"
    title = "Access token missing"
    message = "Unauthorized!"


class TokenInvalid(Unauthorized):
    """What was sent is not an access token of ours."""

    code = "token_invalid"
    title = "Access token invalid"
    message = "Unauthorized!"


class TokenExpired(Unauthorized):
    """The access token was good, until its time was over."""

    code = "token_expired"
    title = "Access token expired"
    message = "Unauthorized!"


class TokenRevoked(Unauthorized):
    """The session of the access token has ended."""

    code = "token_revoked"
    title = "Access token revoked"
    message = "Unauthorized!"


class TokenStale(Unauthorized):
    """The account has changed since the access token was issued; a refresh gives one that is true again."""

    code = "token_stale"
    title = "Access token stale"
    message = "Unauthorized!"


class RevocationUnknown(Unavailable):
    """What was revoked could not be read for so long that no access token can be trusted."""

    code = "revocation_unknown"
    title = "Revocation unknown"
    message = "The service is busy. Please try again."


class RefreshTokenRequired(Forbidden):
    """No refresh token was sent."""

    code = "refresh_token_required"
    title = "Refresh token required"
    message = "Refresh Token is required!"


class RefreshTokenInvalid(Forbidden):
    """It is not a refresh token of a session that goes on."""

    code = "refresh_token_invalid"
    title = "Refresh token invalid"
    message = "Refresh token is not valid!"
    oauth = "invalid_grant"


class RefreshTokenReplaced(RefreshTokenInvalid):
    """A later sign-in of the same browser has ended its session; the cookies are that one's by now."""


class RefreshTokenReused(Forbidden):
    """The refresh token was used before, so two hold it; the session has ended."""

    code = "refresh_token_reused"
    title = "Refresh token reused"
    message = "Refresh token is not valid!"
    oauth = "invalid_grant"


class RefreshTokenExpired(Forbidden):
    """The session has ended by itself."""

    code = "refresh_token_expired"
    title = "Refresh token expired"
    message = "Refresh token was expired. Please make a new signin request"
    oauth = "invalid_grant"
