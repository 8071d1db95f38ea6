"""Codes of apps and recovery codes, as the engines keep them: one use, one account, and another SECRET_KEY."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from sqlalchemy import select, update

from gatepost.composition.services import Services
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.models import User
from gatepost.identity.assurance.second_factors import Answer, FactorMethod
from gatepost.identity.credentials.totp.codes import code_at, step_at
from gatepost.identity.factors.enrolment import HAS_SECOND_FACTOR
from gatepost.identity.factors.errors import FactorUnreadable
from gatepost.identity.factors.models import RecoveryCodes, TotpSecret
from tests.conftest import SECRET, MakeServices
from tests.support.api import Api, Person
from tests.support.clock import FakeClock

T = TypeVar("T")

NEW = "tomorrows-9876543210-zyxwvutsrqponmlkjihgfedcba"


class Engines:
    """The engines of one process, each call in a transaction of its own."""

    def __init__(self, services: Services, person: Person) -> None:
        self._database = services.platform.database
        self._clock = services.platform.clock
        self._id = person.id
        self._identity = services.identity

    async def start(self) -> bytes:
        secret = await self._run(self._identity.totp.start)
        assert secret is not None
        return secret

    async def confirm(self, code: str) -> bool:
        return await self._run(lambda tx, user: self._identity.totp.confirm(tx, user, code))

    async def use(self, code: str) -> bool:
        return await self._use(self._identity.totp, code)

    async def enrol(self) -> bytes:
        secret = await self.start()
        assert await self.confirm(self.code(secret))
        return secret

    def code(self, secret: bytes, *, away: int = 0) -> str:
        return code_at(secret, step_at(self._clock.now()) + away)

    async def make_codes(self) -> list[str]:
        return await self._run(self._identity.recovery_codes.make)

    async def recover(self, code: str) -> bool:
        return await self._use(self._identity.recovery_codes, code)

    async def left(self) -> int:
        async with self._database.read() as tx:
            stored = await tx.get(RecoveryCodes, self._id)
        assert stored is not None
        return stored.left

    async def _use(self, method: FactorMethod, code: str) -> bool:
        answer = Answer(method.name, code=code)
        return await self._run(lambda tx, user: method.use(tx, user, answer, info=RequestInfo())) is not None

    @retry_conflicts
    async def _run(self, work: Callable[[Transaction, User], Awaitable[T]]) -> T:
        async with self._database.begin() as tx:
            user = await tx.get(User, self._id)
            assert user is not None
            return await work(tx, user)


@pytest.fixture
def engines(services: Services, person: Person) -> Engines:
    return Engines(services, person)


async def has_factor(database: Database, person: Person) -> bool:
    async with database.read() as tx:
        return bool(await tx.scalar(select(HAS_SECOND_FACTOR).select_from(User).where(User.id == person.id)))


async def test_secret_counts_after_its_first_right_code(engines: Engines, database: Database, person: Person) -> None:
    secret = await engines.start()
    assert not await has_factor(database, person)
    assert not await engines.use(engines.code(secret))
    assert not await engines.confirm(engines.code(secret, away=2))

    assert await engines.confirm(engines.code(secret))

    assert await has_factor(database, person)
    assert not await engines.confirm(engines.code(secret, away=1))


async def test_secret_that_is_shown_anew_takes_the_place_of_the_first(engines: Engines) -> None:
    first, second = await engines.start(), await engines.start()

    assert not await engines.confirm(engines.code(first))
    assert await engines.confirm(engines.code(second))


async def test_confirmed_secret_is_not_replaced(engines: Engines, clock: FakeClock) -> None:
    secret = await engines.enrol()

    with pytest.raises(AssertionError):
        await engines.start()

    clock.advance(minutes=1)
    assert await engines.use(engines.code(secret))


async def test_abandoned_secret_is_confirmed_no_more_and_goes(
    engines: Engines, services: Services, database: Database, clock: FakeClock
) -> None:
    secret = await engines.start()
    clock.advance(hours=1)

    assert not await engines.confirm(engines.code(secret))

    await services.operations.purger.run_in_turn()
    async with database.read() as tx:
        assert (await tx.scalars(select(TotpSecret))).all() == []


async def test_code_is_used_once_and_none_before_it_after_it(engines: Engines, clock: FakeClock) -> None:
    secret = await engines.enrol()
    assert not await engines.use(engines.code(secret))
    clock.advance(minutes=5)

    assert await engines.use(engines.code(secret, away=1))

    assert not await engines.use(engines.code(secret, away=1))
    assert not await engines.use(engines.code(secret))
    assert not await engines.use(engines.code(secret, away=-1))
    clock.advance(minutes=1)
    assert await engines.use(engines.code(secret))


async def test_of_equal_codes_at_once_one_is_good(engines: Engines, clock: FakeClock) -> None:
    secret = await engines.enrol()
    codes = await engines.make_codes()
    clock.advance(minutes=1)

    for use, code in ((engines.use, engines.code(secret)), (engines.recover, codes[3])):
        verdicts = await asyncio.gather(*(use(code) for _ in range(10)))
        assert sorted(verdicts) == [False] * 9 + [True]


async def test_recovery_codes_are_good_once_each_however_they_are_typed(engines: Engines) -> None:
    codes = await engines.make_codes()
    assert (len(set(codes)), await engines.left()) == (10, 10)

    assert await engines.recover(codes[0])
    assert not await engines.recover(codes[0])
    assert await engines.recover(codes[1].lower().replace("-", ""))
    assert await engines.recover(f" {codes[2].replace('-', ' - ')} ".replace("0", "o").replace("1", "l"))
    assert not await engines.recover("00000-00000")
    assert not await engines.recover("")

    assert await engines.left() == 7
    assert [await engines.recover(code) for code in codes[3:]] == [True] * 7
    assert await engines.left() == 0


async def test_new_recovery_codes_make_those_of_before_void(engines: Engines) -> None:
    old = await engines.make_codes()
    new = await engines.make_codes()

    assert not await engines.recover(old[0])
    assert await engines.recover(new[0])


async def test_codes_are_no_others_accounts(engines: Engines, services: Services, api: Api, clock: FakeClock) -> None:
    secret, codes = await engines.enrol(), await engines.make_codes()
    other = Engines(services, await api.sign_up("other"))
    await other.enrol()
    await other.make_codes()
    clock.advance(minutes=1)

    assert not await other.use(engines.code(secret))
    assert not await other.recover(codes[0])


async def test_nothing_of_them_can_be_read_in_the_database(engines: Engines, database: Database) -> None:
    secret, codes = await engines.enrol(), await engines.make_codes()

    async with database.read() as tx:
        totp = (await tx.execute(select(*TotpSecret.__table__.columns))).all()
        recovery = (await tx.execute(select(*RecoveryCodes.__table__.columns))).all()
    stored = str(totp) + str(recovery)
    assert secret.hex() not in stored
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)


async def test_row_that_is_moved_to_another_account_opens_nothing(
    engines: Engines, database: Database, api: Api, services: Services
) -> None:
    secret = await engines.enrol()
    other = await api.sign_up("other")
    async with database.begin() as tx:
        await tx.execute(update(TotpSecret).values(user_id=other.id, last_step=0))

    with pytest.raises(FactorUnreadable):
        await Engines(services, other).use(engines.code(secret))


async def test_account_that_has_the_number_after_a_restore_does_not_get_the_secret(
    engines: Engines, database: Database, person: Person
) -> None:
    secret = await engines.enrol()
    async with database.begin() as tx:
        await tx.execute(update(User).where(User.id == person.id).values(random_id="0123456789abcdef"))
        await tx.execute(update(TotpSecret).values(last_step=0))

    with pytest.raises(FactorUnreadable):
        await engines.use(engines.code(secret))


async def test_secret_key_is_replaced_and_no_factor_is_lost(
    engines: Engines, person: Person, make_services: MakeServices, database: Database, clock: FakeClock
) -> None:
    secret, codes = await engines.enrol(), await engines.make_codes()
    both = make_services(secret_key=NEW, secret_key_previous=SECRET)
    clock.advance(minutes=1)
    assert await Engines(both, person).use(engines.code(secret))
    assert await Engines(both, person).recover(codes[0])
    before = await stored(database)

    await both.operations.purger.run_in_turn()
    assert await both.identity.seal_renewal.run() == 0

    after = await stored(database)
    assert not set(before) & set(after)
    clock.advance(minutes=1)
    alone = Engines(make_services(secret_key=NEW), person)
    assert await alone.use(engines.code(secret))
    assert await alone.recover(codes[1])
    assert not await alone.recover(codes[0])
    assert await alone.left() == 8


async def test_secret_that_other_hands_have_changed_holds_up_no_other(
    engines: Engines, person: Person, make_services: MakeServices, database: Database, api: Api, services: Services
) -> None:
    await engines.enrol()
    other = Engines(services, await api.sign_up("other"))
    await other.enrol()
    async with database.begin() as tx:
        broken = (await tx.scalars(select(TotpSecret).where(TotpSecret.user_id == person.id))).one()
        broken.sealed_secret = broken.sealed_secret[:-3]

    both = make_services(secret_key=NEW, secret_key_previous=SECRET)
    assert await both.identity.seal_renewal.run() == 1
    assert await both.identity.seal_renewal.run() == 0


async def test_many_that_cannot_be_opened_are_in_the_way_of_no_other(
    engines: Engines,
    make_services: MakeServices,
    database: Database,
    api: Api,
    services: Services,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("gatepost.identity.factors.renewal.BATCH", 2)
    await engines.enrol()
    for number in range(7):
        other = await api.sign_up(f"other{number}")
        last = Engines(services, other)
        secret = await last.enrol()
    async with database.begin() as tx:
        rows = (await tx.scalars(select(TotpSecret).order_by(TotpSecret.user_id))).all()
        for row in rows[:5]:
            row.sealed_secret = row.sealed_secret[:-3]
    both = make_services(secret_key=NEW, secret_key_previous=SECRET)

    with caplog.at_level("WARNING", logger="gatepost"):
        for task in both.operations.purger.tasks:
            if task.name == "sealed secrets":
                assert await both.operations.purger.run_all(task) == 3

    assert f"second factors that cannot be opened: 5, among them that of account {rows[0].user_id};" in caplog.text
    clock.advance(minutes=1)
    assert await Engines(make_services(secret_key=NEW), other).use(last.code(secret))
    report = await both.identity.seal_survey.run()
    assert (report.tried, report.closed, report.example) == (8, 5, rows[0].user_id)


async def test_survey_is_bounded(
    engines: Engines, services: Services, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatepost.identity.factors.renewal.BATCH", 2)
    monkeypatch.setattr("gatepost.identity.factors.renewal.MOST_TRIED", 4)
    await engines.enrol()
    for number in range(5):
        await Engines(services, await api.sign_up(f"other{number}")).enrol()

    report = await services.identity.seal_survey.run()

    assert (report.tried, report.closed, report.example) == (4, 0, None)


async def stored(database: Database) -> list[str]:
    async with database.read() as tx:
        secrets = (await tx.scalars(select(TotpSecret.sealed_secret))).all()
        keys = (await tx.scalars(select(RecoveryCodes.sealed_key))).all()
    return [*secrets, *keys]
