"""Pure: a circuit breaker, which keeps a model that fails again and again from being waited for by every question.

After ``failures`` in a row it is open: one caller in ``cooldown`` seconds may try, the others do not ask. A success
closes it (Nygard, Release It!, 2007; "half-open" is the moment of the try).
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

    @property
    def in_a_row(self) -> int:
        """How often it has failed since it last succeeded."""
        return self._in_a_row

    @property
    def closed(self) -> bool:
        """Whether all may ask."""
        return self._open_until is None

    def admits(self) -> bool:
        """Whether to ask now. After a cool-down this is true for one caller; for the next after another, in case the
        first never says how it went."""
        if self._open_until is None:
            return True
        if self._clock() < self._open_until:
            return False
        self._open_until = self._clock() + self._cooldown
        return True

    def succeeded(self) -> None:
        """It answered: closed."""
        self._in_a_row = 0
        self._open_until = None

    def failed(self) -> None:
        """It failed: one more in a row."""
        self._in_a_row += 1
        if self._in_a_row >= self._limit:
            self._open_until = self._clock() + self._cooldown
