"""Passwords: prepared alike, checked with the same work, and never more at once than there is room for."""

import asyncio
import math
import os
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest

from gatepost.core.crypto.hashing_pool import HashingBusy, HashingPool
from gatepost.core.crypto.passwords import Passwords, UnusablePasswordError, prepare
from gatepost.core.request_info import client_disconnected
from gatepost.core.settings import Settings


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    """Give passwords that are cheap to hash."""
    made = Passwords(rounds=4, queue=2)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("typed", "prepared"),
    [
        ("correct horse", "correct horse"),
        (" leading and trailing ", " leading and trailing "),
        ("CaSe", "CaSe"),
        ("cafe\u0301", "caf\u00e9"),
        ("a\u00a0b\u3000c", "a b c"),
        ("Ａ１", "Ａ１"),
        ("😀漢字", "😀漢字"),
    ],
)
def test_password_has_one_form(typed: str, prepared: str) -> None:
    assert prepare(typed) == prepared
    assert prepare(prepared) == prepared


@pytest.mark.parametrize("typed", ["", "\x00", "a\tb", "a\nb", "\x7f", "\ud800", "\u200b\x00"])
def test_text_that_is_no_password(typed: str) -> None:
    with pytest.raises(UnusablePasswordError):
        prepare(typed)


async def test_default_cost_is_what_the_documents_say() -> None:
    passwords = Passwords(rounds=Settings(_env_file=None).bcrypt_rounds, queue=2)
    try:
        assert (await passwords.hash("correct horse")).startswith("$bcrypt-sha256$v=2,t=2b,r=12$")
    finally:
        passwords.close()


async def test_hash_is_salted_and_fits_its_password_alone(passwords: Passwords) -> None:
    first, second = await passwords.hash("correct horse"), await passwords.hash("correct horse")

    assert first != second
    assert (await passwords.verify("correct horse", first)).is_right
    assert (await passwords.verify("correct horse", second)).is_right
    assert not (await passwords.verify("correct horses", first)).is_right
    assert not (await passwords.verify("correct horse", first)).needs_rehash


async def test_unusable_password_is_not_hashed(passwords: Passwords) -> None:
    with pytest.raises(UnusablePasswordError):
        await passwords.hash("\x00")


@pytest.mark.parametrize("password", ["correct horse", "nobody's", "somebody's", "", "\x00", "\ud800", "x" * 5000])
async def test_nobody_has_a_password(passwords: Passwords, password: str) -> None:
    assert not (await passwords.verify(password, None)).is_right


@pytest.mark.parametrize("password", ["\x00", "\ud800", "", "x" * 1025, "x" * 5000])
async def test_text_that_no_password_is_fits_no_hash(passwords: Passwords, password: str) -> None:
    stored = await passwords.hash("correct horse")

    assert not (await passwords.verify(password, stored)).is_right


@pytest.mark.parametrize(
    ("password", "stored"),
    [("wrong horse", None), ("\x00", None), ("\ud800", "a hash"), ("x" * 5000, "a hash"), ("wrong horse", "no hash")],
)
async def test_work_for_nobody_is_the_work_for_somebody(
    monkeypatch: pytest.MonkeyPatch, password: str, stored: str | None
) -> None:
    passwords = Passwords(rounds=5, queue=2)
    a_hash = await passwords.hash("correct horse")
    worked: list[str] = []
    verify = passwords._context.verify

    def counted(secret: str, known: str) -> bool:
        outcome = verify(secret, known)
        worked.append(known)
        return bool(outcome)

    monkeypatch.setattr(passwords._context, "verify", counted)

    assert not (await passwords.verify(password, a_hash if stored == "a hash" else stored)).is_right

    # One check that ran to its end, of a hash that costs what every hash costs.
    assert [known.split("$")[2] for known in worked] == [a_hash.split("$")[2]] == ["v=2,t=2b,r=5"]
    passwords.close()


async def test_more_passwords_than_there_is_room_for_are_turned_away(passwords: Passwords) -> None:
    room = (os.cpu_count() or 1) + 2

    results = await asyncio.gather(*(passwords.hash("correct horse") for _ in range(room + 3)), return_exceptions=True)

    assert [type(result) for result in results] == [str] * room + [HashingBusy] * 3
    assert (await passwords.hash("correct horse")).startswith("$bcrypt-sha256$")


async def test_caller_who_goes_makes_room_only_when_the_work_is_done(passwords: Passwords) -> None:
    held = threading.Event()
    room = (os.cpu_count() or 1) + 2
    tasks = [asyncio.create_task(passwords.line.run(partial(held.wait))) for _ in range(room)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    running = passwords.line.inside

    held.set()
    async with asyncio.timeout(60):
        while passwords.line.inside:
            await asyncio.sleep(0)

    # What had not begun was taken back at once; what had begun counted until its end.
    assert 0 < running <= (os.cpu_count() or 1)


def test_end_of_the_loop_before_the_work_does_no_harm() -> None:
    passwords = Passwords(rounds=4, queue=2)
    held = threading.Event()

    async def leave() -> None:
        task = asyncio.create_task(passwords.line.run(partial(held.wait)))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(leave())
    held.set()
    passwords.line._pool.shutdown(wait=True)


async def test_line_that_would_take_too_long_is_told_at_once_with_the_time_it_needs_and_up_to_twice_that() -> None:
    line = HashingPool(queue=10_000, queue_seconds=5)
    await line.run(partial(time.sleep, 0.4))
    held, waiting = threading.Event(), []
    while line.expected_seconds() <= 5:
        waiting.append(asyncio.create_task(line.run(partial(held.wait))))
        await asyncio.sleep(0)
    expected = math.ceil(line.expected_seconds())

    told = set()
    for _ in range(50):
        with pytest.raises(HashingBusy) as refused:
            await line.run(partial(time.sleep, 0))
        told.add(int(refused.value.headers["Retry-After"]))

    assert min(told) >= expected
    assert max(told) <= 2 * expected
    assert len(told) > 1, "a herd would be back as a herd"
    held.set()
    await asyncio.gather(*waiting)
    await line.run(partial(time.sleep, 0))
    line.close()


async def test_caller_who_leaves_the_line_makes_room() -> None:
    line = HashingPool(queue=1, queue_seconds=60)
    held, left = threading.Event(), asyncio.Event()

    async def has_left() -> None:
        await left.wait()

    busy = [asyncio.create_task(line.run(partial(held.wait))) for _ in range(line.workers)]
    await asyncio.sleep(0)
    client_disconnected.set(has_left)
    waits = asyncio.create_task(line.run(partial(held.wait)))
    await asyncio.sleep(0)
    assert line.waiting == 1

    left.set()
    with pytest.raises(HashingBusy):
        await waits

    async with asyncio.timeout(60):
        while line.waiting:
            await asyncio.sleep(0)
    held.set()
    await asyncio.gather(*busy)
    line.close()
