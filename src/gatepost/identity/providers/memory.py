"""What a provider was asked before, so that it is not asked at each sign-in."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Generic, TypeVar

from gatepost.core.clock import Clock
from gatepost.identity.providers.provider import ProviderUnavailable

T = TypeVar("T")

LIVES = timedelta(hours=1)
# While the provider cannot be asked, what it said before is good for this long.
LASTS = timedelta(days=1)
# After a failure, others are refused without asking.
PAUSE_AFTER_FAILURE = timedelta(seconds=5)
# So often at most is a provider asked again because something is missing in what it said.
PAUSE = timedelta(minutes=1)


class Remembered(Generic[T]):
    """The last answer to one question. Those who come while it is asked wait for the same answer."""

    def __init__(self, clock: Clock, ask: Callable[[], Awaitable[T]]) -> None:
        self._clock = clock
        self._ask = ask
        self._asking = asyncio.Lock()
        self._value: T | None = None
        self._known_at = self._asked_at = timedelta()
        self._failure: str | None = None

    async def get(self, *, lacks: Callable[[T], bool] = lambda _: False) -> T:
        """Return the answer; one that `lacks` something is asked for again, at most once a minute.

        Raises:
            ProviderUnavailable: there is none.
        """
        if self._value is not None and self._is_young and not lacks(self._value):
            return self._value
        async with self._asking:
            if self._must_ask(lacks):
                await self._ask_now()
            if self._value is None or self._since(self._known_at) > LASTS:
                raise ProviderUnavailable(self._failure or "the provider has not answered yet")
            return self._value

    @property
    def _is_young(self) -> bool:
        return self._since(self._known_at) < LIVES

    def _must_ask(self, lacks: Callable[[T], bool]) -> bool:
        if self._failure is not None:
            return self._since(self._asked_at) >= PAUSE_AFTER_FAILURE
        if self._value is None or not self._is_young:
            return True
        return lacks(self._value) and self._since(self._asked_at) >= PAUSE

    async def _ask_now(self) -> None:
        self._asked_at = self._clock.elapsed()
        # Whoever asks may be cancelled; the next one asks again.
        self._failure = None
        try:
            self._value = await self._ask()
            self._known_at = self._asked_at
        except ProviderUnavailable as error:
            self._failure = str(error)

    def _since(self, moment: timedelta) -> timedelta:
        return self._clock.elapsed() - moment
