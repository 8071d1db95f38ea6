"""Wrong codes of second factors: whom they make wait, for how long, and what ends that."""

from datetime import timedelta

import pytest

from gatepost.composition.services import Services
from gatepost.core.db.database import Database, retry_conflicts
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.models import User
from gatepost.identity.throttling.counters import Counter, CounterKind
from gatepost.identity.throttling.devices import UNKNOWN_DEVICE, Device
from gatepost.identity.throttling.errors import TooManyAttempts
from tests.support.api import Api
from tests.support.clock import FakeClock

FREE = 5
STRANGER = RequestInfo(address="198.51.100.1")


@pytest.fixture
async def user(api: Api, database: Database) -> User:
    person = await api.sign_up()
    async with database.read() as tx:
        found = await tx.get(User, person.id)
    assert found is not None
    return found


class Guesser:
    """Whoever guesses codes of an account."""

    def __init__(self, services: Services, user: User, device: Device = UNKNOWN_DEVICE) -> None:
        self._guesses = services.identity.guesses
        self._database = services.platform.database
        self._user = user
        self.counters: tuple[Counter, ...] = self._guesses.of_second_factors(user, info=STRANGER, device=device)

    @retry_conflicts
    async def fail(self) -> tuple[CounterKind, ...]:
        async with self._database.begin() as tx:
            return await self._guesses.record_failure(tx, self.counters, info=STRANGER, user_id=self._user.id)

    @retry_conflicts
    async def succeed(self) -> None:
        async with self._database.begin() as tx:
            await self._guesses.record_success(tx, self.counters, self._user, info=STRANGER)


def owners_device(user: User, nonce: str = "n" * 22) -> Device:
    return Device(nonce, (f"{user.id}_{user.random_id}",))


async def test_waits_for_strangers_grow_to_a_day_and_do_not_begin_anew(
    services: Services, user: User, clock: FakeClock
) -> None:
    stranger = Guesser(services, user)
    told = [await stranger.fail() for _ in range(FREE)]
    assert told == [()] * (FREE - 1) + [(CounterKind.SECOND_FACTOR,)]

    waits = []
    for _ in range(20):
        with pytest.raises(TooManyAttempts) as refused:
            await stranger.fail()
        waits.append(int(refused.value.headers["Retry-After"]))
        clock.advance(seconds=waits[-1])
        assert await stranger.fail() == ()

    assert waits[:4] == [5, 10, 20, 40]
    assert waits[-5:] == [86400] * 5
    clock.advance(days=29)
    await stranger.fail()
    with pytest.raises(TooManyAttempts) as refused:
        await stranger.fail()
    assert refused.value.headers["Retry-After"] == "86400"


async def test_right_code_at_a_wait_is_not_told(services: Services, user: User) -> None:
    stranger = Guesser(services, user)
    for _ in range(FREE):
        await stranger.fail()

    with pytest.raises(TooManyAttempts):
        await stranger.succeed()


async def test_strangers_make_no_known_device_wait_and_none_ends_the_wait_of_others(
    services: Services, user: User
) -> None:
    stranger, owner = Guesser(services, user), Guesser(services, user, owners_device(user))
    for _ in range(FREE):
        await stranger.fail()

    await owner.fail()
    await owner.succeed()

    with pytest.raises(TooManyAttempts):
        await stranger.fail()


async def test_many_known_devices_have_no_more_guesses_than_one(services: Services, user: User) -> None:
    devices = [Guesser(services, user, owners_device(user, nonce=letter * 22)) for letter in "abcdef"]
    for device in devices[:FREE]:
        await device.fail()

    with pytest.raises(TooManyAttempts):
        await devices[-1].fail()


async def test_device_of_somebody_else_is_a_stranger(services: Services, user: User) -> None:
    other = Guesser(services, user, Device("n" * 22, (f"{user.id + 1}_{user.random_id}",)))

    assert other.counters == Guesser(services, user).counters


async def test_no_device_is_known_once_one_was_disowned(services: Services, user: User, clock: FakeClock) -> None:
    user.disowned_at = clock.now() - timedelta(days=1)

    assert Guesser(services, user, owners_device(user)).counters == Guesser(services, user).counters


async def test_right_password_ends_no_wait_for_codes_and_an_operator_does(
    services: Services, user: User, api: Api
) -> None:
    stranger = Guesser(services, user)
    for _ in range(FREE):
        await stranger.fail()
    await api.sign_in(user.username)
    with pytest.raises(TooManyAttempts):
        await stranger.fail()

    assert await services.admin.unlocker.run(names=[user.username], addresses=[]) == 1

    assert await stranger.fail() == ()
