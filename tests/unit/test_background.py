"""Work that is done again and again."""

import asyncio
import contextlib
import logging

import pytest

from gatepost.core.background import every


async def test_failing_work_goes_on_and_is_told_of_once_until_it_works(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gatepost")
    outcomes = iter([None, OSError(), OSError(), ValueError(), None, None, KeyError()])
    done = asyncio.Event()

    async def work() -> None:
        match next(outcomes, done):
            case Exception() as error:
                raise error
            case asyncio.Event():
                done.set()

    task = asyncio.create_task(every(0.001, work, name="reading"))
    async with asyncio.timeout(60):
        await done.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task

    assert [record.getMessage() for record in caplog.records] == [
        "reading fails: OSError; trying again every 0.001 s",
        "reading works again",
        "reading fails: KeyError; trying again every 0.001 s",
        "reading works again",
    ]


async def test_cancelled_work_ends() -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(every(0, work, name="waiting"))
    await begun.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_stopped_work_first_ends_its_round() -> None:
    begun, may_end, stopping = asyncio.Event(), asyncio.Event(), asyncio.Event()
    rounds = []

    async def work() -> None:
        begun.set()
        await may_end.wait()
        rounds.append("whole")

    task = asyncio.create_task(every(0.001, work, name="reading", stopping=stopping))
    await begun.wait()
    stopping.set()
    may_end.set()
    async with asyncio.timeout(60):
        await task

    assert rounds == ["whole"]
