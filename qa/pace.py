"""How fast one model or service may be asked: requests and tokens a minute, and not at all while it says so.

One :class:`Pace` is shared by all who ask: a refusal of one holds back all. Within one event loop.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from qa.errors import ModelError, ModelRateLimitError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiolimiter import AsyncLimiter
    from tenacity import AsyncRetrying, RetryCallState

_BURST_SECONDS = 1.0
"""What was not used of the last second may be caught up with. Providers watch times shorter than their minute."""
_FIRST_HOLD = 1.0
_LONGEST_HOLD = 60.0
_LONGEST_PATIENCE = 600.0


class Pace:
    """``requests`` and ``tokens`` are limits a minute, None for none. ``clock`` gives seconds that never go back."""

    def __init__(
        self,
        *,
        requests: float | None = None,
        tokens: float | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.counts_tokens = tokens is not None
        self._per_minute = (requests, tokens)
        self._buckets: tuple[AsyncLimiter | None, AsyncLimiter | None] | None = None
        self._clock = clock
        self._until = 0.0
        self._holds = 0
        self._limited_since: float | None = None
        self._owed = 0.0
        self._typical = 0.0

    @property
    def remaining(self) -> float:
        """Seconds for which nobody may ask."""
        return max(0.0, self._until - self._clock())

    @property
    def limited_for(self) -> float:
        """Seconds since the first refusal after which nothing succeeded; 0.0 when the last request did."""
        return 0.0 if self._limited_since is None else self._clock() - self._limited_since

    async def admit(self, prompt_tokens: int = 0) -> float:
        """Wait for leave to make a request; returns the tokens that it was counted as."""
        requests, tokens = self._limiters()
        if requests is not None:
            await requests.acquire()
        expected = 0.0
        if tokens is not None:
            expected = prompt_tokens + self._typical
            owed, self._owed = self._owed, 0.0
            # A request larger than the bucket passes when the bucket is empty.
            await tokens.acquire(min(max(expected + owed, 0.0), tokens.max_rate))
        while (wait := self.remaining) > 0:
            # Not all in the same instant.
            await asyncio.sleep(wait * (1 + random.uniform(0, 0.1)))
        return expected

    def settle(self, expected: float, used: int, output: int) -> None:
        """Say what a request took, in tokens, of which ``output`` were the reply: the next ones are counted better."""
        self._owed += used - expected
        self._typical = output if not self._typical else 0.8 * self._typical + 0.2 * output

    def hold(self, seconds: float | None) -> None:
        """Let nobody ask for so long: what the other side said, or None for a time that doubles with every refusal."""
        now = self._clock()
        if self._limited_since is None:
            self._limited_since = now
        if seconds is None:
            if self._until > now:
                # Asked before the others were held back: nothing new.
                return
            seconds = min(_FIRST_HOLD * 2**self._holds, _LONGEST_HOLD) * random.uniform(0.75, 1.25)
            self._holds += 1
        self._until = max(self._until, now + seconds)

    def succeeded(self) -> None:
        """A request was let through."""
        self._holds = 0
        self._limited_since = None

    def _limiters(self) -> tuple[AsyncLimiter | None, AsyncLimiter | None]:
        if self._buckets is None:
            requests, tokens = self._per_minute
            self._buckets = (_bucket(requests, least=1.0), _bucket(tokens, least=1000.0))
        return self._buckets


def _bucket(per_minute: float | None, *, least: float) -> AsyncLimiter | None:
    """A leaky bucket that takes a second's worth at once, but ``least`` at least (never more than a minute's)."""
    if per_minute is None:
        return None
    from aiolimiter import AsyncLimiter

    size = max(per_minute * _BURST_SECONDS / 60, min(least, per_minute), 1.0)
    return AsyncLimiter(size, size * 60 / per_minute)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on trying. ``timeout`` in seconds is for all tries together, and ``retries`` the further ones.

    ``patient``: the timeout is for each try, waiting for leave is no part of it, there are twice as many further tries,
    and refusals for too many requests are none of them: they are waited out, up to ten minutes without a success.
    """

    timeout: float
    retries: int
    patient: bool = False


class Tries:
    """One request, tried again while that may help. ``begun`` says that something came of it: then it no longer may."""

    def __init__(self, patience: Patience, pace: Pace, who: str, begun: Callable[[], bool] = lambda: False) -> None:
        from tenacity import wait_exponential, wait_random

        self._patience = patience
        self._pace = pace
        self._who = who
        self._begun = begun
        self._failed = 0
        self._deadline = asyncio.get_running_loop().time() + patience.timeout
        self._backoff = wait_exponential(multiplier=0.5, max=10) + wait_random(0, 0.5)

    def attempts(self) -> AsyncRetrying:
        """The tries, as tenacity has them; the last failure is raised."""
        from tenacity import AsyncRetrying, retry_if_exception

        return AsyncRetrying(retry=retry_if_exception(self._again), wait=self._wait, stop=self._stop, reraise=True)

    @asynccontextmanager
    async def admitted(self, prompt_tokens: int = 0) -> AsyncIterator[tuple[float, float]]:
        """One try, once there is leave for it: when it must be done, on the loop's clock, and what it is counted as.

        Raises ``ModelRateLimitError`` when leave would come too late.
        """
        loop = asyncio.get_running_loop()
        if self._patience.patient:
            expected = await self._pace.admit(prompt_tokens)
            yield loop.time() + self._patience.timeout, expected
        else:
            wait = self._pace.remaining
            if loop.time() + wait >= self._deadline:
                raise self._held(wait)
            try:
                async with asyncio.timeout_at(self._deadline):
                    expected = await self._pace.admit(prompt_tokens)
            except TimeoutError:
                raise self._held(None) from None
            yield self._deadline, expected
        self._pace.succeeded()

    def _held(self, seconds: float | None) -> ModelRateLimitError:
        wait = "" if seconds is None else f" (for {seconds:.0f} s more)"
        return ModelRateLimitError(
            f"{self._who} is not asked now, to keep to its limits{wait}",
            hint="Wait and try again, or raise the limits (DATELINE_REQUESTS_PER_MINUTE, DATELINE_TOKENS_PER_MINUTE).",
            retry_after=seconds,
        )

    def _again(self, error: BaseException) -> bool:
        if not isinstance(error, ModelError):
            return False
        limited = isinstance(error, ModelRateLimitError) and error.retryable
        if isinstance(error, ModelRateLimitError) and limited:
            self._pace.hold(error.retry_after)
        if not (limited and self._patience.patient):
            self._failed += 1
        return error.retryable and not self._begun()

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return self._pace.remaining if isinstance(error, ModelRateLimitError) else self._backoff(state)

    def _stop(self, state: RetryCallState) -> bool:
        sleep, patience = state.upcoming_sleep, self._patience
        if not patience.patient:
            # A wait that goes beyond the deadline is not begun.
            return self._failed > patience.retries or asyncio.get_running_loop().time() + sleep >= self._deadline
        too_long = sleep > _LONGEST_PATIENCE or self._pace.limited_for > _LONGEST_PATIENCE
        return self._failed > 2 * patience.retries or too_long
