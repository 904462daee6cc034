from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.tense import tense_of


def _tense(sentence: str) -> str | None:
    start = sentence.index("Friday")
    return tense_of(sentence, start, start + len("Friday"))


@pytest.mark.parametrize(
    "sentence",
    [
        "He said Friday that he will go.",
        "The mayor told a crowd in Ohio on Friday.",
        "Fires continued to burn on Friday.",
        "On Friday, the man was caught.",
        "A blast on Friday killed three.",
        "He will go, his office said on Friday.",
        "The bridge was reopened by crews of the state on Friday.",
        "The ruling, which will be appealed, came Friday.",
        "Dijo el ministro este Friday.",
        "A lei foi aprovada na Friday.",
        # Wrapped lines are one sentence.
        "The committee, which has met in secret since the spring, rejected\non Friday what it had asked for.",
    ],
)
def test_past(sentence: str) -> None:
    assert _tense(sentence) == "past"


@pytest.mark.parametrize(
    "sentence",
    [
        "He said that he will go on Friday.",
        "The vote is scheduled for Friday.",
        "She plans to fly on Friday.",
        "The court is expected to rule Friday.",
        "Talks will be held on Friday.",
        "Lawmakers will vote on the proposed law on Friday.",
        "He was jailed. On Friday he will be freed.",
        "El presidente viajará el Friday.",
        "Who is expected in Paris on Friday?",
    ],
)
def test_future(sentence: str) -> None:
    assert _tense(sentence) == "future"


@pytest.mark.parametrize(
    "sentence",
    [
        "He was scheduled to fly on Friday.",
        "He was to fly on Friday.",
        "She would have flown on Friday.",
        "The firm said the sale begins on Friday.",
        "The firm announced the shop it owns on Friday.",
        "Trump to meet aides on Friday",
        "Polls open on Friday, officials said.",
        "The shop opens at 8 p.m. Friday, officials said.",
        "It was closed due to snow on Friday.",
        "Doors: Friday",
        "“He will go,” she insists. Friday.",
        "Friday",
    ],
)
def test_unclear(sentence: str) -> None:
    assert _tense(sentence) is None


@given(st.text(), st.integers(0, 50), st.integers(0, 10))
def test_any_place_in_any_text(text: str, start: int, length: int) -> None:
    start = min(start, len(text))
    assert tense_of(text, start, min(start + length, len(text))) in ("past", "future", None)
