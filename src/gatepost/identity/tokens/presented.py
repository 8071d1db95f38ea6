"""Classifies refresh tokens that could not be exchanged as the current token of a live session."""

from datetime import datetime, timedelta
from enum import Enum, auto

from gatepost.identity.tokens.refresh_tokens import RefreshTicket
from gatepost.identity.tokens.subject import TokenSubject


class Presented(Enum):
    """The state of a presented refresh token."""

    CURRENT = auto()
    JUST_REPLACED = auto()
    REUSED = auto()
    EXPIRED = auto()
    UNKNOWN = auto()


def classify(ticket: RefreshTicket, subject: TokenSubject, *, grace: timedelta, now: datetime) -> Presented:
    """Compare a refresh token with the session that it names."""
    if subject.ended_at is not None or ticket.generation > subject.generation:
        return Presented.UNKNOWN
    if subject.expires_at <= now:
        return Presented.EXPIRED
    if ticket.generation == subject.generation:
        return Presented.CURRENT
    is_previous = ticket.generation == subject.generation - 1
    if is_previous and now - subject.rotated_at <= grace:
        return Presented.JUST_REPLACED
    return Presented.REUSED
