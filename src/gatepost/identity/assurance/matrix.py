"""The matrix: for every way in, every state of an account and every policy, what it takes to be signed in.

`outcome` is the rule that all ways in go through (`decision.py`). The rest describes the ways, states and policies that
there are, for docs/ways-in.md and for the test that walks through every cell.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gatepost.core.settings import SecondFactor
from gatepost.identity.factors.methods import BY_IDENTITY, Method, acr_of
from gatepost.identity.tokens.principal import Acr


class Outcome(StrEnum):
    """What comes of a proof."""

    SESSION = "a session"
    SECOND_FACTOR = "a second factor is asked for"
    ENROLMENT = "a second factor is set up first"


def outcome(acr: str, *, is_on_trusted_device: bool, has_second_factor: bool, requires_factor: bool) -> Outcome:
    """Return what comes of a proof that is as sure as `acr`: an enrolled factor is always wanted."""
    if acr != Acr.ONE_FACTOR or (has_second_factor and is_on_trusted_device):
        return Outcome.SESSION
    if has_second_factor:
        return Outcome.SECOND_FACTOR
    return Outcome.ENROLMENT if requires_factor else Outcome.SESSION


@dataclass(frozen=True, slots=True)
class Way:
    """A way in: its route, and what it proves. One that proves nothing opens no session by itself."""

    name: str
    route: str
    proves: tuple[Method, ...]
    # Whether it makes the account.
    is_new: bool = False

    @property
    def is_refresh(self) -> bool:
        """Whether a session goes on, which cannot be asked for more."""
        return self.route.endswith("/refreshtoken")


@dataclass(frozen=True, slots=True)
class State:
    """What an account has set up."""

    name: str
    methods: frozenset[Method]

    @property
    def has_second_factor(self) -> bool:
        """Whether it has more than a password."""
        return not self.methods.isdisjoint({Method.TOTP, Method.PASSKEY})


@dataclass(frozen=True, slots=True)
class Policy:
    """What the deployment wants of an account."""

    name: str
    second_factor: SecondFactor
    is_administrator: bool

    @property
    def requires_factor(self) -> bool:
        """Whether the account has to have a second factor."""
        of_administrators = self.second_factor is SecondFactor.REQUIRED_FOR_ADMINS and self.is_administrator
        return of_administrators or self.second_factor is SecondFactor.REQUIRED


PASSWORD_ONLY = State("a password alone", frozenset({Method.PASSWORD}))
STATES = (
    PASSWORD_ONLY,
    State("a password and an authenticator app", frozenset({Method.PASSWORD, Method.TOTP})),
    State("a password and a passkey", frozenset({Method.PASSWORD, Method.PASSKEY})),
    State("a passkey and no password", frozenset({Method.PASSKEY})),
    State("neither a password nor a second factor", frozenset()),
)
CALLBACK = "GET /api/auth/providers/{name}/callback"
REFRESH = "POST /api/auth/refreshtoken"
WAYS = (
    Way("password", "POST /api/auth/signin", (Method.PASSWORD,)),
    Way("password, as an OAuth form", "POST /api/auth/token", (Method.PASSWORD,)),
    Way("password on a trusted device", "POST /api/auth/signin", (Method.PASSWORD, Method.TRUSTED_DEVICE)),
    Way("passkey", "POST /api/auth/passkeys/signin", (Method.PASSKEY,)),
    Way("code or link by mail", "POST /api/auth/email-code/signin", (Method.EMAIL_CODE,)),
    Way(
        "code or link by mail on a trusted device",
        "POST /api/auth/email-code/signin",
        (Method.EMAIL_CODE, Method.TRUSTED_DEVICE),
    ),
    Way("another provider", CALLBACK, (Method.PROVIDER,)),
    Way("another provider on a trusted device", CALLBACK, (Method.PROVIDER, Method.TRUSTED_DEVICE)),
    Way("another provider that has proved two factors", CALLBACK, (Method.PROVIDER_FACTORS,)),
    Way("refresh of a session of a password", REFRESH, (Method.PASSWORD,)),
    Way("refresh of a session of a trusted device", REFRESH, (Method.PASSWORD, Method.TRUSTED_DEVICE)),
    Way("refresh of a session of a passkey", REFRESH, (Method.PASSKEY,)),
    Way("refresh of a session of a code by mail", REFRESH, (Method.EMAIL_CODE,)),
    Way("refresh of a session of another provider", REFRESH, (Method.PROVIDER,)),
    Way("refresh of a session of two factors of another provider", REFRESH, (Method.PROVIDER_FACTORS,)),
    Way("sign-up or invitation with a password", "POST /api/auth/signup", (Method.PASSWORD,), is_new=True),
    Way("sign-up or invitation with a passkey", "POST /api/auth/signup", (Method.PASSKEY,), is_new=True),
    Way("sign-up by a code by mail", "POST /api/auth/email-code/signin", (Method.EMAIL_CODE,), is_new=True),
    Way("sign-up or invitation with another provider", CALLBACK, (Method.PROVIDER,), is_new=True),
    Way("link that sets a new password", "POST /api/auth/password/reset", ()),
)
POLICIES = (
    Policy("`optional` (or `off`)", SecondFactor.OPTIONAL, is_administrator=False),
    Policy("`required_for_admins`, for the others", SecondFactor.REQUIRED_FOR_ADMINS, is_administrator=False),
    Policy("`required_for_admins`, for administrators", SecondFactor.REQUIRED_FOR_ADMINS, is_administrator=True),
    Policy("`required`", SecondFactor.REQUIRED, is_administrator=False),
)


def cells() -> Iterator[tuple[Way, State, Policy, Outcome | None]]:
    """Yield every cell that there can be; None where the way opens no session."""
    for way in WAYS:
        for state in STATES:
            for policy in POLICIES:
                if _can_be(way, state, policy):
                    yield way, state, policy, _outcome(way, state, policy)


def _can_be(way: Way, state: State, policy: Policy) -> bool:
    """Whether an account of this state can come this way. A new account has what it was made with.

    Every account has a mailbox, and with it a code; and every one can be linked with another provider.
    """
    needs = set(way.proves) - {Method.TRUSTED_DEVICE, Method.EMAIL_CODE, *BY_IDENTITY}
    if way.is_new:
        # By signing up nobody is an administrator.
        return state.methods == needs and not policy.is_administrator
    has = needs <= state.methods
    return has and (Method.TRUSTED_DEVICE not in way.proves or state.has_second_factor)


def _outcome(way: Way, state: State, policy: Policy) -> Outcome | None:
    if not way.proves:
        return None
    return outcome(
        acr_of(way.proves, last=way.proves),
        is_on_trusted_device=Method.TRUSTED_DEVICE in way.proves,
        has_second_factor=state.has_second_factor,
        requires_factor=policy.requires_factor,
    )
