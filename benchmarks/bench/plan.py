"""How long a run takes: the quick one for a look, the full one for the record."""

from dataclasses import dataclass

# What wrk keeps open: enough to keep every worker busy.
CONNECTIONS = 32
# Writes queue in the database; more at once would only wait there.
WRITERS = 16
HERD = 64
WATCHERS = 8
# Accounts of each target that sign in.
ACCOUNTS = 20
# Access tokens that are new to the server each time: more than any worker remembers.
NEW_TOKENS = 20_000


@dataclass(frozen=True)
class Plan:
    """Rounds, turns of what is measured side by side, and seconds of each measurement."""

    name: str
    rounds: int
    turns: int
    read_seconds: int
    write_seconds: int
    password_seconds: int
    herd_seconds: int
    few_accounts: int
    many_accounts: int
    # Sessions that are there to be ended: more than a measurement ends.
    sign_outs: int


QUICK = Plan("quick", 2, 14, 1, 2, 3, 3, 1_000, 100_000, 8_000)
FULL = Plan("full", 5, 28, 5, 5, 10, 10, 1_000, 1_000_000, 20_000)
PLANS = {plan.name: plan for plan in (QUICK, FULL)}
