"""The hash chain over any history: honest ones are whole, and whatever somebody does to one by hand is found."""

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import URL, event

from gatepost.audit.chain import moment, purge_proof
from gatepost.audit.models import AuditEntry, AuditSeal
from gatepost.audit.retention import AuditRetention
from gatepost.audit.sealer import PURPOSE, AuditSealer
from gatepost.audit.verify import ChainCheck, Head
from gatepost.core.crypto.secrets import SecretKeys
from gatepost.core.db.database import Database, create_engine
from gatepost.core.db.leases import Leases
from gatepost.models import Base
from tests.fuzz.budget import budget
from tests.support.clock import FakeClock

RETENTION_DAYS = 10
HARMS_OF_A_HISTORY = 4
TABLES = {"audit_log": AuditEntry, "audit_seals": AuditSeal}
STEPS = ("write", "write", "seal", "seal", "age", "purge", "purge", "rotate", "settle", "check", "put_back")
# What a database may hold where the service has written something else.
ODD = (
    "'é'", "CAST(X'ff' AS TEXT)", "X'ff00'", "5", "1.5", "NULL", "''", "'x' || char(10) || 'whole'",
    "9223372036854775807", f"'{'[' * 800 + ']' * 800}'",
)  # fmt: skip

Tables = dict[str, list[tuple[Any, ...]]]


class History:
    """A log in a database of its own, and two replicas that write it, each with a clock of its own."""

    def __init__(self, database: Database, path: Path) -> None:
        self._db = database
        self._by_hand = sqlite3.connect(path, isolation_level=None)
        self._by_hand.execute("PRAGMA synchronous = OFF")
        self._by_hand.text_factory = lambda text: text.decode("utf-8", "surrogateescape")

    def begin(self, rng: random.Random) -> None:
        """Empty the log."""
        self._rng = rng
        self._clocks = (FakeClock(), FakeClock())
        # Nearly as far as they may be apart.
        self._clocks[1].advance(minutes=-9)
        self._leases = [Leases(self._db, clock) for clock in self._clocks]
        self._made = 0
        self.sql("DELETE FROM leases")
        self.secrets = ["secret-0"]
        self.is_rolling = False
        self.heads: list[Head] = []
        self.states: list[Tables] = []
        self.put({table: [] for table in TABLES})

    @property
    def newest(self) -> SecretKeys:
        """The settings of the newest replica."""
        return SecretKeys(self.secrets[-1], self.secrets[-2] if self.is_rolling else None)

    def _replica(self) -> SecretKeys:
        return self._rng.choice([self.newest, SecretKeys(self.secrets[-2])]) if self.is_rolling else self.newest

    def _advance(self, **time: float) -> None:
        for clock in self._clocks:
            clock.advance(**time)

    async def write(self, **values: Any) -> None:
        """Write a few entries, as the service does."""
        self._made += 1
        async with self._db.begin() as tx:
            tx.add_all(
                AuditEntry(
                    **{"at": self._rng.choice(self._clocks).now(), "event": "session.opened", "user_id": number,
                       "actor_id": None, "session_id": self._made, "address": "", "request_id": "",
                       "details": {"n": number}} | values
                )
                for number in range(self._rng.randint(1, 3))
            )  # fmt: skip

    async def seal(self) -> None:
        """Let a replica seal, unless the other one has the lease."""
        await self._seal(self._replica())

    async def _seal(self, secrets: SecretKeys) -> int:
        at = self._rng.randrange(len(self._clocks))
        return await AuditSealer(self._db, self._clocks[at], self._leases[at], secrets).run_once()

    async def age(self) -> None:
        """Let days go by."""
        self._advance(days=self._rng.randint(1, RETENTION_DAYS))

    async def purge(self) -> None:
        """Let a replica purge."""
        clock = self._rng.choice(self._clocks)
        await AuditRetention(self._db, clock, self._replica(), days=RETENTION_DAYS).run()

    async def put_back(self) -> None:
        """Put what was purged back as it was, which is no harm."""
        if not self.states:
            return
        state = self._rng.choice(self.states)
        purged = {row[0] for row in self.sql("SELECT id FROM audit_seals WHERE purged_at IS NOT NULL")}
        kept = {row[0] for row in state["audit_log"] if row[-1] in purged}
        back = {row[-1] for row in state["audit_log"] if row[0] in kept}
        now = self.take()
        seals = {row[0]: row for row in state["audit_seals"] if row[0] in back}
        now["audit_seals"] = [seals.get(row[0], row) for row in now["audit_seals"]]
        now["audit_log"] += [row for row in state["audit_log"] if row[0] in kept]
        self.put(now)

    async def rotate(self) -> None:
        """Begin to replace the secret; a replica with the former one goes on."""
        if not self.is_rolling:
            self.secrets.append(f"secret-{len(self.secrets)}")
            self.is_rolling = True

    async def settle(self) -> None:
        """End it as the documents say: the old replica goes, a seal is made, SECRET_KEY_PREVIOUS is taken out."""
        if self.is_rolling:
            await self.must_seal(self.newest)
            self.is_rolling = False

    async def must_seal(self, secrets: SecretKeys) -> None:
        """Write something, and seal it; the lease of any clock is over by then."""
        self._advance(minutes=10)
        await self.write()
        assert await self._seal(secrets) > 0
        assert self.sql("SELECT 1 FROM audit_log WHERE seal_id IS NULL") == []

    async def check(self) -> None:
        """Verify, with every head that was kept so far, and keep this one."""
        findings, head = await self.verify()
        assert findings == []
        if head is not None:
            self.heads.append(head)
            self.states.append(self.take())

    async def verify(self, secrets: SecretKeys | None = None) -> tuple[list[str], Head | None]:
        """Return what is found, and the head."""
        check = ChainCheck(self._db, secrets or self.newest)
        return [line async for line in check.findings(self.heads)], check.report.head

    def take(self) -> Tables:
        """Return all that is in the tables."""
        return {table: self.sql(f"SELECT * FROM {table} ORDER BY id") for table in TABLES}

    def put(self, state: Tables) -> None:
        """Make the tables hold this and nothing else."""
        self.sql("BEGIN")
        for table, rows in state.items():
            self.sql(f"DELETE FROM {table}")
            marks = ", ".join("?" for _ in Base.metadata.tables[table].c)
            self._by_hand.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
        self.sql("COMMIT")

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Do something by hand."""
        return self._by_hand.execute(statement, values).fetchall()

    def end(self) -> None:
        """Close what was opened."""
        self._by_hand.close()


@pytest.fixture(scope="module")
async def history(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[History]:
    """Give a log, whose batches are so small that short histories go beyond them.

    What a disk makes of it is not what these tests are about.
    """
    small = pytest.MonkeyPatch()
    for name in ("retention.SEALS", "sealer.LOOKED_AT"):
        small.setattr(f"gatepost.audit.{name}", 2)
    path = tmp_path_factory.mktemp("chain") / "log.db"
    engine = create_engine(URL.create("sqlite+aiosqlite", database=str(path)))
    event.listen(engine.sync_engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    async with engine.begin() as connection:
        tables = [Base.metadata.tables[name] for name in (*TABLES, "leases")]
        await connection.run_sync(lambda sync: Base.metadata.create_all(sync, tables=tables))
    history = History(Database(engine, timeout_seconds=30), path)
    yield history
    small.undo()
    history.end()
    await engine.dispose()


Harm = Callable[[History, random.Random], bool | None]
HARMS: list[Harm] = []


def harm(function: Harm) -> Harm:
    """Add something that somebody does by hand; it returns False where this log has nothing to do it to."""
    HARMS.append(function)
    return function


def _entry(log: History, rng: random.Random) -> int | None:
    """Return the id of an entry that is sealed."""
    found: list[int | None] = [row[0] for row in log.sql("SELECT id FROM audit_log WHERE seal_id IS NOT NULL")]
    return rng.choice(found or [None])


def _seal(log: History, rng: random.Random) -> int:
    return int(rng.choice(log.sql("SELECT id FROM audit_seals"))[0])


def _last(log: History) -> int:
    [(last,)] = log.sql("SELECT MAX(id) FROM audit_seals")
    return int(last)


@harm
def change_an_entry(log: History, rng: random.Random) -> bool:
    column, value = rng.choice([
        ("event", "account.erased"), ("user_id", 99), ("actor_id", 0), ("actor_id", 99), ("session_id", 0),
        ("session_id", None), ("address", "203.0.113.9"), ("request_id", "r"), ("at", "2020-01-01 00:00:00.000000"),
        ("details", "{}"), ("details", '{"n": null}'), ("details", "no json"), ("id", 10**9), ("address", b""),
    ])  # fmt: skip
    entry = _entry(log, rng)
    log.sql(f"UPDATE audit_log SET {column} = ? WHERE id = ?", value, entry)
    return entry is not None


def _make_odd(log: History, rng: random.Random, table: str, row: int | None) -> bool:
    """Write an odd value into a column of a row; return whether it holds something else now."""
    column = rng.choice([column.name for column in Base.metadata.tables[table].columns if column.name != "id"])
    query = f"SELECT typeof({column}), {column} FROM {table} WHERE id = ?"
    before = log.sql(query, row)
    with suppress(sqlite3.IntegrityError):  # NOT NULL
        log.sql(f"UPDATE {table} SET {column} = {rng.choice(ODD)} WHERE id = ?", row)
    return log.sql(query, row) != before


@harm
def make_an_entry_odd(log: History, rng: random.Random) -> bool:
    return _make_odd(log, rng, "audit_log", _entry(log, rng))


@harm
def make_a_seal_odd(log: History, rng: random.Random) -> bool:
    # Once its entries are purged, the contents of a seal are no longer checked.
    [seal] = rng.choice(log.sql("SELECT id FROM audit_seals WHERE purged_at IS NULL") or [(None,)])
    return _make_odd(log, rng, "audit_seals", seal)


@harm
def make_the_newest_seal_odd(log: History, rng: random.Random) -> bool:
    return _make_odd(log, rng, "audit_seals", _last(log))


@harm
def add_entries_that_wait_and_are_odd(log: History, rng: random.Random) -> bool:
    """They are sealed as they are, like all that is added before it is sealed."""
    log.sql("INSERT INTO audit_log SELECT 10000000, '2026-01-01 00:00:00.000000', 'x', 1, 1, 1, '', '', '{}', NULL")
    column = rng.choice(["at", "event", "user_id", "session_id", "address", "details"])
    with suppress(sqlite3.IntegrityError):
        log.sql(f"UPDATE audit_log SET {column} = {rng.choice(ODD)} WHERE id = 10000000")
    return False


@harm
def put_a_seal_at_the_end_of_all_numbers(log: History, rng: random.Random) -> None:
    for end in rng.choice([(0,), (1,), (0, 1), (0, 1, 2), (10**18,)]):
        log.sql("UPDATE audit_seals SET id = ? WHERE id = ?", 2**63 - 1 - end, _seal(log, rng))


@harm
def write_its_moment_another_way(log: History, rng: random.Random) -> bool:
    entry = _entry(log, rng)
    log.sql(f"UPDATE audit_log SET at = at || '{rng.choice(['+02:00', 'Z', ' ', '0'])}' WHERE id = ?", entry)
    return entry is not None


@harm
def remove_an_entry(log: History, rng: random.Random) -> bool:
    entry = _entry(log, rng)
    log.sql("DELETE FROM audit_log WHERE id = ?", entry)
    return entry is not None


@harm
def add_an_entry_under_a_seal(log: History, rng: random.Random) -> None:
    seal = rng.choice([_seal(log, rng), 0, -1, _last(log) + 50])
    log.sql("INSERT INTO audit_log SELECT 10000000, '2026-01-01 00:00:00.000000', 'x', 1, 1, 1, '', '', '{}', ?", seal)


@harm
def move_an_entry(log: History, rng: random.Random) -> bool:
    entry = _entry(log, rng)
    log.sql("UPDATE audit_log SET seal_id = ? WHERE id = ?", rng.choice([None, _last(log) + 50, 0, -3]), entry)
    return entry is not None


@harm
def exchange_two_entries(log: History, rng: random.Random) -> bool:
    first, second = _entry(log, rng), _entry(log, rng)
    for old, new in ((first, -7), (second, first), (-7, second)):
        log.sql("UPDATE audit_log SET id = ? WHERE id = ?", new, old)
    return first != second


@harm
def change_a_seal(log: History, rng: random.Random) -> None:
    column, value = rng.choice([
        ("entries", 77), ("previous", "a" * 64), ("previous", "x"), ("content", "a" * 64), ("handover", "a" * 140),
        ("digest", "a" * 64), ("sealed_at", "2020-01-01 00:00:00.000000"), ("purge_proof", "a" * 64), ("id", 10**9),
        ("purged_at", "2020-01-01 00:00:00.000000"), ("digest", ""),
    ])  # fmt: skip
    log.sql(f"UPDATE audit_seals SET {column} = ? WHERE id = ?", value, _seal(log, rng))


@harm
def give_a_seal_what_another_one_has(log: History, rng: random.Random) -> bool:
    column = rng.choice(["previous", "content", "digest"])
    to, of = _seal(log, rng), _seal(log, rng)
    log.sql(f"UPDATE audit_seals SET {column} = (SELECT {column} FROM audit_seals WHERE id = ?) WHERE id = ?", of, to)
    return to != of


@harm
def hand_a_key_over_elsewhere(log: History, rng: random.Random) -> bool:
    handovers = log.sql("SELECT id, handover FROM audit_seals WHERE handover IS NOT NULL")
    if not handovers:
        return False
    [of, handover] = rng.choice(handovers)
    if rng.random() < 0.5:
        log.sql("UPDATE audit_seals SET handover = NULL WHERE id = ?", of)
        return True
    to = _seal(log, rng)
    log.sql("UPDATE audit_seals SET handover = ? WHERE id = ?", handover, to)
    return bool(to != of)


@harm
def empty_the_list_of_a_seal(log: History, rng: random.Random) -> bool:
    [seal] = rng.choice(log.sql("SELECT id FROM audit_seals WHERE purged_at IS NULL") or [(None,)])
    log.sql(
        "UPDATE audit_seals SET rows = ? WHERE id = ?", rng.choice(["[]", "null", "{}", "no json", '[["1", 2]]']), seal
    )
    log.sql("DELETE FROM audit_log WHERE seal_id = ?", seal)
    return bool(seal is not None)


@harm
def remove_a_seal(log: History, rng: random.Random) -> None:
    seal = _seal(log, rng)
    log.sql("DELETE FROM audit_seals WHERE id = ?", seal)
    if rng.random() < 0.5:
        log.sql("DELETE FROM audit_log WHERE seal_id = ?", seal)


@harm
def repeat_a_seal(log: History, rng: random.Random) -> None:
    names = [column.name for column in AuditSeal.__table__.columns if column.name != "id"]
    columns = ", ".join(names)
    log.sql(
        f"INSERT INTO audit_seals (id, {columns}) SELECT ?, {columns} FROM audit_seals WHERE id = ?",
        _last(log) + 1, _seal(log, rng),
    )  # fmt: skip


@harm
def exchange_two_seals(log: History, rng: random.Random) -> bool:
    first, second = _seal(log, rng), _seal(log, rng)
    for table, column in (("audit_seals", "id"), ("audit_log", "seal_id")):
        for old, new in ((first, -7), (second, first), (-7, second)):
            log.sql(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", new, old)
    return first != second


@harm
def cut_the_front_off_and_renumber(log: History, rng: random.Random) -> None:
    cut = _seal(log, rng)
    log.sql("DELETE FROM audit_seals WHERE id <= ?", cut)
    log.sql("DELETE FROM audit_log WHERE seal_id <= ?", cut)
    for seal in range(cut + 1, _last(log) + 1 if log.sql("SELECT 1 FROM audit_seals") else 0):
        log.sql("UPDATE audit_seals SET id = ? WHERE id = ?", seal - cut, seal)
        log.sql("UPDATE audit_log SET seal_id = ? WHERE seal_id = ?", seal - cut, seal)


@harm
def cut_the_end_off(log: History, rng: random.Random) -> None:
    """The service seals anew what was under it, or what somebody has made of it."""
    cut = _seal(log, rng)
    log.sql("DELETE FROM audit_seals WHERE id >= ?", cut)
    match rng.randint(1, 3):
        case 1:
            log.sql("DELETE FROM audit_log WHERE seal_id >= ?", cut)
        case 2:
            log.sql("UPDATE audit_log SET seal_id = NULL WHERE seal_id >= ?", cut)
        case 3:
            log.sql("UPDATE audit_log SET seal_id = NULL, user_id = 99 WHERE seal_id >= ?", cut)


@harm
def put_an_old_state_back(log: History, rng: random.Random) -> bool:
    state = rng.choice(log.states)
    log.put(state)
    return bool(state["audit_seals"] and state["audit_seals"][-1][0] < log.heads[-1].seal_id)


@harm
def call_a_seal_purged(log: History, rng: random.Random) -> bool:
    """With the mark of another seal, or by a key of the settings that was replaced and has become known."""
    [seal, digest] = rng.choice(
        log.sql("SELECT id, digest FROM audit_seals WHERE purged_at IS NULL AND id < ?", _last(log)) or [(None, "")]
    )
    marks = log.sql("SELECT purged_at, purge_proof FROM audit_seals WHERE purged_at IS NOT NULL")
    if len(log.secrets) > 1:
        at = "2026-01-01 00:00:00.000000"
        [leaked] = SecretKeys(rng.choice(log.secrets[:-1])).derive(PURPOSE)
        marks = [(at, purge_proof(leaked, digest=digest, purged_at=moment(at)))]
    if seal is None or not marks:
        return False
    at, proof = rng.choice(marks)
    log.sql("UPDATE audit_seals SET rows = '[]', purged_at = ?, purge_proof = ? WHERE id = ?", at, proof, seal)
    log.sql("DELETE FROM audit_log WHERE seal_id = ?", seal)
    return True


async def _replace(log: History, rng: random.Random) -> bool:
    """Let the service seal other entries in the place of a seal, and put the later seals back."""
    state = log.take()
    sealed = [row[0] for row in state["audit_seals"]]
    cut = rng.choice(sealed[:-1] or [None])
    if cut is None:
        return False
    log.sql("DELETE FROM audit_seals WHERE id >= ?", cut)
    log.sql("DELETE FROM audit_log WHERE seal_id >= ?", cut)
    await log.write(user_id=99)
    await log.seal()
    made = log.take()
    for table, place in (("audit_seals", 0), ("audit_log", -1)):
        made[table] += [row for row in state[table] if row[place] is not None and row[place] > cut]
    log.put(made)
    return True


@budget(30)
@given(steps=st.lists(st.sampled_from(STEPS), max_size=24), rng=st.randoms(use_true_random=False))
async def test_history_is_whole_and_every_harm_to_it_is_found(
    history: History, steps: list[str], rng: random.Random
) -> None:
    history.begin(rng)
    for step in (*steps, "settle"):
        await getattr(history, step)()
    await history.must_seal(history.newest)
    await history.check()
    state = history.take()
    for _ in range(HARMS_OF_A_HISTORY):
        done = rng.choice([*HARMS, _replace])
        harmed: Any = done(history, rng)
        harmed = await harmed if asyncio.iscoroutine(harmed) else harmed
        if rng.random() < 0.5:
            # Nothing that is in the tables stops this, nor what comes after it.
            await history.must_seal(rng.choice([history.newest, SecretKeys("secret-n", history.secrets[-1])]))
            findings, _ = await history.verify(SecretKeys("secret-n", history.secrets[-1]))
        else:
            findings, _ = await history.verify()
        assert findings or harmed is False, done.__name__
        await history.purge()
        await history.verify()
        history.put(state)
