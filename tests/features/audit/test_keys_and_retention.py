"""The chain over years: SECRET_KEY is replaced, and old entries go."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import func, select

from gatepost.audit.models import AuditEntry, AuditSeal
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from tests.conftest import SECRET, MakeServices, MakeSettings
from tests.features.audit.conftest import Sql, Verify
from tests.support.clock import FakeClock
from tests.support.commands import run_command

Write = Callable[..., Awaitable[list[int]]]

SECOND = "second-0123456789-abcdefghijklmnopqrstuvwxyz"
THIRD = "third-9876543210-abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
async def seal_with(make_services: MakeServices, write: Write, clock: FakeClock) -> Callable[..., Awaitable[Services]]:
    """Return what seals two entries with a worker of these secrets, and gives the worker."""

    async def seal(secret: str, previous: str | None = None) -> Services:
        services = make_services(secret_key=secret, secret_key_previous=previous)
        await write(2)
        clock.advance(minutes=1)  # the lease of the one before is over
        assert await services.operations.audit_sealer.run_once() == 2
        return services

    return seal


async def entries_left(database: Database) -> int:
    """Count the entries."""
    async with database.read() as tx:
        return await tx.scalar(select(func.count()).select_from(AuditEntry)) or 0


async def test_chain_goes_on_over_a_new_secret(
    seal_with: Callable[..., Awaitable[Services]], verify: Verify, make_services: MakeServices
) -> None:
    await seal_with(SECRET)
    services = await seal_with(SECOND, SECRET)

    assert (await verify(by=services))[0] == []
    assert (await verify(by=make_services(secret_key=SECOND)))[0] == []


@pytest.mark.both_databases
async def test_seals_of_every_former_secret_are_verified_with_the_present_one(
    seal_with: Callable[..., Awaitable[Services]], verify: Verify, make_services: MakeServices, sql: Sql
) -> None:
    for secrets in ((SECRET, None), (SECRET, None), (SECOND, SECRET), (SECOND, SECRET), (THIRD, SECOND)):
        await seal_with(*secrets)
    now = make_services(secret_key=THIRD)

    assert (await verify(by=now))[0] == []
    await sql("UPDATE audit_log SET user_id = 9 WHERE seal_id = 1")
    findings = (await verify(by=now))[0]
    assert [finding.partition(": ")[2] for finding in findings] == ["changed since seal 1"] * 2


async def test_replicas_with_the_old_and_the_new_secret_may_take_turns(
    seal_with: Callable[..., Awaitable[Services]], verify: Verify, make_services: MakeServices
) -> None:
    for secrets in ((SECRET, None), (SECOND, SECRET), (SECRET, None), (SECOND, SECRET), (SECOND, SECRET)):
        await seal_with(*secrets)

    assert (await verify(by=make_services(secret_key=SECOND)))[0] == []


async def test_replica_with_the_old_secret_that_sealed_last_is_no_harm(
    seal_with: Callable[..., Awaitable[Services]], verify: Verify
) -> None:
    await seal_with(SECRET)
    services = await seal_with(SECOND, SECRET)
    await seal_with(SECRET)

    assert (await verify(by=services))[0] == []


async def test_secret_that_was_taken_back_still_verifies(
    seal_with: Callable[..., Awaitable[Services]], verify: Verify, make_services: MakeServices
) -> None:
    for secrets in ((SECRET, None), (SECOND, SECRET), (SECRET, SECOND), (SECRET, None)):
        await seal_with(*secrets)

    assert (await verify(by=make_services(secret_key=SECRET)))[0] == []


async def test_former_secret_seals_nothing_after_its_time(
    seal_with: Callable[..., Awaitable[Services]], verify: Verify, make_services: MakeServices
) -> None:
    await seal_with(SECRET)
    await seal_with(SECOND, SECRET)
    await seal_with(SECRET)  # by whoever has learnt it

    findings = (await verify(by=make_services(secret_key=SECOND)))[0]

    assert [finding.partition(",")[0] for finding in findings] == ["seal 3: changed or inserted"]


@pytest.mark.both_databases
async def test_old_entries_go_and_the_chain_stays_whole(
    services: Services, write: Write, clock: FakeClock, database: Database, verify: Verify
) -> None:
    await write(3)
    await services.operations.audit_sealer.run_once()
    head = (await verify())[1].head
    clock.advance(days=399)
    kept = await write(2)
    await services.operations.audit_sealer.run_once()
    assert await services.operations.audit_retention.run() == 0
    clock.advance(days=1, seconds=1)

    assert await services.operations.audit_retention.run() == 3
    assert await services.operations.audit_retention.run() == 0

    findings, tally = await verify(head)
    assert findings == []
    assert (tally.seals, tally.entries, tally.purged) == (2, 2, 3)
    async with database.read() as tx:
        assert (await tx.scalars(select(AuditEntry.id))).all() == kept
        [purged, other] = (await tx.scalars(select(AuditSeal).order_by(AuditSeal.id))).all()
    assert (purged.entries, purged.rows, purged.purged_at) == (3, [], clock.now())
    assert (len(other.rows), other.purged_at) == (2, None)


async def test_many_old_seals_go_in_batches(
    services: Services, write: Write, clock: FakeClock, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatepost.audit.retention.SEALS", 3)
    monkeypatch.setattr("gatepost.audit.retention.ENTRIES", 4)
    for size in (2, 2, 1, 9, 1):
        await write(size)
        await services.operations.audit_sealer.run_once()
    clock.advance(days=401)

    assert [await services.operations.audit_retention.run() for _ in range(5)] == [4, 1, 9, 1, 0]
    findings, tally = await verify()
    assert (findings, tally.purged, tally.entries) == ([], 15, 0)


async def test_entries_that_wait_for_their_seal_are_kept(
    services: Services, write: Write, clock: FakeClock, database: Database
) -> None:
    await write(3)
    clock.advance(days=1000)

    assert await services.operations.audit_retention.run() == 0
    assert await entries_left(database) == 3


async def test_retention_of_no_days_keeps_entries_for_ever(
    make_services: MakeServices, write: Write, clock: FakeClock
) -> None:
    services = make_services(audit_retention_days=0)
    await write()
    await services.operations.audit_sealer.run_once()
    clock.advance(days=40000)

    assert await services.operations.audit_retention.run() == 0


@pytest.mark.both_databases
async def test_purge_that_the_service_did_not_make_is_found(
    services: Services, write: Write, sql: Sql, verify: Verify
) -> None:
    await write(2)
    await services.operations.audit_sealer.run_once()
    await sql("DELETE FROM audit_log")
    await sql(
        "UPDATE audit_seals SET `rows` = '[]', purged_at = '2026-01-01 00:00:00.000000', purge_proof = :proof",
        proof="a" * 64,
    )

    assert (await verify())[0] == ["seal 1: its list of entries was changed; they cannot be checked"]


@pytest.mark.both_databases
async def test_proof_of_one_purge_is_none_for_another_seal(
    services: Services, write: Write, clock: FakeClock, sql: Sql, verify: Verify
) -> None:
    await write(2)
    await services.operations.audit_sealer.run_once()
    clock.advance(days=401)
    await services.operations.audit_retention.run()
    await write(2)
    await services.operations.audit_sealer.run_once()
    await sql("CREATE TEMPORARY TABLE proof AS SELECT purged_at, purge_proof FROM audit_seals WHERE id = 1")
    await sql(
        "UPDATE audit_seals SET `rows` = '[]', purged_at = (SELECT purged_at FROM proof), "
        "purge_proof = (SELECT purge_proof FROM proof) WHERE id = 2"
    )
    await sql("DELETE FROM audit_log")

    assert (await verify())[0] == ["seal 2: its list of entries was changed; they cannot be checked"]


async def test_entry_inserted_under_a_purged_seal_is_found(
    services: Services, write: Write, clock: FakeClock, verify: Verify
) -> None:
    await write(2)
    await services.operations.audit_sealer.run_once()
    clock.advance(days=401)
    await services.operations.audit_retention.run()

    [forged] = await write(seal_id=1)

    assert (await verify())[0] == [f"entry {forged}: inserted; seal 1 does not hold it"]


@pytest.mark.both_databases
async def test_seal_that_was_made_to_look_old_keeps_its_entries(
    services: Services, write: Write, sql: Sql, database: Database, verify: Verify, clock: FakeClock
) -> None:
    await write(2)
    await services.operations.audit_sealer.run_once()
    await sql("UPDATE audit_seals SET sealed_at = '2001-01-01 00:00:00.000000'")

    assert await services.operations.audit_retention.run() == 0
    assert await entries_left(database) == 2
    assert (await verify())[0] == ["seal 1: changed"]


async def test_command_says_how_many_are_gone(
    services: Services, make_settings: MakeSettings, write: Write, clock: FakeClock
) -> None:
    await write(3)
    await services.operations.audit_sealer.run_once()
    clock.advance(days=401)
    await services.operations.audit_retention.run()

    result = await run_command(make_settings(), "audit", "verify")

    assert result.exit_code == 0, result.output
    assert "3 purged by retention" in result.stdout.splitlines()
