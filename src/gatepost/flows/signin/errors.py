"""What can go wrong while signing in."""

from gatepost.core.errors import BadRequest, Unauthorized


class InvalidCredentials(Unauthorized):
    """No account has this name with this password; which of the two is wrong is not told."""

    code = "invalid_credentials"
    title = "Invalid credentials"
    message = "Invalid username or password!"
    oauth = "invalid_grant"


class UnsupportedGrantType(BadRequest):
    """The token endpoint knows `password` and `refresh_token`."""

    code = "unsupported_grant_type"
    title = "Unsupported grant type"
    message = "grant_type must be password or refresh_token."
    oauth = "unsupported_grant_type"


class GrantIncomplete(BadRequest):
    """The form lacks a field that its grant type needs."""

    code = "grant_incomplete"
    title = "Grant incomplete"
    message = "The form lacks a field that this grant_type needs."
