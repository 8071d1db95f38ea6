"""Step-up authentication (RFC 9470): how recently and at which level the caller of a route must have authenticated."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatepost.core.errors import Unauthorized
from gatepost.identity.tokens.principal import Acr, UserPrincipal

FRESH_FOR = timedelta(minutes=5)
# From the lowest level. Unknown values come from later versions, and count as the lowest level.
ORDER: Sequence[str] = tuple(Acr)


class StepUpRequired(Unauthorized):
    """The access token is valid, but the route needs a more recent or a stronger proof of identity.

    `POST /api/auth/reauthenticate` takes the proof, by one of `methods` if they are given, and answers with an access
    token for the same request. `maxAge` is in seconds, and one of `acrValues` is needed.
    """

    code = "step_up_required"
    title = "Step-up required"
    message = "Please confirm that it is you."

    def __init__(self, *, max_age: timedelta | None, acr_values: Sequence[str], methods: Sequence[str] = ()) -> None:
        seconds = None if max_age is None else int(max_age.total_seconds())
        parts = ['error="insufficient_user_authentication"', f'error_description="{self.message}"']
        parts += [f'acr_values="{" ".join(acr_values)}"'] if acr_values else []
        parts += [f'max_age="{seconds}"'] if seconds is not None else []
        super().__init__(headers={"WWW-Authenticate": f"Bearer {', '.join(parts)}"})
        members = {"maxAge": seconds, "acrValues": list(acr_values), "methods": list(methods)}
        self.members = {name: value for name, value in members.items() if value not in (None, [])}


@dataclass(frozen=True, slots=True)
class Demand:
    """The maximum age of the last authentication, and the minimum level; None means no requirement."""

    max_age: timedelta | None = None
    acr: Acr | None = None

    def require(self, principal: UserPrincipal, *, now: datetime, methods: Sequence[str] = ()) -> None:
        """Check that a token meets the demand.

        Raises:
            StepUpRequired: it does not; `methods` are those with which the person can authenticate.
        """
        is_fresh = self.max_age is None or now - principal.authenticated_at <= self.max_age
        if not is_fresh or _rank(principal.acr) < _rank(self.acr):
            raise self.refusal(methods)

    def refusal(self, methods: Sequence[str] = ()) -> StepUpRequired:
        """Return the error for a token that does not meet the demand."""
        acr_values = ORDER[_rank(self.acr) :] if self.acr is not None else ()
        return StepUpRequired(max_age=self.max_age, acr_values=acr_values, methods=methods)


def weaker(one: str, other: str) -> str:
    """Return which of two `acr` says less."""
    return min(one, other, key=_rank)


def _rank(acr: str | None) -> int:
    return ORDER.index(acr) if acr in ORDER else 0
