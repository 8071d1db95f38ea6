"""What a process knows of the revocation feed, and since when."""

from datetime import UTC, datetime, timedelta

import pytest

from gatepost.identity.tokens.errors import TokenRevoked
from gatepost.identity.tokens.principal import ClientPrincipal
from gatepost.identity.tokens.revocation_list import RevocationEntry, RevocationList

BEGAN = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_slow_reading_that_began_before_another_takes_nothing_back() -> None:
    known = RevocationList(max_staleness=timedelta(seconds=30))
    later = BEGAN + timedelta(minutes=1)
    known.mark_read(at=later, elapsed=timedelta(minutes=1))
    known.mark_read(at=BEGAN, elapsed=timedelta())

    assert known.age_seconds(now=later) == 0
    assert not known.is_stale(now=later + timedelta(seconds=30))
    assert known.is_stale(now=later + timedelta(seconds=31))


def test_clock_that_is_set_back_is_followed() -> None:
    known = RevocationList(max_staleness=timedelta(seconds=30))
    known.mark_read(at=BEGAN, elapsed=timedelta())
    known.mark_read(at=BEGAN - timedelta(hours=1), elapsed=timedelta(seconds=1))

    assert known.age_seconds(now=BEGAN - timedelta(hours=1)) == 0


def test_token_of_a_program_ends_with_its_session_and_knows_no_account() -> None:
    known = RevocationList(max_staleness=timedelta(seconds=30))
    known.mark_read(at=BEGAN, elapsed=timedelta())
    ends = BEGAN + timedelta(hours=1)
    program = ClientPrincipal(client_id="reports", scope=(), session_id=7, issued_at=BEGAN, expires_at=ends)
    known.note(RevocationEntry(id=1, user_id=7, min_token_version=3, expires_at=ends), elapsed=None)
    known.check(program, now=BEGAN)

    known.note(RevocationEntry(id=2, session_id=7, expires_at=ends), elapsed=None)

    with pytest.raises(TokenRevoked):
        known.check(program, now=BEGAN)
