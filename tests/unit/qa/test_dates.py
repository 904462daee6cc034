from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.dates import age_weight, annotate, resolve_relative

TODAY = date(2023, 4, 19)
floors = st.floats(0, 1)
half_lives = st.floats(0.01, 36_500)


@given(st.dates(), st.dates(), half_lives, floors)
def test_weight_lies_between_floor_and_one(published: date, as_of: date, half_life: float, floor: float) -> None:
    assert floor <= age_weight(published, as_of, half_life=half_life, floor=floor) <= 1


@given(st.dates(), st.dates(), st.dates(), half_lives, floors)
def test_a_newer_report_never_weighs_less(one: date, other: date, as_of: date, half_life: float, floor: float) -> None:
    old, new = sorted((one, other))
    weights = [age_weight(day, as_of, half_life=half_life, floor=floor) for day in (old, new)]
    assert weights[0] <= weights[1]


def test_half_of_what_age_can_take_is_gone_after_the_half_life() -> None:
    assert age_weight(TODAY, TODAY, half_life=30, floor=0.3) == 1
    assert age_weight(TODAY - timedelta(days=30), TODAY, half_life=30, floor=0.3) == pytest.approx(0.65)
    assert age_weight(TODAY - timedelta(days=60), TODAY, half_life=30, floor=0.3) == pytest.approx(0.475)


def test_undated_counts_as_old_and_tomorrow_as_today() -> None:
    assert age_weight(None, TODAY, half_life=30, floor=0.3) == 0.3
    assert age_weight(TODAY + timedelta(days=9), TODAY, half_life=30, floor=0.3) == 1


MONDAY = date(2023, 4, 17)


@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        ("yesterday", "2023-04-16", "2023-04-16"),
        ("the day before yesterday", "2023-04-15", "2023-04-15"),
        ("tomorrow", "2023-04-18", "2023-04-18"),
        ("this morning", "2023-04-17", "2023-04-17"),
        ("this Monday", "2023-04-17", "2023-04-17"),
        ("this Friday", "2023-04-21", "2023-04-21"),
        ("last Monday", "2023-04-10", "2023-04-10"),
        ("last Sunday", "2023-04-16", "2023-04-16"),
        ("next Monday", "2023-04-24", "2023-04-24"),
        ("on Monday", "2023-04-17", "2023-04-17"),
        ("on Friday", "2023-04-14", "2023-04-14"),
        ("last week", "2023-04-10", "2023-04-16"),
        ("next month", "2023-05-01", "2023-05-31"),
        ("last year", "2022-01-01", "2022-12-31"),
        ("two weeks ago", "2023-04-03", "2023-04-09"),
        ("3 days ago", "2023-04-14", "2023-04-14"),
        ("four months ago", "2022-12-01", "2022-12-31"),
        ("a year ago", "2022-01-01", "2022-12-31"),
        ("in February", "2023-02-01", "2023-02-28"),
        ("in November", "2022-11-01", "2022-11-30"),
        ("at the end of February", "2023-02-21", "2023-02-28"),
        ("at the beginning of the month", "2023-04-01", "2023-04-10"),
    ],
)
def test_what_an_article_of_a_monday_means(said: str, first: str, last: str) -> None:
    text = f"The talks were held {said}, he said."
    (found,) = resolve_relative(text, MONDAY)
    assert text[found.start : found.end] == said
    assert (found.first, found.last) == (date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    "said", ["in May 2021", "on April 3", "Mondays", "yesterdays", "no date at all", "in January 5"]
)
def test_what_is_not_relative_is_left_alone(said: str) -> None:
    assert resolve_relative(f"The talks were held {said}.", MONDAY) == []


def test_an_undated_article_resolves_nothing() -> None:
    assert resolve_relative("It was yesterday.", None) == []
    assert annotate("It was yesterday.", None) == "It was yesterday."


def test_days_are_put_behind_what_they_explain() -> None:
    text = "He came on Friday and leaves next week."
    assert annotate(text, MONDAY) == "He came on Friday [2023-04-14] and leaves next week [2023-04-24 to 2023-04-30]."
    assert annotate("It fell last month.", MONDAY) == "It fell last month [2023-03]."


_RELATIVE = [
    "yesterday",
    "tomorrow",
    "today",
    "on Monday",
    "on ſunday",
    "laſt week",
    "last Friday",
    "next year",
    "in March",
    "in December",
    "99 years ago",
    "٣ days ago",
    "at the end of the month",
    "this week",
    "next month",
    " ",
    "x",
    "é",
]


@given(
    st.lists(st.sampled_from(_RELATIVE)).map(" ".join) | st.text(), st.dates() | st.sampled_from([date.min, date.max])
)
def test_any_text_of_any_day_is_annotated_without_losing_a_character(text: str, day: date) -> None:
    found = resolve_relative(text, day)
    previous = 0
    for one in found:
        assert previous <= one.start < one.end <= len(text)
        assert one.first <= one.last
        previous = one.end
    shown = annotate(text, day)
    for one in found:
        assert f" [{one.label}]" in shown
        assert not one.label.isdigit()
    assert len(shown) == len(text) + sum(len(one.label) + 3 for one in found)
