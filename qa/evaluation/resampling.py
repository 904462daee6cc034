"""Pure: how far a figure may be chance, by bootstrap over questions (Efron and Tibshirani 1993). The dice are fixed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
LEVEL = 95
"""Per cent that an interval is to hold."""

_SEED = 0
_AT_ONCE = 4_000_000
"""So many drawn values are held in memory together."""


@dataclass(frozen=True, slots=True)
class Paired:
    """A mean difference over the same questions, its 95% interval, and the share of resamples (doubled, at most 1) in
    which it has the other sign or is 0: the smaller, the less it can be noise."""

    n: int
    difference: float
    low: float
    high: float
    p: float

    @property
    def noise(self) -> bool:
        """Whether no difference at all lies within the interval."""
        return self.low <= 0 <= self.high


def interval(*values: Sequence[float], of: Callable[..., Any] = lambda mean: mean) -> tuple[float, float]:
    """The 95% percentile interval of ``of`` the means of ``values``, the same questions drawn for all of them.

    Resamples in which ``of`` is not defined (0 / 0) are left out. Raises ``ValueError`` for no values.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = np.asarray(of(*_means(values)), dtype=float)
    drawn = drawn[np.isfinite(drawn)]
    if not drawn.size:
        raise ValueError("there is nothing to resample")
    rest = (100 - LEVEL) / 2
    low, high = np.percentile(drawn, [rest, 100 - rest])
    return float(low), float(high)


def paired(before: Sequence[float], after: Sequence[float]) -> Paired:
    """How much ``after`` is above ``before``, question by question. Raises ``ValueError`` for none."""
    differences = np.asarray(after, dtype=float) - np.asarray(before, dtype=float)
    low, high = interval(differences.tolist())
    (drawn,) = _means([differences.tolist()])
    p = 2 * min(float((drawn <= 0).mean()), float((drawn >= 0).mean()))
    return Paired(len(differences), float(differences.mean()), low, high, min(p, 1.0))


def _means(values: Sequence[Sequence[float]]) -> list[NDArray[np.float64]]:
    """The means of each column in every resample."""
    columns = np.array(values, dtype=float)
    count = columns.shape[1]
    if not count:
        raise ValueError("there is nothing to resample")
    dice = np.random.default_rng(_SEED)
    step = max(_AT_ONCE // count, 1)
    parts = []
    for begun in range(0, RESAMPLES, step):
        drawn = dice.integers(count, size=(min(step, RESAMPLES - begun), count))
        parts.append(np.stack([column[drawn].mean(axis=1) for column in columns]))
    return list(np.concatenate(parts, axis=1))
