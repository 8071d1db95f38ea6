"""Errors of tokens."""

from gatepost.core.errors import Forbidden, Unauthorized, Unavailable


class TokenMissing(Unauthorized):
    """No access token was sent."""

    code = "token_missing"
    title = "Access token missing"
    message = "Unauthorized!"


class TokenInvalid(Unauthorized):
    """The token that was sent is not an access token of this service."""

    code = "token_invalid"
    title = "Access token invalid"
    message = "Unauthorized!"


class TokenExpired(Unauthorized):
    """The access token has expired."""

    code = "token_expired"
    title = "Access token expired"
    message = "Unauthorized!"


class TokenRevoked(Unauthorized):
    """The session of the access token has ended."""

    code = "token_revoked"
    title = "Access token revoked"
    message = "Unauthorized!"


class TokenStale(Unauthorized):
    """The account has changed since the access token was issued. Refresh it to get a current one."""

    code = "token_stale"
    title = "Access token stale"
    message = "Unauthorized!"


class RevocationUnknown(Unavailable):
    """The service could not read the revocations for so long that no access token can be trusted."""

    code = "revocation_unknown"
    title = "Revocation unknown"
    message = "The service is busy. Please try again."


class RefreshTokenRequired(Forbidden):
    """No refresh token was sent."""

    code = "refresh_token_required"
    title = "Refresh token required"
    message = "Refresh Token is required!"


class RefreshTokenInvalid(Forbidden):
    """The refresh token belongs to no active session."""

    code = "refresh_token_invalid"
    title = "Refresh token invalid"
    message = "Refresh token is not valid!"
    oauth = "invalid_grant"


class RefreshTokenReplaced(RefreshTokenInvalid):
    """A later sign-in in the same browser has ended the session and replaced the cookies."""


class SecondFactorDue(RefreshTokenInvalid):
    """The session was opened with one factor, and the account needs two by now."""


class RefreshTokenReused(Forbidden):
    """The refresh token was used before. It may have been stolen, so the session has ended."""

    code = "refresh_token_reused"
    title = "Refresh token reused"
    message = "Refresh token is not valid!"
    oauth = "invalid_grant"


class RefreshTokenExpired(Forbidden):
    """The session has expired."""

    code = "refresh_token_expired"
    title = "Refresh token expired"
    message = "Refresh token was expired. Please make a new signin request"
    oauth = "invalid_grant"
