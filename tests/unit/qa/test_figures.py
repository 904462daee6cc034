from __future__ import annotations

import pytest

from qa.figures import Figure, agree, figures
from qa.wording import Told


def read(text: str) -> list[Figure]:
    return figures(Told(text))


def one(text: str) -> Figure:
    (figure,) = read(text)
    return figure


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("1,250,000 people", 1_250_000, ""),
        ("1.250.000 people", 1_250_000, ""),
        ("3,8 people", 3.8, ""),
        ("twenty-five people", 25, ""),
        ("two hundred and fifty thousand people", 250_000, ""),
        ("a dozen people", 12, ""),
        ("three dozen people", 36, ""),
        ("half a million people", 500_000, ""),
        ("1.5m people", 1_500_000, ""),
        ("$3.2bn", 3.2e9, "$"),
        ("3.2 billion dollars", 3.2e9, "$"),
        ("3.2 billion US dollars", 3.2e9, "$"),
        ("€400k", 400_000, "euro"),
        ("4.5%", 4.5, "%"),
        ("4.5 per cent", 4.5, "%"),
        ("0.5 percentage points", 0.5, "point"),
        ("a quarter of them", 25, "%"),
        ("two-thirds of them", 200 / 3, "%"),
        ("one in five voters", 20, "%"),
        ("half of them", 50, "%"),
        ("3 km", 3000, "m"),
        ("2 square kilometres", 2e6, "m2"),
        ("two weeks", 14 * 86_400, "s"),
        ("a 20-year-old man", 240, "month"),
        ("3 p.m.", 900, "clock"),
        ("10.30am", 630, "clock"),
        ("22:15", 1335, "clock"),
    ],
)
def test_a_number_is_read_with_its_unit(text: str, value: float, unit: str) -> None:
    figure = one(text)
    assert figure.value == pytest.approx(value)
    assert figure.unit == unit


@pytest.mark.parametrize("text", ["One of them said so.", "First, he came.", "no one", "the year's end"])
def test_words_that_only_look_like_numbers_are_none(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize("text", ["from 10 to 15%", "10-15%", "between 10 and 15 percent", "10 or 15 per cent"])
def test_a_unit_said_once_holds_for_both_ends_of_a_range(text: str) -> None:
    assert [(figure.value, figure.unit) for figure in read(text)] == [(10, "%"), (15, "%")]


@pytest.mark.parametrize(
    ("said", "source"),
    [
        ("12 people", "a dozen people"),
        ("3.2 million dollars", "$3,200,000"),
        ("2 km", "2,000 metres"),
        ("14 days", "two weeks"),
        ("a quarter of voters", "25% of voters"),
        ("about 1.2 million people", "1,234,567 people"),
        ("more than 3,000 people", "3,100 people"),
        ("nearly 1.3 million people", "1,250,000 people"),
        ("100 people", "about 100 people"),
        ("more than 100 people", "over 100 people"),
        ("hundreds of people", "350 people"),
        ("dozens of people", "dozens of people"),
        ("the third time", "the 3rd time"),
        ("no more than 40 people", "at most 40 people"),
        ("they won 3-1", "they won 3–1"),
    ],
)
def test_what_says_the_same_agrees(said: str, source: str) -> None:
    assert all(any(agree(mine, theirs) for theirs in read(source)) for mine in read(said))


@pytest.mark.parametrize(
    ("said", "source"),
    [
        ("12 people", "13 people"),
        ("5 million dollars", "5 million euros"),
        ("5%", "5 percentage points"),
        ("5 people", "5%"),
        ("2 km", "2 miles"),
        ("3 million people", "3 billion people"),
        ("1.2 million people", "1,234,567 people"),
        ("more than 100 people", "100 people"),
        ("more than 39 people", "more than 40 people"),
        ("nearly 100 people", "more than 100 people"),
        ("more than 1,000 people", "3,100 people"),
        ("hundreds of people", "thousands of people"),
        ("the third time", "three times"),
        ("they won 3-1", "they won 1-3"),
    ],
)
def test_what_says_something_else_does_not(said: str, source: str) -> None:
    assert not all(any(agree(mine, theirs) for theirs in read(source)) for mine in read(said))
