"""Values written into the tables by hand stop no background work and no command."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from tests.conftest import MakeServices, MakeSettings
from tests.features.audit.conftest import Sql, sql
from tests.support.api import Api
from tests.support.clock import FakeClock
from tests.support.commands import run_command

pytestmark = pytest.mark.both_databases

__all__ = ["sql"]

# Only SQLite keeps bytes that are no text, and texts where moments and numbers are to be.
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NO_TEXT = "CAST(X'ff' AS TEXT)"
NO_MOMENTS = ("'x'", "''", "0", NO_TEXT, "X'ff'", "'2026-02-31 00:00:00.000000'")


async def plant_key(sql: Sql, *, pem: str = "'\u00e9'", created_at: str = "'2026-01-01 00:00:00.000000'") -> None:
    """Add a signing key that nobody can open."""
    await sql(
        "INSERT INTO signing_keys (kid, algorithm, slot, encrypted_pem, created_at) "
        f"VALUES ('planted', 'RS256', 'RS256:next', {pem}, {created_at})"
    )


@pytest.mark.parametrize("pem", ["'\u00e9'", "'x'", "(SELECT encrypted_pem FROM signing_keys AS k LIMIT 1)"])
async def test_signing_key_that_cannot_be_opened_is_left_out(
    services: Services, make_services: MakeServices, clock: FakeClock, sql: Sql, pem: str
) -> None:
    await services.start()
    await plant_key(sql, pem=pem)
    clock.advance(minutes=10)
    active = await services.admin.key_rotation.rotate()

    await services.identity.keys.load()
    other = make_services()
    await other.start()

    assert services.identity.keys.signing.kid == other.identity.keys.signing.kid == active
    assert "planted" not in other.identity.keys.verifying


async def test_keys_made_at_the_end_of_the_calendar_are_listed(
    services: Services, make_settings: MakeSettings, sql: Sql
) -> None:
    await services.start()
    await sql("UPDATE signing_keys SET created_at = '9999-12-31 23:59:59.000000', retiring_at = created_at")

    assert len((await services.admin.key_history.read()).keys) == 2
    result = await run_command(make_settings(), "keys", "rotate")
    assert (result.exit_code, "Traceback" in result.output) == (1, False)


@on_sqlite
@pytest.mark.parametrize("moment", NO_MOMENTS)
async def test_key_whose_moments_cannot_be_read_stops_no_reading_of_keys(
    services: Services, sql: Sql, moment: str
) -> None:
    await services.start()
    await plant_key(sql, created_at=moment)

    await services.identity.keys.load()
    assert len(await services.admin.key_rotation.list()) == 3


@on_sqlite
@pytest.mark.parametrize("column", ["due_at", "created_at", "data", "address", "kind", "language", "attempts"])
async def test_mails_that_cannot_be_read_hold_up_no_other(
    services: Services, api: Api, sql: Sql, clock: FakeClock, tmp_path: Path, column: str
) -> None:
    await services.flows.outbox.run_once()
    for number, value in enumerate((*NO_MOMENTS, "5"), start=1000):
        await sql(
            "INSERT INTO mail_outbox (id, kind, address, language, data, created_at, due_at, attempts, last_error) "
            f"VALUES ({number}, 'verify_email', 'a@example.com', 'en', '{{}}', :at, :at, 0, '')",
            at="2026-01-01 00:00:00.000000",
        )
        await sql(f"UPDATE mail_outbox SET {column} = {value} WHERE id = {number}")
    sent = len(list((tmp_path / "mail").glob("*.eml")))

    await api.sign_up()
    for _ in range(4):
        clock.advance(minutes=4)
        async with asyncio.timeout(60):  # a mail that can never be claimed would be tried for ever
            await services.flows.outbox.run_once()

    assert len(list((tmp_path / "mail").glob("*.eml"))) > sent


@on_sqlite
@pytest.mark.parametrize("column", ["session_id", "user_id", "min_token_version", "created_at", "issued_before"])
async def test_line_of_the_revocation_feed_that_cannot_be_read_hides_none_after_it(
    services: Services, make_services: MakeServices, api: Api, sql: Sql, column: str
) -> None:
    person = await api.sign_up()
    await sql(
        "INSERT INTO revocations (user_id, min_token_version, created_at, expires_at) VALUES "
        "(99, 1, '2026-01-01 00:00:00.000000', '2099-01-01 00:00:00.000000'), "
        "(99, 1, '2026-01-01 00:00:00.000000', '2099-01-01 00:00:00.000000')"
    )
    await sql(f"UPDATE revocations SET {column} = 'x' WHERE user_id = 99 AND id = (SELECT MIN(id) FROM revocations)")
    await api.post("/api/auth/signout", headers=person.headers)

    for worker in (services, make_services()):
        await worker.identity.revocations.poll()
        assert not worker.identity.revocations.is_stale()
        assert any(line.session_id for line in worker.identity.revocations.lines_after(0))
    assert (await api.get("/api/users/me", headers=person.headers)).status_code == 401


@on_sqlite
@pytest.mark.parametrize("subject", [NO_TEXT, "X'ff'", "5"])
async def test_row_whose_key_cannot_be_read_is_purged_like_others(
    services: Services, database: Database, sql: Sql, subject: str
) -> None:
    await sql(f"INSERT INTO audit_repetitions VALUES ({subject}, 0, '2020-01-01 00:00:00.000000')")
    [task] = [task for task in services.operations.purger.tasks if task.name == "repetitions"]

    assert await services.operations.purger.run_all(task) == 1
    async with database.read() as tx:
        assert await tx.scalar(text("SELECT COUNT(*) FROM audit_repetitions")) == 0


@on_sqlite
@pytest.mark.parametrize("moment", NO_MOMENTS)
async def test_session_and_invitation_whose_moments_cannot_be_read_stop_no_purge_and_no_command(
    services: Services, make_settings: MakeSettings, api: Api, sql: Sql, moment: str
) -> None:
    person = await api.sign_up()
    await sql(f"UPDATE sessions SET idle_expires_at = {moment}, access_expires_at = {moment}, ended_at = {moment}")
    await sql(
        "INSERT INTO invitations (email, email_canonical, inviter_id, created_at, expires_at) "
        f"VALUES ('a@example.com', 'a@example.com', {person.id}, {moment}, {moment})"
    )

    await services.operations.purger.run_in_turn()
    result = await run_command(make_settings(), "purge")
    assert result.exit_code == 0, result.output
