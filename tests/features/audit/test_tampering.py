"""What an attacker can try who writes into the database by hand, has no key, and lets the service make the seals."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gatepost.audit.chain import hand_over, known_keys, purge_proof
from gatepost.audit.sealer import PURPOSE
from gatepost.audit.verify import Head
from gatepost.composition.services import Services
from gatepost.core.crypto.secrets import SecretKeys
from tests.conftest import SECRET, MakeServices, MakeSettings
from tests.features.audit.conftest import Sql, Verify
from tests.support.clock import FakeClock
from tests.support.commands import run_command

pytestmark = pytest.mark.both_databases

Write = Callable[..., Awaitable[list[int]]]

SECOND = "second-0123456789-abcdefghijklmnopqrstuvwxyz"
# Sealed by the version of migration 0013: two seals that were purged, two more, and two after a new secret.
OF_BEFORE = json.loads(Path(__file__).with_name("chain_of_0013.json").read_text(encoding="utf-8"))


@pytest.fixture
async def five_seals(services: Services, write: Write) -> list[int]:
    """Return the entries of five seals, one in each."""
    ids = []
    for _ in range(5):
        ids += await write()
        assert await services.operations.audit_sealer.run_once() == 1
    return ids


@pytest.fixture
def head_of(verify: Verify) -> Callable[[], Awaitable[Head]]:
    """Return a function that gives the current head."""

    async def head() -> Head:
        found = (await verify())[1].head
        assert found is not None
        return found

    return head


async def replaced(services: Services, sql: Sql, write: Write, entry_id: int, *, seals: str) -> None:
    """Let the service seal another entry in the place of one, and put the seals back that came after."""
    await sql(f"CREATE TEMPORARY TABLE saved AS SELECT * FROM audit_seals WHERE id IN ({seals})")
    await sql(f"DELETE FROM audit_seals WHERE id >= {seals[0]}")
    await sql("DELETE FROM audit_log WHERE id = :id", id=entry_id)
    await write(id=entry_id, user_id=666)
    assert await services.operations.audit_sealer.run_once() == 1
    await sql(f"INSERT INTO audit_seals SELECT * FROM saved WHERE id > {seals[0]}")
    await sql("DROP TABLE saved")


async def test_entry_that_was_replaced_and_sealed_again_is_found(
    services: Services, make_settings: MakeSettings, five_seals: list[int], write: Write, sql: Sql, verify: Verify,
    head_of: Callable[[], Awaitable[Head]],
) -> None:  # fmt: skip
    head = await head_of()

    await replaced(services, sql, write, five_seals[2], seals="3,4,5")

    assert (await verify())[0] == ["seal 4: does not follow seal 3"]
    assert (await verify(head))[0] == ["seal 4: does not follow seal 3"]
    result = await run_command(make_settings(), "audit", "verify", "--expect", str(head))
    assert (result.exit_code, result.stdout.splitlines()[0]) == (1, "seal 4: does not follow seal 3")


async def test_first_entry_that_was_replaced_is_found(
    services: Services, five_seals: list[int], write: Write, sql: Sql, verify: Verify
) -> None:
    await replaced(services, sql, write, five_seals[0], seals="1,2,3,4,5")

    assert (await verify())[0] == ["seal 2: does not follow seal 1"]


async def test_end_that_was_sealed_anew_is_found_by_heads_that_were_kept(
    services: Services, write: Write, sql: Sql, verify: Verify, head_of: Callable[[], Awaitable[Head]],
    make_settings: MakeSettings,
) -> None:  # fmt: skip
    heads, ids = [], []
    for _ in range(5):
        ids += await write()
        await services.operations.audit_sealer.run_once()
        heads.append(await head_of())
    await sql("DELETE FROM audit_seals WHERE id > 3")
    await sql("UPDATE audit_log SET seal_id = NULL WHERE seal_id > 3")
    await sql("DELETE FROM audit_log WHERE id = :id", id=ids[3])
    for _ in range(3):
        await write()
        await services.operations.audit_sealer.run_once()

    assert (await verify())[0] == []  # as the documents say: only what is kept elsewhere can tell
    assert (await verify(heads[4]))[0] == ["seal 5: not the one that was expected"]
    arguments = [argument for head in heads for argument in ("--expect", str(head))]
    result = await run_command(make_settings(), "audit", "verify", *arguments)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[:2] == [
        "seal 4: not the one that was expected; seal 3 and those before are",
        "seal 5: not the one that was expected; seal 3 and those before are",
    ]


async def test_old_state_of_all_that_was_put_back_is_found_by_the_head(
    services: Services, five_seals: list[int], sql: Sql, verify: Verify, write: Write,
    head_of: Callable[[], Awaitable[Head]],
) -> None:  # fmt: skip
    early = await head_of()
    await sql("CREATE TEMPORARY TABLE entries AS SELECT * FROM audit_log")
    await sql("CREATE TEMPORARY TABLE seals AS SELECT * FROM audit_seals")
    await write()
    await services.operations.audit_sealer.run_once()
    late = await head_of()
    await sql("DELETE FROM audit_log")
    await sql("DELETE FROM audit_seals")
    await sql("INSERT INTO audit_log SELECT * FROM entries")
    await sql("INSERT INTO audit_seals SELECT * FROM seals")
    await sql("DROP TABLE entries")
    await sql("DROP TABLE seals")

    assert (await verify(early))[0] == []
    assert (await verify(early, late))[0] == ["seal 6: missing, although it was expected"]


async def test_expected_seal_that_is_missing_hides_no_other_one(
    five_seals: list[int], sql: Sql, verify: Verify, head_of: Callable[[], Awaitable[Head]]
) -> None:
    head = await head_of()
    await sql("DELETE FROM audit_log WHERE seal_id = 3")
    await sql("DELETE FROM audit_seals WHERE id = 3")
    gone, other = Head(3, "a" * 64), Head(4, "b" * 64)

    assert (await verify(other, head, gone))[0] == [
        "seal 3: missing",
        "seal 3: missing, although it was expected",
        "seal 4: not the one that was expected",
    ]


@pytest.mark.parametrize(("first", "second"), [(2, 3), (1, 5), (3, 4)])
async def test_seals_that_have_changed_places_are_found(
    five_seals: list[int], sql: Sql, verify: Verify, first: int, second: int
) -> None:
    for table, column in (("audit_seals", "id"), ("audit_log", "seal_id")):
        for old, new in ((first, 77), (second, first), (77, second)):
            await sql(f"UPDATE {table} SET {column} = {new} WHERE {column} = {old}")

    findings = (await verify())[0]
    assert {f"seal {first}: changed", f"seal {second}: changed"} <= set(findings)


async def test_front_that_was_cut_off_and_renumbered_is_found(five_seals: list[int], sql: Sql, verify: Verify) -> None:
    await sql("DELETE FROM audit_log WHERE seal_id = 1")
    await sql("DELETE FROM audit_seals WHERE id = 1")
    for seal_id in (2, 3, 4, 5):
        await sql("UPDATE audit_seals SET id = id - 1 WHERE id = :id", id=seal_id)
        await sql("UPDATE audit_log SET seal_id = seal_id - 1 WHERE seal_id = :id", id=seal_id)

    assert (await verify())[0] == [
        "seal 1: does not follow an empty log", *(f"seal {seal_id}: changed" for seal_id in (1, 2, 3, 4)),
    ]  # fmt: skip


async def test_entry_that_two_seals_hold_is_found(
    services: Services, five_seals: list[int], sql: Sql, verify: Verify
) -> None:
    await sql("UPDATE audit_log SET seal_id = NULL WHERE id = :id", id=five_seals[1])
    assert await services.operations.audit_sealer.run_once() == 1

    assert (await verify())[0] == [f"entry {five_seals[1]}: missing; seal 2 holds it"]


async def test_entry_that_takes_the_id_of_a_sealed_one_is_found(
    services: Services, five_seals: list[int], sql: Sql, write: Write, verify: Verify
) -> None:
    await sql("DELETE FROM audit_log WHERE id = :id", id=five_seals[1])
    await write(id=five_seals[1], user_id=666)
    assert await services.operations.audit_sealer.run_once() == 1

    assert (await verify())[0] == [f"entry {five_seals[1]}: missing; seal 2 holds it"]


# MySQL keeps moments as moments, and texts as texts.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("form", ["{at}.000000+00:00", "{later}.000000+02:00", "{at}", "{at}Z", "{at}.000000 "])
async def test_moment_that_is_written_another_way_is_found(
    five_seals: list[int], clock: FakeClock, sql: Sql, verify: Verify, form: str
) -> None:
    at, later = (moment.strftime("%Y-%m-%d %H:%M:%S") for moment in (clock.now(), clock.now() + timedelta(hours=2)))
    await sql("UPDATE audit_log SET at = :at WHERE id = :id", at=form.format(at=at, later=later), id=five_seals[0])

    assert (await verify())[0] == [f"entry {five_seals[0]}: changed since seal 1"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("value", ["CAST(X'ff' AS TEXT)", "X'3230332e302e3131332e37'", "5"])
async def test_value_of_another_kind_is_found_and_stops_nobody(
    services: Services, five_seals: list[int], sql: Sql, verify: Verify, write: Write, value: str
) -> None:
    await sql(f"UPDATE audit_log SET address = {value} WHERE id = :id", id=five_seals[0])
    [odd] = await write()
    await sql(f"UPDATE audit_log SET address = {value} WHERE id = :id", id=odd)

    assert await services.operations.audit_sealer.run_once() == 1
    assert (await verify())[0] == [f"entry {five_seals[0]}: changed since seal 1"]


async def test_member_that_is_there_twice_is_found(
    services: Services, five_seals: list[int], sql: Sql, verify: Verify
) -> None:
    twice = '{"amr": "otp", "n": 0, "amr": "pwd"}'
    await sql("UPDATE audit_log SET details = :twice WHERE id = :id", twice=twice, id=five_seals[0])
    async with services.platform.database.read() as tx:
        kept = await tx.scalar(text("SELECT details FROM audit_log WHERE id = :id"), {"id": five_seals[0]})
    if kept != twice:
        pytest.skip("this MySQL keeps one member of each name; run it on SQLite or MariaDB")

    assert (await verify())[0] == [f"entry {five_seals[0]}: changed since seal 1"]


async def test_command_says_since_when_entries_wait_for_their_seal(
    make_settings: MakeSettings, write: Write, clock: FakeClock
) -> None:
    clock.advance(days=-3)
    await write(2)
    since = f"{clock.now():%Y-%m-%dT%H:%M:%S.%fZ}"

    result = await run_command(make_settings(), "audit", "verify")

    # The command makes the first signing keys, which is told as well.
    assert result.stdout.splitlines()[0].startswith("0 entries in 0 seals, ")
    assert result.stdout.splitlines()[0].endswith(f" not sealed yet, the oldest since {since}")


async def sealed(
    make_services: MakeServices, write: Write, clock: FakeClock, secret: str, previous: str | None
) -> Services:
    """Seal two entries with a worker of these secrets, and return it."""
    services = make_services(secret_key=secret, secret_key_previous=previous)
    await write(2)
    clock.advance(minutes=1)
    assert await services.operations.audit_sealer.run_once() == 2
    return services


async def test_former_secret_purges_nothing_after_its_time(
    make_services: MakeServices, write: Write, clock: FakeClock, sql: Sql, verify: Verify
) -> None:
    first = await sealed(make_services, write, clock, SECRET, None)
    clock.advance(days=401)
    await sealed(make_services, write, clock, SECRET, None)
    assert await first.operations.audit_retention.run() == 2
    await sealed(make_services, write, clock, SECOND, SECRET)
    now = make_services(secret_key=SECOND)
    findings, tally = await verify(by=now)
    assert (findings, tally.purged) == ([], 2)

    digest = await _one(now, "SELECT digest FROM audit_seals WHERE id = 2")
    proof = purge_proof(
        SecretKeys(SECRET).derive(PURPOSE)[0], digest=digest, purged_at="2026-01-01T00:00:00.000000+00:00"
    )
    await sql("DELETE FROM audit_log WHERE seal_id = 2")
    await sql(
        "UPDATE audit_seals SET `rows` = '[]', purged_at = '2026-01-01 00:00:00.000000', purge_proof = :proof "
        "WHERE id = 2",
        proof=proof,
    )

    assert (await verify(by=now))[0] == ["seal 2: its list of entries was changed; they cannot be checked"]


async def test_purge_by_a_replica_that_still_has_the_former_secret_is_no_harm(
    make_services: MakeServices, write: Write, clock: FakeClock, verify: Verify
) -> None:
    old = await sealed(make_services, write, clock, SECRET, None)
    await sealed(make_services, write, clock, SECOND, SECRET)
    clock.advance(days=401)
    assert await old.operations.audit_retention.run() == 2

    await sealed(make_services, write, clock, SECOND, SECRET)

    findings, tally = await verify(by=make_services(secret_key=SECOND))
    assert (findings, tally.purged) == ([], 2)


async def test_hand_over_is_made_once_where_the_former_secret_does_nothing_more(
    make_services: MakeServices, write: Write, clock: FakeClock
) -> None:
    for secrets in ((SECRET, None), (SECOND, SECRET), (SECOND, SECRET), (SECOND, SECRET)):
        services = await sealed(make_services, write, clock, *secrets)

    assert await _one(services, "SELECT COUNT(*) FROM audit_seals WHERE handover IS NOT NULL") == 1


def test_last_hand_over_of_a_key_counts() -> None:
    own, old = b"n" * 32, b"o" * 32
    handovers = [(9, hand_over(own, old, purged=4)), (5, hand_over(own, old, purged=7))]

    [_, known] = known_keys([own], handovers)

    assert (known.key, known.until, known.purged) == (old, 9, 4)
    assert (known.may_seal(8), known.may_seal(9), known.may_purge(4), known.may_purge(5)) == (True, False, True, False)


async def test_chain_that_an_earlier_version_has_sealed_is_whole_and_goes_on(
    make_services: MakeServices, write: Write, clock: FakeClock, sql: Sql, verify: Verify
) -> None:
    await _fill(sql)
    head = Head.read(OF_BEFORE["head"])
    findings, tally = await verify(head, by=make_services(secret_key=SECOND))
    assert (findings, tally.seals, tally.entries, tally.purged) == ([], 6, 8, 4)

    services = await sealed(make_services, write, clock, SECOND, SECRET)
    clock.advance(days=1000)
    assert await services.operations.audit_retention.run() == 10
    third = await sealed(make_services, write, clock, "third-" + SECOND, SECOND)
    await sealed(make_services, write, clock, "third-" + SECOND, None)

    findings, tally = await verify(head, by=third)
    assert (findings, tally.seals, tally.entries, tally.purged) == ([], 9, 4, 14)


async def test_chain_that_an_earlier_version_has_sealed_is_checked_as_any_other(
    make_services: MakeServices, sql: Sql, verify: Verify
) -> None:
    await _fill(sql)
    await sql("UPDATE audit_log SET user_id = 9 WHERE id = 5")
    await sql("UPDATE audit_seals SET previous = 'x' WHERE id = 6")

    assert (await verify(by=make_services(secret_key=SECOND)))[0] == [
        "seal 6: does not follow seal 5", "seal 6: changed", "entry 5: changed since seal 3",
    ]  # fmt: skip


async def _fill(sql: Sql) -> None:
    for table in ("audit_log", "audit_seals"):
        for row in OF_BEFORE[table]:
            names = ", ".join(f"`{name}`" for name in row)
            await sql(f"INSERT INTO {table} ({names}) VALUES ({', '.join(f':{name}' for name in row)})", **row)


async def _one(services: Services, query: str) -> Any:
    async with services.platform.database.read() as tx:
        return await tx.scalar(text(query))
