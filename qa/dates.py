"""Pure work on dates: what times a question and an article speak of, and how much the age of a report counts.

``qa.asked_dates`` reads questions, ``qa.article_dates`` articles; ``qa.calendar`` holds the words and days both share.
"""

from __future__ import annotations

from datetime import date

from qa.article_dates import Resolved, annotate, resolve_relative
from qa.asked_dates import AskedRange, read_range
from qa.calendar import MONTHS, WEEKDAYS, Days

__all__ = [
    "MONTHS",
    "WEEKDAYS",
    "AskedRange",
    "Days",
    "Resolved",
    "age_weight",
    "annotate",
    "read_range",
    "resolve_relative",
]


def age_weight(published: date | None, as_of: date, *, half_life: float, floor: float) -> float:
    """The factor in floor..1 by which a report's score is weighed on ``as_of``.

    Exponential decay above a floor: 1 on the day itself, halfway to the floor after ``half_life`` days, the floor for
    undated reports (exponential time-based language models, Li and Croft 2003, with a floor so that an old report can
    still win when nothing new is said). A report from after ``as_of`` counts as published that day.
    """
    if published is None:
        return floor
    age = max((as_of - published).days, 0)
    weight: float = floor + (1 - floor) * 0.5 ** (age / half_life)
    return weight
