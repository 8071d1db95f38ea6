"""Asked too often."""

from gatepost.core.errors import TooMany


class TooManyAttempts(TooMany):
    """Too many wrong passwords for this account, from this address or on this device; the wait grows with each."""

    code = "too_many_attempts"
    title = "Too many attempts"
    message = "Too many attempts. Please try again later."
    oauth = "invalid_grant"


class TooManyRequests(TooMany):
    """This was asked for too often from this address."""

    code = "too_many_requests"
    title = "Too many requests"
    message = "This was asked for too often. Please try again later."
