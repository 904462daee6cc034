"""How much one caller may ask for, and how much all of them together."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from api.errors import refused
from api.handlers import RefusedError

OFF = "off"
_LONGEST_ADVICE = 60


class CallerLimits:
    """Requests of one caller: how many in a time, and how many at once. Each process counts for itself."""

    def __init__(self, rate: str, at_once: int) -> None:
        self._rate = rate
        self._at_once = at_once
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._items: dict[str, RateLimitItem] = {}
        self._running: Counter[str] = Counter()

    @contextmanager
    def admitted(self, caller: str, *, rate: str | None = None, at_once: int | None = None) -> Iterator[None]:
        """For the length of a request. Raises ``RefusedError`` (429) when the caller has had its share.

        ``rate`` and ``at_once`` are the caller's own limits, None: those of all.
        """
        self._check_rate(caller, rate or self._rate)
        most = at_once or self._at_once
        if self._running[caller] >= most:
            detail = f"{most} requests of this caller are being answered already."
            raise RefusedError(refused("too_many_at_once", detail, headers=(("Retry-After", "1"),)))
        self._running[caller] += 1
        try:
            yield
        finally:
            self._running[caller] -= 1
            if not self._running[caller]:
                del self._running[caller]

    def _check_rate(self, caller: str, rate: str) -> None:
        if rate == OFF:
            return
        item = self._items.setdefault(rate, parse(rate))
        if self._limiter.hit(item, caller):
            return
        opens = self._limiter.get_window_stats(item, caller).reset_time
        wait = max(1, math.ceil(opens - time.time()))
        detail = f"More than {rate} requests of this caller came."
        raise RefusedError(refused("rate_limit_exceeded", detail, headers=(("Retry-After", str(wait)),)))


class Turns:
    """Work of all callers: ``running`` pieces at the same time, ``waiting`` more for at most ``patience`` seconds.

    ``tell`` hears how many run and how many wait whenever that changes.
    """

    def __init__(self, running: int, waiting: int, patience: float, tell: Callable[[int, int], None]) -> None:
        self.most_running = running
        self.most_waiting = waiting
        self._patience = patience
        self._tell = tell
        self._free = asyncio.Semaphore(running)
        self.running = 0
        self.waiting = 0
        self._seconds = 1.0
        """How long a piece takes, of late."""

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """For the length of a piece of work. Raises ``RefusedError`` (503) when too many wait, or it took too long."""
        if self._free.locked() and self.waiting >= self.most_waiting:
            raise self._busy(f"{self.running} questions are being answered and {self.waiting} wait already.")
        await self._wait()
        self._count(running=1)
        began = time.monotonic()
        try:
            yield
        finally:
            self._seconds += (time.monotonic() - began - self._seconds) / 8
            self._count(running=-1)
            self._free.release()

    async def _wait(self) -> None:
        self._count(waiting=1)
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError:
            raise self._busy(f"Its turn did not come within {self._patience:g} seconds.") from None
        finally:
            self._count(waiting=-1)

    def _count(self, *, running: int = 0, waiting: int = 0) -> None:
        self.running += running
        self.waiting += waiting
        self._tell(self.running, self.waiting)

    def _busy(self, detail: str) -> RefusedError:
        wait = self._seconds * (self.waiting + 1) / self.most_running
        advice = str(min(max(1, math.ceil(wait)), _LONGEST_ADVICE))
        return RefusedError(refused("busy", detail, headers=(("Retry-After", advice),)))
