"""Pure: whether it abstains where it should, and whether its confidence tells right from wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Values = Sequence[float] | NDArray[np.float64]


def precision_recall(abstained: Sequence[bool], unanswerable: Sequence[bool]) -> tuple[float | None, float | None]:
    """Of the abstentions, the share that was due; of those due, the share that was made. None where there were none.

    Where none was due, precision is None, too: the set does not say which questions cannot be answered.
    """
    both = sum(one and other for one, other in zip(abstained, unanswerable, strict=True))
    made, due = sum(abstained), sum(unanswerable)
    return (both / made if made and due else None), (both / due if due else None)


def accuracy_by_coverage(confidence: Values, right: Values) -> NDArray[np.float64]:
    """The accuracy of the surest 1, 2, ... questions.

    Equally sure ones each get the mean of all of them, so that their order decides nothing.
    """
    values, sure = np.asarray(right, dtype=float), np.asarray(confidence, dtype=float)
    if not values.size:
        return np.zeros(0)
    order = np.argsort(-sure, kind="stable")
    values, sure = values[order], sure[order]
    _, group, sizes = np.unique(-sure, return_inverse=True, return_counts=True)
    values = (np.bincount(group, weights=values) / sizes)[group]
    curve: NDArray[np.float64] = np.cumsum(values) / np.arange(1, len(values) + 1)
    return curve


def area(confidence: Values, right: Values) -> float:
    """The area under the risk-coverage curve (El-Yaniv and Wiener 2010): 0 is best, 1 worst.

    Of the surest c of all questions the share that is wrong, averaged over c. Raises ``ValueError`` for no questions.
    """
    curve = accuracy_by_coverage(confidence, right)
    if not curve.size:
        raise ValueError("there are no questions")
    return float(1 - curve.mean())
