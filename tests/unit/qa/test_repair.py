"""Glued words taken apart for searching."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.library.encoders import common_words
from qa.repair import repair


def repaired(text: str) -> str:
    return repair(text, common_words().__contains__)


@pytest.mark.parametrize(
    ("glued", "apart"),
    [
        ("Sergey Lavrovannounced on April 13", "Sergey Lavrov announced on April 13"),
        ("Vladimir Putininvited to Moscow", "Vladimir Putin invited to Moscow"),
        ("antagonism between the powerssince it bases", "antagonism between the powers since it bases"),
        ("Lula da Silvaupon receiving", "Lula da Silva upon receiving"),
        ("increased by 3.8%while wheat", "increased by 3.8% while wheat"),
    ],
)
def test_glued_words_are_taken_apart(glued: str, apart: str) -> None:
    assert repaired(glued) == apart


@pytest.mark.parametrize(
    "text",
    [
        "Whoever travelled forthwith notwithstanding the overwritten herewith",
        "Afghanistan, Manchester United and Bolivarian antagonism skyrocketed",
        "Nottingham Forest visited Wolverhampton Wanderers",
        "The ministers of Nicaragua met Laureano Ortega Murillo",
        "",
    ],
)
def test_words_that_are_whole_stay_whole(text: str) -> None:
    assert repaired(text) == text


@given(st.text())
def test_nothing_but_spaces_is_ever_added(text: str) -> None:
    assert "".join(repaired(text).split()) == "".join(text.split())
