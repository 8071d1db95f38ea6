"""What can go wrong with one's own second factors."""

from gatepost.core.errors import Conflict, Forbidden


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


class WrongCode(Forbidden):
    """The code is not of the secret that was shown, or that was longer ago than an hour."""

    code = "wrong_code"
    title = "Wrong code"
    message = "The code is wrong. Please try the next one."
