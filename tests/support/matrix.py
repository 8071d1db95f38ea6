"""docs/ways-in.md, as the code has it: `python -m tests.support.matrix > docs/ways-in.md`."""

from gatepost.identity.assurance.matrix import POLICIES, STATES, WAYS, Outcome, Way, cells

HEAD = """# What it takes to sign in

For every way in, every state of an account and every setting of `SECOND_FACTOR`. This page is made from the code that
decides (`identity/assurance/matrix.py`), and `tests/features/signin/test_matrix.py` walks through every cell over HTTP.

- **session**: the answer has tokens.
- **factor**: 401 `second_factor_required` with `methods`. `POST /api/auth/signin/continue` accepts one of them.
- **set up**: 401 `second_factor_required` with `enrolMethods`. `POST /api/auth/signin/totp` returns a secret for an
  authenticator app, and `continue` accepts its first code; or `POST /api/auth/signin/passkey` returns options for a
  passkey, and `continue` accepts what the browser has made.
- **refused**: 403 `refresh_token_invalid`. The person signs in again, by a way that opens a session.
- **sign in**: no tokens. The person signs in next.
- –: there is no such case.

From another provider the browser is led on: with a session to where the person wanted to be; else to the sign-in page
with `outcome=second_factor`, and `POST /api/auth/providers/continue` gives one of these answers. Every account can be
linked with another provider. One that "has proved two factors" is believed by its settings.

The OAuth form answers `mfa_required` with `mfa_token` instead. An account that is disabled, or whose address
has to be verified first (`EMAIL_VERIFICATION=required`), gets no session by any way. A factor is set up only after the
address is verified, unless `EMAIL_VERIFICATION=off`.
"""
SHORT = {Outcome.SESSION: "session", Outcome.SECOND_FACTOR: "**factor**", Outcome.ENROLMENT: "**set up**"}


def page() -> str:
    """Return the page."""
    found = {(way, state, policy): outcome for way, state, policy, outcome in cells()}
    parts = [HEAD]
    for policy in POLICIES:
        parts += [f"## `SECOND_FACTOR`: {policy.name}\n", f"| way in | {' | '.join(state.name for state in STATES)} |"]
        parts.append("|---" * (len(STATES) + 1) + "|")
        for way in WAYS:
            row = [short(way, found[key]) if (key := (way, state, policy)) in found else "–" for state in STATES]
            parts.append(f"| {way.name} (`{way.route}`) | {' | '.join(row)} |")
        parts.append("")
    return "\n".join(parts)


def short(way: Way, outcome: Outcome | None) -> str:
    """Return a cell of the page."""
    if outcome is None:
        return "sign in"
    is_refused = way.is_refresh and outcome is not Outcome.SESSION
    return "**refused**" if is_refused else SHORT[outcome]


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201  it is the output
