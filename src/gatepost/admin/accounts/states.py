"""The state of an account."""

from enum import StrEnum

from gatepost.identity.accounts.models import User


class State(StrEnum):
    """Whether people can sign in to an account."""

    ACTIVE = "active"
    DISABLED = "disabled"
    DELETING = "deleting"


def state_of(user: User) -> State:
    """Return the state of an account. A disabled account with a pending deletion is `disabled`."""
    if user.disabled_at is not None:
        return State.DISABLED
    return State.ACTIVE if user.erase_at is None else State.DELETING
