"""What can go wrong while signing in, by whatever method."""

from gatepost.core.errors import Unauthorized


class InvalidCredentials(Unauthorized):
    """No account has this name with this password; which of the two is wrong is not told."""

    code = "invalid_credentials"
    title = "Invalid credentials"
    message = "Invalid username or password!"
    oauth = "invalid_grant"
