"""Values written into the audit log's tables by hand stop no work, and `gatepost audit verify` finds them."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text

from gatepost.admin.statistics.counter import PROGRESS, PROGRESS_DAY
from gatepost.admin.statistics.repository import DailyStatistics
from gatepost.audit.retention import AuditRetention
from gatepost.composition.services import Services
from tests.conftest import SECRET, MakeServices, MakeSettings
from tests.features.audit.conftest import Sql, Verify
from tests.support.api import Api, Person
from tests.support.clock import FakeClock
from tests.support.commands import run_command

Write = Callable[..., Awaitable[list[int]]]

SECOND = "second-0123456789-abcdefghijklmnopqrstuvwxyz"
# Only SQLite keeps bytes that are no text, and texts where moments and numbers are to be.
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NO_TEXT = "CAST(X'ff' AS TEXT)"
ODD = (
    NO_TEXT, "X'ff00'", "'é'", "''", "'2026-02-31 00:00:00.000000'", "'[1]'", "'{\"n\": NaN}'",
    "'{\"n\": \"\\ud800\"}'", "5",
)  # fmt: skip


@pytest.fixture
async def three_seals(services: Services, write: Write) -> list[int]:
    """Return the entries of three seals, one in each."""
    ids = []
    for _ in range(3):
        ids += await write()
        assert await services.operations.audit_sealer.run_once() == 1
    return ids


async def still_works(services: Services, write: Write, clock: FakeClock) -> None:
    """Seal and purge, by a replica whose secret is new and by one whose secret is not."""
    for _ in range(2):
        await write()
        clock.advance(minutes=1)
        assert await services.operations.audit_sealer.run_once() == 1
    await services.operations.audit_retention.run()
    async with asyncio.timeout(60):  # a count up to the last of all numbers would have no end
        await services.admin.statistics_counter.run_once()


@pytest.mark.both_databases
@pytest.mark.parametrize("handover", ["é", "gAAAAA", "x" * 255])
async def test_handover_that_is_none_stops_nothing(
    three_seals: list[int], make_services: MakeServices, sql: Sql, verify: Verify, write: Write, clock: FakeClock,
    handover: str,
) -> None:  # fmt: skip
    await sql("UPDATE audit_seals SET handover = :handover WHERE id = 2", handover=handover)

    for secrets in ((SECRET, None), (SECOND, SECRET)):
        await still_works(make_services(secret_key=secrets[0], secret_key_previous=secrets[1]), write, clock)

    assert (await verify(by=make_services(secret_key=SECOND)))[0] == ["seal 2: changed"]


@pytest.mark.both_databases
@pytest.mark.parametrize("end", [2**63 - 1, 2**63 - 2, 10**15])
async def test_seal_at_the_end_of_all_numbers_stops_nothing(
    three_seals: list[int], services: Services, sql: Sql, verify: Verify, write: Write, clock: FakeClock, end: int
) -> None:
    await sql(f"UPDATE audit_seals SET id = {end} WHERE id = 2")

    await still_works(services, write, clock)

    assert "seal 2: missing" in (await verify())[0]
    async with services.platform.database.read() as tx:
        assert await tx.scalar(text("SELECT COUNT(*) FROM audit_log WHERE seal_id IS NULL")) == 0
        progress = await DailyStatistics(tx).get(PROGRESS_DAY, PROGRESS)
    assert progress is not None


@on_sqlite
@pytest.mark.parametrize("column", ["digest", "previous", "content", "handover", "sealed_at", "purge_proof", "rows"])
@pytest.mark.parametrize("value", [NO_TEXT, "X'ff00'", "'é'", "5"])
@pytest.mark.parametrize("seal", [2, 3])
async def test_value_of_another_kind_in_a_seal_is_found_and_stops_nothing(
    three_seals: list[int], services: Services, make_settings: MakeSettings, sql: Sql, write: Write, clock: FakeClock,
    column: str, value: str, seal: int,
) -> None:  # fmt: skip
    await sql(f"UPDATE audit_seals SET {column} = {value} WHERE id = {seal}")

    await still_works(services, write, clock)

    result = await run_command(make_settings(), "audit", "verify")
    assert result.exit_code == 1, result.output
    assert any(line.startswith(f"seal {seal}: ") for line in result.stdout.splitlines())


@on_sqlite
async def test_details_as_deep_as_can_just_be_read_are_sealed(
    services: Services, sql: Sql, verify: Verify, write: Write
) -> None:
    ids = await write(400)
    for depth, entry in enumerate(ids, start=600):
        await sql(f"UPDATE audit_log SET details = '{'[' * depth + ']' * depth}' WHERE id = :id", id=entry)

    assert await services.operations.audit_sealer.run_once() == 400
    assert (await verify())[0] == []


@on_sqlite
async def test_what_is_planted_adds_no_line_to_what_the_command_says(
    three_seals: list[int], make_settings: MakeSettings, sql: Sql
) -> None:
    await sql("UPDATE audit_log SET seal_id = 'x' || char(10) || 'whole' WHERE seal_id = 1")
    await sql("UPDATE audit_seals SET digest = 'x' || char(10) || 'whole' WHERE id = 3")

    result = await run_command(make_settings(), "audit", "verify")

    assert result.exit_code == 1
    assert "whole" not in result.stdout.splitlines()


@on_sqlite
@pytest.mark.parametrize("column", ["at", "event", "user_id", "session_id", "address", "details"])
async def test_log_is_shown_around_what_cannot_be(
    api: Api, admin: Person, write: Write, sql: Sql, services: Services, column: str
) -> None:
    odd = await write(len(ODD))
    for entry, value in zip(odd, ODD, strict=True):
        await sql(f"UPDATE audit_log SET {column} = {value} WHERE id = {entry}")
        await write()
    shown: list[int] = []
    after: dict[str, str] = {}
    while True:
        answer = await api.get("/api/admin/audit", params={"size": "2", **after}, headers=admin.headers)
        assert answer.status_code == 200, answer.text
        shown += [entry["id"] for entry in answer.json()["items"]]
        if answer.json()["next"] is None:
            break
        after = {"after": answer.json()["next"]}

    async with services.platform.database.read() as tx:
        every = (await tx.scalars(text("SELECT id FROM audit_log"))).all()
    # Without a moment an entry has no place among the others.
    assert sorted(shown) == sorted(set(every) - set(odd if column == "at" else []))


async def test_purges_of_two_clocks_are_handed_over_whole(
    make_services: MakeServices, write: Write, clock: FakeClock, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("retention.SEALS", "sealer.LOOKED_AT"):
        monkeypatch.setattr(f"gatepost.audit.{name}", 3)
    old = make_services(secret_key=SECRET)
    for _ in range(8):
        await write()
        assert await old.operations.audit_sealer.run_once() == 1
        clock.advance(minutes=1)
    clock.advance(days=401)
    late = FakeClock()
    late.advance(seconds=(clock.now() - late.now()).total_seconds() - 120)
    keys = old.settings.keys
    # The one that is ahead purges two batches, then the one that is behind the rest.
    assert [await AuditRetention(old.platform.database, clock, keys, days=400).run() for _ in range(2)] == [3, 3]
    assert await AuditRetention(old.platform.database, late, keys, days=400).run() == 2

    for _ in range(2):
        await write()
        clock.advance(minutes=1)
        await make_services(secret_key=SECOND, secret_key_previous=SECRET).operations.audit_sealer.run_once()

    findings, tally = await verify(by=make_services(secret_key=SECOND))
    assert (findings, tally.purged) == ([], 8)


@pytest.mark.both_databases
async def test_marks_that_are_planted_hide_no_purge_from_a_hand_over(
    make_services: MakeServices, write: Write, clock: FakeClock, verify: Verify, sql: Sql
) -> None:
    old = make_services(secret_key=SECRET)
    await write()
    await old.operations.audit_sealer.run_once()
    clock.advance(days=401)
    for _ in range(60):
        await write()
        await old.operations.audit_sealer.run_once()
    assert await old.operations.audit_retention.run() == 1
    await sql("UPDATE audit_seals SET purged_at = '2030-01-01 00:00:00.000000', purge_proof = 'x' WHERE id > 1")

    await write()
    clock.advance(minutes=1)
    await make_services(secret_key=SECOND, secret_key_previous=SECRET).operations.audit_sealer.run_once()
    await sql("UPDATE audit_seals SET purged_at = NULL, purge_proof = NULL WHERE id > 1")

    findings, tally = await verify(by=make_services(secret_key=SECOND))
    assert (findings, tally.purged) == ([], 1)
