"""Pure: a circuit breaker, which keeps a model that fails again and again from being waited for by every question.

After ``failures`` in a row it is open for ``cooldown`` seconds: nobody asks. Then one caller may try (half-open);
its success closes the breaker, its failure opens it for another cool-down (Nygard, Release It!, 2007).
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic


class Breaker:
    """For one model, within one event loop. ``clock`` gives seconds that never go back."""

    def __init__(self, *, failures: int, cooldown: float, clock: Callable[[], float] = monotonic) -> None:
        self._limit = failures
        self._cooldown = cooldown
        self._clock = clock
        self._in_a_row = 0
        self._open_until: float | None = None
        self._trying = False

    @property
    def in_a_row(self) -> int:
        """How often it has failed since it last succeeded."""
        return self._in_a_row

    @property
    def closed(self) -> bool:
        """Whether all may ask."""
        return self._open_until is None

    def admits(self) -> bool:
        """Whether to ask now. After a cool-down this is true for one caller, who must say how it went."""
        if self._open_until is None:
            return True
        if self._trying or self._clock() < self._open_until:
            return False
        self._trying = True
        return True

    def succeeded(self) -> None:
        """It answered: closed."""
        self._in_a_row = 0
        self._open_until = None
        self._trying = False

    def failed(self) -> None:
        """It failed: one more in a row."""
        self._in_a_row += 1
        self._trying = False
        if self._in_a_row >= self._limit:
            self._open_until = self._clock() + self._cooldown

    def undecided(self) -> None:
        """The caller left before it could tell: the next one may try."""
        self._trying = False
