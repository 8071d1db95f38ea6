"""How sign-ins with other providers end, as the pages learn it."""

from enum import StrEnum

from gatepost.core.errors import AppError, Forbidden, Unavailable
from gatepost.flows.signin.providers.errors import AccountExists, EmailNeeded
from gatepost.identity.accounts.errors import (
    AccountDisabled,
    EmailUnverified,
    InvitationInvalid,
    InvitationRequired,
    SignUpClosed,
)
from gatepost.identity.assurance.errors import SecondFactorRequired
from gatepost.identity.credentials.external.errors import IdentityLinked, IdentityTaken
from gatepost.identity.tokens.errors import SecondFactorDue, TokenRevoked
from gatepost.identity.tokens.step_up import StepUpRequired


class Outcome(StrEnum):
    """What came of it, as the page that the browser is led to learns it."""

    SECOND_FACTOR = "second_factor"
    ACCOUNT_EXISTS = "account_exists"
    EMAIL_NEEDED = "email_needed"
    DENIED = "denied"
    FAILED = "failed"
    UNAVAILABLE = "unavailable"
    EXPIRED = "expired"
    SIGN_UP_CLOSED = "sign_up_closed"
    ACCOUNT_DISABLED = "account_disabled"
    EMAIL_UNVERIFIED = "email_unverified"
    LINKED = "linked"
    LINKED_ELSEWHERE = "linked_elsewhere"
    ALREADY_LINKED = "already_linked"
    REAUTHENTICATED = "reauthenticated"
    REAUTHENTICATION_FAILED = "reauthentication_failed"


class ReauthenticationFailed(Forbidden):
    """The provider does not say that the person has just signed in there, or it is somebody else."""

    message = "The provider has not confirmed who you are."


# Those that are not here are a failure.
OUTCOMES: dict[type[AppError], Outcome] = {
    SecondFactorDue: Outcome.SECOND_FACTOR,
    SecondFactorRequired: Outcome.SECOND_FACTOR,
    AccountExists: Outcome.ACCOUNT_EXISTS,
    EmailNeeded: Outcome.EMAIL_NEEDED,
    SignUpClosed: Outcome.SIGN_UP_CLOSED,
    InvitationRequired: Outcome.SIGN_UP_CLOSED,
    InvitationInvalid: Outcome.SIGN_UP_CLOSED,
    AccountDisabled: Outcome.ACCOUNT_DISABLED,
    EmailUnverified: Outcome.EMAIL_UNVERIFIED,
    IdentityTaken: Outcome.LINKED_ELSEWHERE,
    IdentityLinked: Outcome.ALREADY_LINKED,
    TokenRevoked: Outcome.EXPIRED,
    StepUpRequired: Outcome.REAUTHENTICATION_FAILED,
    ReauthenticationFailed: Outcome.REAUTHENTICATION_FAILED,
}


def outcome_of(error: AppError) -> Outcome:
    """Return what a page is told of an error."""
    unknown = Outcome.UNAVAILABLE if isinstance(error, Unavailable) else Outcome.FAILED
    return OUTCOMES.get(type(error), unknown)
