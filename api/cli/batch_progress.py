"""How a batch stands while it runs: outcomes, rate, time left, tokens and money."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from time import monotonic

from api.cli.progress import Meter
from qa.budget import Spent
from qa.journal import Outcome

_RECENT = 100
"""The rate is that of so many questions: it should follow when a model becomes slower."""


class Standing:
    """Counts outcomes and shows them on ``meter``. ``spent`` is what the journal's answers took, kept by the journal.

    ``clock`` gives seconds that never go back.
    """

    def __init__(self, meter: Meter, total: int, spent: Spent, clock: Callable[[], float] = monotonic) -> None:
        self._meter = meter
        self._total = total
        self._spent = spent
        self._clock = clock
        self._counts: Counter[Outcome] = Counter()
        self._ends = deque([clock()], maxlen=_RECENT)
        self._show()

    @property
    def done(self) -> int:
        """How many questions have an outcome by this run."""
        return self._counts.total()

    def count(self, outcome: Outcome) -> None:
        """One more."""
        self._counts[outcome] += 1
        self._ends.append(self._clock())
        self._show()

    def note(self) -> str:
        """What there is to say besides how many are done."""
        told = [f"{self._counts['abstained']} abstained", f"{self._counts['failed']} failed"]
        elapsed = self._ends[-1] - self._ends[0]
        if self.done and elapsed > 0:
            rate = (len(self._ends) - 1) / elapsed
            told.append(f"{rate:.1f} a second" if rate >= 1 else f"{rate * 60:.1f} a minute")
            if not self._meter.tells_time:
                told.append(f"{duration((self._total - self.done) / rate)} left")
        return ", ".join(told) + used(self._spent)

    def _show(self) -> None:
        self._meter.show(self.done, self._total, self.note())


def used(spent: Spent) -> str:
    """Tokens and money, each with a comma before it; "" where no tokens were used."""
    tokens = f", {spent.tokens:,} tokens" if spent.tokens else ""
    return tokens + "".join(f", {amount:.4f} {currency}" for currency, amount in sorted(spent.costs.items()))


def duration(seconds: float) -> str:
    """Roughly how long: in seconds, minutes or hours."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
