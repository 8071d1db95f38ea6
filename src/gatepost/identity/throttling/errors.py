"""Errors for too many attempts or requests."""

from gatepost.core.errors import TooMany


class TooManyAttempts(TooMany):
    """Too many wrong passwords: for this account, from this address, or on this device. The wait grows with each
    attempt.
    """

    code = "too_many_attempts"
    title = "Too many attempts"
    message = "Too many attempts. Please try again later."
    oauth = "invalid_grant"


class TooManyRequests(TooMany):
    """Too many requests of this kind from this address."""

    code = "too_many_requests"
    title = "Too many requests"
    message = "Too many requests. Please try again later."
