"""Rate limits, counted in Redis for all processes together, or in the memory of each process.

While Redis does not answer, each process counts alone, and tries Redis again every few seconds with one request.
"""

import asyncio
import hashlib
import hmac
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import Any, Self

from limits import RateLimitItem, parse
from limits.aio.storage import RedisStorage
from limits.errors import StorageError

from gatepost.core.crypto.secrets import SecretKeys
from gatepost.core.settings import Settings
from gatepost.identity.throttling.errors import TooManyRequests

logger = logging.getLogger("gatepost")

# The maximum wait for Redis per count.
REDIS_SECONDS = 0.2
# The maximum wait for Redis for all counts of a request.
REDIS_SECONDS_IN_ALL = 0.25
REDIS_PAUSE_SECONDS = 5.0
# Callers per rate; if there are more, the oldest are forgotten.
MOST_IN_MEMORY = 10_000


class Rate(StrEnum):
    """What is limited; the value is the name in the RateLimit headers."""

    SIGN_UP = "signup"
    SIGN_IN = "signin"
    MAIL = "mail"
    MAILBOX = "mailbox"
    MAILBOX_SHARED = "mailbox_shared"
    LINK = "link"
    REFRESH = "refresh"
    CHANGE = "change"
    PASSKEY = "passkey"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class RateStatus:
    """The quota of a caller after a request: what remains, and the seconds until it is reset."""

    rate: Rate
    quota: int
    window_seconds: int
    remaining: int
    reset_seconds: int
    is_over: bool

    @property
    def policy(self) -> str:
        """The member of `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10)."""
        return f'"{self.rate}";q={self.quota};w={self.window_seconds}'

    @property
    def left(self) -> str:
        """The member of `RateLimit` in the same draft."""
        return f'"{self.rate}";r={self.remaining};t={self.reset_seconds}'


class Windows:
    """Counts of one rate in memory. All windows have the same length, so the oldest ends first."""

    def __init__(self) -> None:
        self._windows: dict[str, tuple[int, float]] = {}

    def __len__(self) -> int:
        return len(self._windows)

    def count(self, key: str) -> tuple[int, float]:
        """Return the count and when its window ends (Unix time); the current time if there is no window."""
        now = time.time()
        count, ends_at = self._windows.get(key, (0, now))
        return (count, ends_at) if ends_at > now else (0, now)

    def increase(self, key: str, seconds: int) -> tuple[int, float]:
        """Add one; return the count and when its window ends (Unix time)."""
        now = time.time()
        count, ends_at = self._windows.get(key, (0, now))
        if ends_at <= now:
            self._windows.pop(key, None)
            count, ends_at = 0, now + seconds
            if len(self._windows) >= MOST_IN_MEMORY:
                del self._windows[next(iter(self._windows))]
        self._windows[key] = (count + 1, ends_at)
        return count + 1, ends_at


class RateLimits:
    """Counts requests in fixed windows, for each rate and each caller.

    `redis_is_down`, and `fallbacks` (requests counted in memory instead), are for the metrics.
    """

    def __init__(self, secrets: SecretKeys, rates: Mapping[Rate, str], *, redis_url: str | None = None) -> None:
        self._key = secrets.derive("rate limit")[0]
        self._items = {rate: parse(text) for rate, text in rates.items()}
        self._memory = {rate: Windows() for rate in self._items}
        self._redis = _connect(redis_url) if redis_url else None
        self._ask_redis_at = 0.0
        self.redis_is_down = False
        self.fallbacks = 0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Read the limits from the settings."""
        rates = {
            Rate.SIGN_UP: settings.signup_rate,
            Rate.SIGN_IN: settings.signin_rate,
            Rate.MAIL: settings.mail_rate,
            Rate.MAILBOX: settings.mailbox_rate,
            Rate.MAILBOX_SHARED: settings.mailbox_shared_rate,
            Rate.LINK: settings.link_rate,
            Rate.REFRESH: settings.refresh_rate,
            Rate.CHANGE: settings.change_rate,
            Rate.PASSKEY: settings.passkey_rate,
            Rate.PROVIDER: settings.providers_rate,
        }
        url = settings.redis_url
        return cls(
            settings.keys,
            rates if settings.rate_limits else {},
            redis_url=url.get_secret_value() if url is not None else None,
        )

    async def hit(self, rate: Rate, subject: str, *, seconds: float = REDIS_SECONDS) -> RateStatus | None:
        """Count a request of a caller; wait at most `seconds` for Redis. None if it is not limited."""
        item = self._items.get(rate)
        if item is None:
            return None
        count, reset_at = await self._count(rate, item, self._name(rate, item, subject), seconds=seconds)
        return RateStatus(
            rate=rate,
            quota=item.amount,
            window_seconds=item.get_expiry(),
            remaining=max(0, item.amount - count),
            reset_seconds=max(1, ceil(reset_at - time.time())),
            is_over=count > item.amount,
        )

    async def require_room(self, rate: Rate, subject: str) -> None:
        """Check that a caller has quota left, without counting.

        Raises:
            TooManyRequests: the quota is used up.
        """
        item = self._items.get(rate)
        if item is None:
            return
        key = self._name(rate, item, subject)
        count, reset_at = await self._count(rate, item, key, seconds=REDIS_SECONDS, adds=False)
        if count >= item.amount:
            raise TooManyRequests(retry_after_seconds=max(1, ceil(reset_at - time.time())))

    async def close(self) -> None:
        """Close the connections."""
        if self._redis is not None:
            await _client(self._redis).aclose()

    def _name(self, rate: Rate, item: RateLimitItem, subject: str) -> str:
        # So neither memory nor Redis contains addresses.
        return item.key_for(hmac.new(self._key, f"{rate} {subject}".encode(), hashlib.sha256).hexdigest())

    async def _count(
        self, rate: Rate, item: RateLimitItem, key: str, *, seconds: float, adds: bool = True
    ) -> tuple[int, float]:
        if self._redis is not None:
            if self._may_ask_redis():
                try:
                    async with asyncio.timeout(seconds):
                        found = await _count_in(self._redis, item, key, adds=adds)
                except (StorageError, OSError) as error:
                    self._redis_failed(error)
                else:
                    self._redis_answered()
                    return found
            self.fallbacks += 1
        memory = self._memory[rate]
        return memory.increase(key, item.get_expiry()) if adds else memory.count(key)

    def _may_ask_redis(self) -> bool:
        if not self.redis_is_down:
            return True
        now = asyncio.get_running_loop().time()
        if now < self._ask_redis_at:
            return False
        # Only this request tries.
        self._ask_redis_at = now + REDIS_PAUSE_SECONDS
        return True

    def _redis_failed(self, error: Exception) -> None:
        if not self.redis_is_down:
            logger.warning("Redis is unreachable: %s; each process counts for itself", type(error).__name__)
        self.redis_is_down = True
        self._ask_redis_at = asyncio.get_running_loop().time() + REDIS_PAUSE_SECONDS

    def _redis_answered(self) -> None:
        if self.redis_is_down:
            logger.warning("Redis is reachable again")
        self.redis_is_down = False


async def _count_in(storage: RedisStorage, item: RateLimitItem, key: str, *, adds: bool) -> tuple[int, float]:
    count = await storage.incr(key, item.get_expiry()) if adds else await storage.get(key)
    return count, await storage.get_expiry(key)


def _connect(url: str) -> RedisStorage:
    # The storage imports the package redis itself, which takes 25 MiB that processes without Redis do not need.
    storage = RedisStorage(
        url,
        wrap_exceptions=True,
        implementation="redispy",
        key_prefix="gatepost",
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
    )
    redis = storage.dependencies["redis"].module
    # Retry once immediately, in case Redis has closed the connection meanwhile.
    _client(storage).set_retry(redis.asyncio.retry.Retry(redis.backoff.NoBackoff(), 1))
    return storage


def _client(storage: RedisStorage) -> Any:
    bridge: Any = storage.bridge
    return bridge.get_connection()
