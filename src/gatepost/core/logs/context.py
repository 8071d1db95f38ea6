"""What is known about the current request, for its log line and for all lines written meanwhile."""

from contextvars import ContextVar
from enum import StrEnum
from typing import Any

# The `state` of the ASGI scope; empty outside a request.
REQUEST: ContextVar[dict[str, Any]] = ContextVar("gatepost_request")
NOBODY: dict[str, Any] = {}


class Act(StrEnum):
    """What a request attempts, whichever route it uses; its outcomes are counted."""

    SIGN_IN = "sign_in"
    REFRESH = "refresh"


def note_user(user_id: int) -> None:
    """Remember whose request this is."""
    state = REQUEST.get(None)
    if state is not None:
        state["user_id"] = user_id


def note_act(act: Act) -> None:
    """Remember what the request attempts, so that its outcome is counted."""
    state = REQUEST.get(None)
    if state is not None:
        state["act"] = act
