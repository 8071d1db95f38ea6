"""Many cases of one kind in one test: all are tried, and each failure is reported with the name of its case."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

Case = Callable[[object], AbstractContextManager[None]]


@contextmanager
def family() -> Iterator[Case]:
    """Give the context in which each case is tried: `with family() as case: for one in many: with case(one): assert …`.

    Raises:
        ExceptionGroup: the failures, each with the name of its case.
        AssertionError: no case was tried at all.
    """
    tried: list[str] = []
    failures: list[Exception] = []

    @contextmanager
    def case(name: object) -> Iterator[None]:
        tried.append(str(name))
        try:
            yield
        except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001  the next case is tried whatever became of this one
            failure = AssertionError(f"{name}: {error}")
            failure.__cause__ = error
            failures.append(failure)

    yield case
    assert tried, "there is no case"
    if failures:
        raise ExceptionGroup(f"{len(failures)} of {len(tried)} cases", failures)
