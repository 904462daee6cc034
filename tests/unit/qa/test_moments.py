from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.moments import Moment, bears_out, moments, published_on
from qa.wording import Told
from tests.unit.qa.strategies import any_text

MONDAY = date(2024, 1, 8)


def read(text: str, published: date | None = MONDAY) -> list[Moment]:
    return moments(Told(text), published)


@pytest.mark.parametrize(
    ("said", "source"),
    [
        ("on January 5, 2024", "on Friday"),
        ("on 5 January", "on Jan. 5, 2024"),
        ("on 2024-01-05", "on the 5th of January"),
        ("on Friday, January 5", "on Friday"),
        ("on Friday", "on January 5"),
        ("in January 2024", "on Friday"),
        ("in 2023", "in December"),
        ("in December", "on Dec. 20, 2023"),
        ("in the 1990s", "in 1994"),
        ("last week", "on Thursday"),
        ("on January 7, 2024", "yesterday"),
        ("in 2023", "last year's election"),
        ("last summer", "last summer"),
        ("Monday's vote", "on Monday"),
    ],
)
def test_a_date_is_borne_out_by_one_that_lies_within_it(said: str, source: str) -> None:
    (mine,), (theirs,) = read(said), read(source)
    assert bears_out(mine, theirs)


@pytest.mark.parametrize(
    ("said", "source"),
    [
        ("on January 6, 2024", "on Friday"),
        ("on Thursday", "on Friday"),
        ("on January 5, 2023", "on January 5"),
        ("on Thursday, January 5", "on Friday"),
        ("on January 5", "in January"),
        ("in 2023", "in 2022"),
        ("in November", "in December"),
        ("last week", "last month"),
        ("last summer", "last spring"),
        ("yesterday", "tomorrow"),
        ("in 1989", "in the 1990s"),
    ],
)
def test_another_is_not(said: str, source: str) -> None:
    (mine,), (theirs,) = read(said), read(source)
    assert not bears_out(mine, theirs)


@pytest.mark.parametrize(
    ("said", "source", "agrees"),
    [
        ("on January 5", "on 5 January", True),
        ("on January 5, 2024", "on January 5", False),
        ("on Friday", "on Friday", True),
        ("on Friday", "on Monday", False),
        ("yesterday", "yesterday", True),
        ("yesterday", "tomorrow", False),
        ("in 2023", "on 3 May 2023", True),
    ],
)
def test_in_an_undated_article_only_what_is_said_counts(said: str, source: str, agrees: bool) -> None:
    (mine,), (theirs,) = read(said, None), read(source, None)
    assert bears_out(mine, theirs) == agrees


def test_the_day_of_publication_is_a_date_the_source_gives() -> None:
    (mine,) = read("on Monday")
    assert bears_out(mine, published_on(MONDAY))


@pytest.mark.parametrize(
    "text", ["He may march on.", "It cost $2024.", "2000 people came.", "USA TODAY", "the second man"]
)
def test_words_and_numbers_that_only_look_like_dates_are_none(text: str) -> None:
    assert read(text) == []


@given(any_text, st.none() | st.dates())
def test_any_text_can_be_read(text: str, published: date | None) -> None:
    found = read(text, published)
    assert all(one.last <= other.first for one, other in pairwise(found))
    assert all(bears_out(one, one) for one in found)
