"""Errors of second factors, whoever asks."""

from gatepost.core.errors import Conflict, Forbidden, NotFound


class NoSecondFactor(NotFound):
    """The account has no second factor."""

    code = "no_second_factor"
    title = "No second factor"
    message = "This account has no second factor."


class FactorUnreadable(Conflict):
    """The service cannot read what it has stored of this second factor. The other ones of the account work, and so does
    this one after the operator has put back the key. Nothing was counted or used up.
    """

    code = "factor_unreadable"
    title = "Second factor unreadable"
    message = "This second factor cannot be read at the moment. Use another one, or ask an administrator."


class SecondFactorsOff(Forbidden):
    """The deployment has no second factors (SECOND_FACTOR)."""

    code = "second_factors_off"
    title = "Second factors off"
    message = "Second factors are not in use here."


class TotpEnrolled(Conflict):
    """The account has an authenticator app already; another one takes its place once it is removed."""

    code = "totp_enrolled"
    title = "Authenticator app set up"
    message = "An authenticator app is set up already. Remove it first."
