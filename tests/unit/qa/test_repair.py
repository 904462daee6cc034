"""The text that is searched: glued words taken apart, entities read, boilerplate and tags left out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.library.encoders import common_words
from qa.repair import repair, search_text, told


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
        ("the original song Oscaragainst Lady Gaga", "the original song Oscar against Lady Gaga"),
        ("present-day cultural issuesfrom 8:15", "present-day cultural issues from 8:15"),
        ("the disabledbecause she wanted", "the disabled because she wanted"),
        ("Tsikhanouskaya spoke. Tsikhanouskayasaid no", "Tsikhanouskaya spoke. Tsikhanouskaya said no"),
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
        "Rehoboth's misstated, understated and overstated figures were reinstated, reappointed and underreported",
        "A worthwhile singalong, bookended by wellbeing, handwrote the forewarned and underwrote the consigned",
        "Unassigned, Unintended, Outvoted, Reappraised, Counterproposed and wantonly everywhere, [E]verywhere",
        "Follow @phoebesaid or write to mary@roadstraveled.com, roadstraveled.com/issuesfrom or #issuesfrom",
        "",
    ],
)
def test_words_that_are_whole_stay_whole(text: str) -> None:
    assert repaired(text) == text


@given(st.text())
def test_nothing_but_spaces_is_ever_added(text: str) -> None:
    assert "".join(repaired(text).split()) == "".join(text.split())


def searched(text: str) -> str:
    return search_text(text, common_words().__contains__)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("AT&amp;T said it&#8217;s &quot;over&quot; &#x2014; for now", 'AT&T said it’s "over" — for now'),
        ("Escaped twice: Marks &amp;amp; Spencer", "Escaped twice: Marks & Spencer"),
        ("AT&T, R&D; and the like are no entities", "AT&T, R&D; and the like are no entities"),
        ("One thing.\nRead more\nAnother.", "One thing.\nAnother."),
        ("LONDON, March 5 (Reuters) - Lavrovannounced it.", "LONDON, March 5 Lavrov announced it."),
    ],
)
def test_what_is_searched(text: str, found: str) -> None:
    assert searched(text) == found


@pytest.mark.parametrize("text", ["", " \n", "Read more\n\nShare this article", "(AFP) -", "Advertisement &nbsp;"])
def test_boilerplate_alone_leaves_nothing(text: str) -> None:
    assert searched(text) == told(text) == ""


@given(st.text(st.sampled_from("abé&#;x19\n -(AFP)Rs.")))
def test_any_text_can_be_searched(text: str) -> None:
    assert isinstance(searched(text), str)
