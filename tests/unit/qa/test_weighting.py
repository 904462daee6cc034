from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.dates import read_range
from qa.models import Filters
from qa.weighting import Weighting, weigh

AS_OF = date(2023, 4, 19)
USUAL = Weighting(half_life=30, floor=0.5)
SEEN = Filters(as_of=AS_OF)


def decided(question: str, filters: Filters = SEEN, usual: Weighting = USUAL) -> Weighting:
    return weigh(question, read_range(question, filters.as_of), filters, usual)


@pytest.mark.parametrize(
    "question",
    [
        "What is the latest on the strike?",
        "Who is the current chair of the bank?",
        "Is the bridge still closed?",
        "Who is the president of Chile?",
        "What is the death toll of the flood?",
        "How high is inflation in Peru?",
        "¿Quién gobierna ahora?",
    ],
)
def test_what_is_new_or_passes_wants_new_reports(question: str) -> None:
    weighting = decided(question)
    assert weighting.half_life < USUAL.half_life
    assert weighting.floor < USUAL.floor
    assert "what is new" in weighting.reason


@pytest.mark.parametrize(
    "question",
    [
        "When was the abbey founded?",
        "Who was the first woman ever to win the race?",
        "What is the history of the tram?",
        "Who discovered it for the first time?",
    ],
)
def test_what_was_may_be_told_by_any_report(question: str) -> None:
    weighting = decided(question)
    assert weighting.floor >= 0.9
    assert "what was" in weighting.reason


def test_any_other_question_is_weighed_as_the_settings_say() -> None:
    weighting = decided("Who beat the champion in Porto?")
    assert (weighting.half_life, weighting.floor) == (30, 0.5)
    assert weighting.reason


def test_a_range_of_its_own_makes_its_days_the_best() -> None:
    weighting = decided("What did ministers say in March?")
    inside = [weighting.weight(date(2023, 3, day), AS_OF) for day in (1, 15, 31)]
    assert inside == [1, 1, 1]
    assert 0.5 < weighting.weight(date(2023, 2, 1), AS_OF) < 1
    assert 0.5 < weighting.weight(AS_OF, AS_OF) < 1
    assert weighting.weight(date(1999, 1, 1), AS_OF) == pytest.approx(0.5)
    assert weighting.weight(None, AS_OF) == 0.5


def test_a_range_given_decides_and_age_counts_little_within_it() -> None:
    weighting = decided("What is the latest?", Filters(as_of=AS_OF, start=date(2022, 1, 1)))
    assert weighting.floor >= 0.9


def test_off_stays_off() -> None:
    weighting = decided("What is the latest?", usual=Weighting(floor=1))
    assert weighting.weight(date(1990, 1, 1), AS_OF) == 1


@given(st.text(), st.dates(date(1900, 1, 1), date(2100, 1, 1)) | st.none())
def test_no_weight_lies_outside_floor_and_one(question: str, published: date | None) -> None:
    weighting = decided(question)
    assert 0 < weighting.floor <= weighting.weight(published, AS_OF) <= 1


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(0, 400), st.integers(1, 400))
def test_the_farther_from_the_days_asked_for_the_less(first: date, days: int, away: int) -> None:
    weighting = Weighting(start=first, end=first + timedelta(days=days))
    for near, far in (
        (first, first - timedelta(days=away)),
        (first + timedelta(days=days), first + timedelta(days=days + away)),
    ):
        assert weighting.weight(far, AS_OF) < weighting.weight(near, AS_OF) == 1
