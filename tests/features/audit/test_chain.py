"""The hash chain: what is sealed when, and that every harm to it is found."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import func, select

from gatepost import lifespan
from gatepost.audit.models import AuditEntry, AuditSeal
from gatepost.audit.repository import Entries
from gatepost.audit.sealer import BATCH, LEASE_LIFE
from gatepost.audit.verify import Head
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from tests.conftest import MakeServices, MakeSettings, started
from tests.features.audit.conftest import Entries as ReadEntries
from tests.features.audit.conftest import Sql, Verify
from tests.support.api import Api
from tests.support.clock import FakeClock
from tests.support.commands import run_command

pytestmark = pytest.mark.both_databases

Write = Callable[..., Awaitable[list[int]]]


async def unsealed(database: Database) -> int:
    """Count what waits for its seal."""
    async with database.read() as tx:
        return await Entries(tx).count_unsealed()


@pytest.fixture
async def three_seals(services: Services, write: Write) -> list[list[int]]:
    """Return the entries of three seals."""
    batches = []
    for _ in range(3):
        batches.append(await write(3))
        assert await services.operations.audit_sealer.run_once() == 3
    return batches


async def test_what_happens_is_sealed_by_the_next_round(
    api: Api, services: Services, entries: ReadEntries, verify: Verify
) -> None:
    await api.sign_up()
    written = await entries()
    assert {entry.seal_id for entry in written} <= {None}

    assert await services.operations.audit_sealer.run_once() == len(written)
    assert await services.operations.audit_sealer.run_once() == 0

    assert {entry.seal_id for entry in await entries()} == {1}
    findings, tally = await verify()
    assert findings == []
    assert (tally.seals, tally.entries, tally.unsealed, tally.purged) == (1, len(written), 0, 0)


async def test_running_service_seals_by_itself(
    services: Services, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One pause, and as long again for a round, make two seconds.
    assert lifespan.SEAL_SECONDS <= 1
    monkeypatch.setattr(lifespan, "SEAL_SECONDS", 0.01)
    await write()

    async with started(services), asyncio.timeout(60):
        while await unsealed(services.platform.database):
            await asyncio.sleep(0.01)


async def test_log_without_anything_is_whole(verify: Verify) -> None:
    findings, tally = await verify()

    assert findings == []
    assert tally.head is None


async def test_more_than_a_batch_is_sealed_in_one_round(services: Services, write: Write, verify: Verify) -> None:
    await write(2 * BATCH + 1)

    assert await services.operations.audit_sealer.run_once() == 2 * BATCH + 1

    findings, tally = await verify()
    assert (findings, tally.seals, tally.entries) == ([], 3, 2 * BATCH + 1)


async def test_entry_that_is_committed_late_joins_a_later_seal(
    services: Services, write: Write, sql: Sql, entries: ReadEntries, verify: Verify
) -> None:
    [first, second] = await write(2)
    await sql("UPDATE audit_log SET seal_id = NULL WHERE id = :id", id=first)
    await sql("UPDATE audit_log SET id = :new WHERE id = :id", new=second + 10, id=second)
    await services.operations.audit_sealer.run_once()
    await write(1, id=second + 5)

    await services.operations.audit_sealer.run_once()

    assert [(entry.id, entry.seal_id) for entry in await entries()] == [(first, 1), (second + 5, 2), (second + 10, 1)]
    assert (await verify())[0] == []


async def test_of_two_that_seal_the_same_entries_one_does(
    make_services: MakeServices, write: Write, verify: Verify
) -> None:
    first, second = make_services().operations.audit_sealer, make_services().operations.audit_sealer
    for _ in range(5):
        await write(20)
        batches = [await sealer._unsealed() for sealer in (first, second)]
        done = await asyncio.gather(first._seal_if_first(batches[0]), second._seal_if_first(batches[1]))
        assert sorted(done) == [False, True]

    findings, tally = await verify()
    assert (findings, tally.seals, tally.entries, tally.unsealed) == ([], 5, 100, 0)


async def test_late_sealer_takes_nothing_that_is_sealed(
    make_services: MakeServices, write: Write, verify: Verify, entries: ReadEntries
) -> None:
    first, second = make_services().operations.audit_sealer, make_services().operations.audit_sealer
    await write(3)
    seen_before = await second._unsealed()
    await first.run_once()
    await write(1)

    assert not await second._seal_if_first(seen_before)

    assert [entry.seal_id for entry in await entries()] == [1, 1, 1, None]
    assert (await verify())[0] == []


async def test_replicas_that_seal_side_by_side_hold_each_entry_once(
    make_services: MakeServices, write: Write, database: Database, verify: Verify
) -> None:
    replicas = [make_services().operations.audit_sealer for _ in range(3)]
    for _ in range(4):
        await write(BATCH // 2)
        await asyncio.gather(*(replica.run_once() for replica in replicas))

    async with database.read() as tx:
        assert await tx.scalar(select(func.sum(AuditSeal.entries))) == 2 * BATCH
        assert await tx.scalar(select(func.count()).where(AuditEntry.seal_id.is_(None))) == 0
    findings, tally = await verify()
    assert (findings, tally.entries) == ([], 2 * BATCH)


async def test_one_replica_seals_until_it_is_gone(make_services: MakeServices, write: Write, clock: FakeClock) -> None:
    first, second = make_services(), make_services()
    await write()
    assert await first.operations.audit_sealer.run_once() == 1
    await write()

    assert await second.operations.audit_sealer.run_once() == 0
    clock.advance(seconds=LEASE_LIFE.total_seconds())
    assert await second.operations.audit_sealer.run_once() == 1


# On SQLite there is one writer at a time, whatever it writes.
@pytest.mark.parametrize("database_url", [pytest.param("mysql", marks=pytest.mark.mysql)], indirect=True)
async def test_nobody_who_writes_waits_for_a_seal(database: Database, write: Write) -> None:
    ids = await write(3)
    async with database.begin() as sealing:
        assert await Entries(sealing).seal(ids, 1) == 3
        assert len(await write(3)) == 3  # a lock would be waited for longer than the transaction may take


@pytest.mark.parametrize(
    "change",
    [
        "event = 'session.ended'",
        "user_id = 2",
        "user_id = NULL",
        "actor_id = 1",
        "session_id = 7",
        "address = '203.0.113.8'",
        "request_id = 'other'",
        "at = '2020-01-01 00:00:00.000000'",
        """details = '{"amr": "pwd otp", "n": 1}'""",
        """details = '{"n": 1}'""",
    ],
)
async def test_changed_entry_is_found(three_seals: list[list[int]], sql: Sql, verify: Verify, change: str) -> None:
    harmed = three_seals[1][1]
    await sql(f"UPDATE audit_log SET {change} WHERE id = :id", id=harmed)

    assert (await verify())[0] == [f"entry {harmed}: changed since seal 2"]


async def test_change_by_one_microsecond_is_found(
    three_seals: list[list[int]], database: Database, clock: FakeClock, verify: Verify
) -> None:
    harmed = three_seals[0][0]
    clock.advance(microseconds=1)
    async with database.begin() as tx:
        entry = await tx.get_one(AuditEntry, harmed)
        entry.at = clock.now()

    assert (await verify())[0] == [f"entry {harmed}: changed since seal 1"]


# MySQL refuses such content.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_content_that_is_no_json_stops_neither_the_sealing_nor_the_walk(
    services: Services, three_seals: list[list[int]], sql: Sql, verify: Verify, write: Write
) -> None:
    harmed = three_seals[0][0]
    await sql("UPDATE audit_log SET details = 'x', at = 'y' WHERE id = :id", id=harmed)
    [odd] = await write()
    await sql("UPDATE audit_log SET details = 'x', at = 'y', session_id = 'z' WHERE id = :id", id=odd)

    assert await services.operations.audit_sealer.run_once() == 1
    assert (await verify())[0] == [f"entry {harmed}: changed since seal 1"]


async def test_order_of_keys_in_details_does_not_matter(three_seals: list[list[int]], sql: Sql, verify: Verify) -> None:
    await sql("""UPDATE audit_log SET details = '{"n" : 0,  "amr": "pwd"}' WHERE id = :id""", id=three_seals[2][0])

    assert (await verify())[0] == []


async def test_missing_entry_is_found(three_seals: list[list[int]], sql: Sql, verify: Verify) -> None:
    harmed = three_seals[1][2]
    await sql("DELETE FROM audit_log WHERE id = :id", id=harmed)

    assert (await verify())[0] == [f"entry {harmed}: missing; seal 2 holds it"]


async def test_newest_entry_that_was_sealed_is_missed(three_seals: list[list[int]], sql: Sql, verify: Verify) -> None:
    harmed = three_seals[2][2]
    await sql("DELETE FROM audit_log WHERE id = :id", id=harmed)

    assert (await verify())[0] == [f"entry {harmed}: missing; seal 3 holds it"]


@pytest.mark.parametrize("seal_id", [1, 2, 3])
async def test_entry_inserted_under_a_seal_is_found(
    three_seals: list[list[int]], write: Write, verify: Verify, seal_id: int
) -> None:
    [forged] = await write(seal_id=seal_id)

    assert (await verify())[0] == [f"entry {forged}: inserted; seal {seal_id} does not hold it"]


@pytest.mark.parametrize("seal_id", [-1, 0, 4, 99])
async def test_entry_inserted_under_a_seal_that_is_not_there_is_found(
    three_seals: list[list[int]], write: Write, verify: Verify, seal_id: int
) -> None:
    [forged] = await write(seal_id=seal_id)

    assert (await verify())[0] == [f"entry {forged}: names seal {seal_id}, which is not there"]


async def test_entry_moved_to_another_seal_is_found(three_seals: list[list[int]], sql: Sql, verify: Verify) -> None:
    harmed = three_seals[0][0]
    await sql("UPDATE audit_log SET seal_id = 2 WHERE id = :id", id=harmed)

    assert sorted((await verify())[0]) == [
        f"entry {harmed}: inserted; seal 2 does not hold it",
        f"entry {harmed}: missing; seal 1 holds it",
    ]


async def test_entry_taken_out_of_its_seal_and_sealed_again_is_found(
    services: Services, three_seals: list[list[int]], sql: Sql, verify: Verify
) -> None:
    harmed = three_seals[0][0]
    await sql("UPDATE audit_log SET seal_id = NULL, user_id = 2 WHERE id = :id", id=harmed)
    await services.operations.audit_sealer.run_once()

    assert (await verify())[0] == [f"entry {harmed}: missing; seal 1 holds it"]


@pytest.mark.parametrize(
    "change",
    ["digest = 'ab'", "entries = 2", "previous = ''", "sealed_at = '2020-01-01 00:00:00.000000'", "handover = 'x'"],
)
async def test_changed_seal_is_found(three_seals: list[list[int]], sql: Sql, verify: Verify, change: str) -> None:
    await sql(f"UPDATE audit_seals SET {change} WHERE id = 2")

    assert "seal 2: changed" in (await verify())[0]


async def test_changed_list_of_a_seal_is_found(three_seals: list[list[int]], sql: Sql, verify: Verify) -> None:
    await sql("UPDATE audit_seals SET `rows` = '[]' WHERE id = 2")
    await sql("DELETE FROM audit_log WHERE seal_id = 2")

    assert (await verify())[0] == ["seal 2: its list of entries was changed; they cannot be checked"]


async def test_forged_seal_is_found(three_seals: list[list[int]], sql: Sql, verify: Verify) -> None:
    await sql(
        "INSERT INTO audit_seals (id, sealed_at, entries, previous, content, digest, `rows`) "
        "SELECT 4, sealed_at, entries, digest, content, digest, `rows` FROM audit_seals WHERE id = 3"
    )

    findings = (await verify())[0]

    assert findings[0] == "seal 4: changed"
    assert findings[1:] == [f"entry {entry_id}: missing; seal 4 holds it" for entry_id in three_seals[2]]


async def test_missing_seal_is_found(three_seals: list[list[int]], sql: Sql, verify: Verify) -> None:
    await sql("DELETE FROM audit_seals WHERE id = 2")

    assert (await verify())[0] == [
        "seal 2: missing",
        *(f"entry {entry_id}: names seal 2, which is not there" for entry_id in three_seals[1]),
    ]


async def test_missing_first_seals_are_found(three_seals: list[list[int]], sql: Sql, verify: Verify) -> None:
    await sql("DELETE FROM audit_log WHERE seal_id < 3")
    await sql("DELETE FROM audit_seals WHERE id < 3")

    assert (await verify())[0] == ["seals 1 to 2: missing"]


async def test_cut_off_end_is_found_by_a_head_that_was_kept(
    services: Services, three_seals: list[list[int]], write: Write, sql: Sql, verify: Verify
) -> None:
    head = (await verify())[1].head
    assert head is not None
    assert (await verify(Head.read(str(head))))[0] == []
    await sql("DELETE FROM audit_log WHERE seal_id = 3")
    await sql("DELETE FROM audit_seals WHERE id = 3")

    assert (await verify())[0] == []
    assert (await verify(head))[0] == ["seal 3: missing, although it was expected"]
    # Going on does not hide it.
    await write()
    await services.operations.audit_sealer.run_once()
    assert (await verify(head))[0] == ["seal 3: not the one that was expected"]


async def test_chain_made_without_the_secret_is_found(
    make_services: MakeServices, three_seals: list[list[int]], verify: Verify
) -> None:
    other = make_services(secret_key="another-secret-0123456789-abcdefghijklmnop")

    findings = (await verify(by=other))[0]

    assert len(findings) == 3
    assert findings[0].startswith("seal 1: changed or inserted, or made under another SECRET_KEY")


async def test_long_chain_is_walked_page_by_page(
    services: Services, write: Write, sql: Sql, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatepost.audit.verify.SEALS", 2)
    monkeypatch.setattr("gatepost.audit.verify.ENTRIES", 3)
    ids = []
    for size in (1, 4, 2, 7, 3):
        ids += await write(size)
        await services.operations.audit_sealer.run_once()
    assert (await verify())[0] == []
    await sql("DELETE FROM audit_log WHERE id = :id", id=ids[4])
    await sql("UPDATE audit_log SET user_id = 9 WHERE id = :id", id=ids[9])
    await sql("DELETE FROM audit_seals WHERE id = 5")

    findings, tally = await verify()

    assert findings == [
        f"entry {ids[4]}: missing; seal 2 holds it",
        f"entry {ids[9]}: changed since seal 4",
        *(f"entry {entry_id}: names seal 5, which is not there" for entry_id in ids[14:]),
    ]
    assert tally.entries == 13


async def test_command_says_that_all_is_whole_and_prints_the_head(
    make_settings: MakeSettings, three_seals: list[list[int]], write: Write, verify: Verify
) -> None:
    head = (await verify())[1].head
    await write(2)

    result = await run_command(make_settings(), "audit", "verify", "--expect", str(head))

    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("9 entries in 3 seals, ")
    assert lines[1:] == [f"head {head}", "whole"]


async def test_command_fails_with_a_line_for_each_harm(
    make_settings: MakeSettings, three_seals: list[list[int]], sql: Sql
) -> None:
    await sql("DELETE FROM audit_log WHERE id = :id", id=three_seals[0][0])
    await sql("UPDATE audit_log SET user_id = 9 WHERE id = :id", id=three_seals[2][0])

    result = await run_command(make_settings(), "audit", "verify")

    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert set(lines[:2]) == {
        f"entry {three_seals[0][0]}: missing; seal 1 holds it",
        f"entry {three_seals[2][0]}: changed since seal 3",
    }
    assert lines[-1] == "harmed: 2 findings"


@pytest.mark.parametrize("head", ["", "3", "x:y", "3:abc", f"0:{'a' * 64}"])
async def test_head_that_is_none_is_refused(make_settings: MakeSettings, database: Database, head: str) -> None:
    result = await run_command(make_settings(), "audit", "verify", "--expect", head)

    assert result.exit_code == 2
