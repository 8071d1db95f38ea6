"""Errors of second factors, whoever asks."""

from gatepost.core.errors import NotFound


class NoSecondFactor(NotFound):
    """The account has no second factor."""

    code = "no_second_factor"
    title = "No second factor"
    message = "This account has no second factor."
