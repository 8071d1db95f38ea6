"""What an account's state is called."""

from enum import StrEnum

from gatepost.identity.accounts.models import User


class State(StrEnum):
    """Whether an account can be signed in to."""

    ACTIVE = "active"
    DISABLED = "disabled"
    DELETING = "deleting"


def state_of(user: User) -> State:
    """Return an account's state; who is disabled and wants to be deleted is disabled."""
    if user.disabled_at is not None:
        return State.DISABLED
    return State.ACTIVE if user.erase_at is None else State.DELETING
