"""One guess, and what a sign-in selects about it in the same query as the account."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, ScalarSelect, bindparam, exists, select

from gatepost.identity.accounts.models import User
from gatepost.identity.sessions.models import Session
from gatepost.identity.throttling.counters import OF_PASSWORDS, Counter, CounterKind
from gatepost.identity.throttling.devices import Device
from gatepost.identity.throttling.models import GuessCounter


@dataclass(frozen=True, slots=True)
class Guess:
    """One guess, before it is known whether an account has the name, with all counters that may be used."""

    name: Counter
    address: Counter
    place: Counter
    device: Counter
    session: Counter
    known: Device
    client_address: str

    def values(self) -> dict[str, Any]:
        """Return the parameters of `GUESS_COLUMNS`."""
        counters = (self.name, self.address, self.place, self.device, self.session)
        return {
            **{f"{counter.kind}_counter": counter.subject for counter in counters},
            "known_session": self.known.session_id,
            "client_address": self.client_address,
        }


def _blocked_until(kind: CounterKind) -> ScalarSelect[Any]:
    subject: BindParameter[str] = bindparam(f"{kind}_counter")
    return select(GuessCounter.blocked_until).where(GuessCounter.subject == subject).scalar_subquery()


# Selected in the same query as the account of an attempt, for `Guesses.admit`.
GUESS_COLUMNS: tuple[ScalarSelect[Any], ...] = (
    *map(_blocked_until, OF_PASSWORDS),
    select(Session.id)
    .where(Session.id == bindparam("known_session"), Session.user_id == User.id, Session.ended_at.is_(None))
    .correlate(User)
    .scalar_subquery(),
    select(Session.id)
    .where(Session.user_id == User.id, Session.address == bindparam("client_address"))
    .limit(1)
    .correlate(User)
    .scalar_subquery(),
)

# Whether any of the counters in `Guesses.guard_params` exists.
ANY_COUNTED: ColumnElement[bool] = exists().where(GuessCounter.subject.in_(bindparam("counted", expanding=True)))
