"""Copies of one story share a cluster; a report and its correction never do."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from ingest.dedup import Clusters, Story, bands, same_story
from qa.library.encoders import common_words
from qa.models import Article

TEXT = (
    "Four people died and nine were injured when the River Tamsel burst its banks on Saturday night, the fire chief "
    "said. Kestle visited the town on Monday and promised 12 million crowns. The bridge was closed, and the council "
    "rejected a plan to open it before April. Prices in the shops rose by 3.4 percent on the third day. The school was "
    "not open. People who had lost their homes were taken to a sports hall, where volunteers cooked for the crews."
)
DAY = date(2025, 3, 24)
is_word = common_words().__contains__


def same(text: str, *, days: int = 0) -> bool:
    return same_story(Story(text, DAY.replace(day=24 + days)), [Story(TEXT, DAY)], is_word)


def test_wire_copy_with_small_edits_is_the_same_story() -> None:
    tagged = "BRANNICK, Sunday (Coastwire/Courier) - " + TEXT.replace("was closed", "was shut", 1)
    assert same(tagged.replace("cooked", "made meals"))
    cut = TEXT.replace(" Prices in the shops rose by 3.4 percent on the third day.", "")
    assert same(cut, days=1)


@pytest.mark.parametrize(
    ("said", "other"),
    [
        ("Four people", "Seven people"),
        ("Four people died and nine", "Nine people died and four"),
        ("12 million", "15 million"),
        ("third day", "fourth day"),
        ("Kestle visited", "Orrin visited"),
        ("rose by", "fell by"),
        ("rejected", "approved"),
        ("was not open", "was wide open"),
        ("on Monday", "on Tuesday"),
    ],
)
def test_a_report_that_says_otherwise_is_another_story(said: str, other: str) -> None:
    assert said in TEXT
    assert not same(TEXT.replace(said, other))


def test_a_later_text_that_adds_a_figure_is_news() -> None:
    assert not same(TEXT + " The toll was later raised to seven.", days=1)


def test_the_full_report_printed_again_after_a_cut_one_is_the_same_story() -> None:
    cut = TEXT.replace(" Prices in the shops rose by 3.4 percent on the third day.", "")
    members = [Story(TEXT, DAY), Story(cut, DAY + timedelta(days=1))]
    assert same_story(Story(TEXT, DAY + timedelta(days=3)), members, is_word)
    # Whoever has only the cut one does not know that it is one.
    assert not same_story(Story(TEXT, DAY + timedelta(days=3)), members[1:], is_word)


def test_a_text_that_many_print_is_compared_once() -> None:
    asked: list[str] = []

    def counted(word: str) -> bool:
        asked.append(word)
        return is_word(word)

    assert same_story(Story(TEXT, DAY), [Story(TEXT, DAY)], counted)
    once = len(asked)
    assert once
    asked.clear()
    many = [Story(TEXT, DAY + timedelta(days=number)) for number in range(200)]
    assert same_story(Story(TEXT, DAY), many, counted)
    assert len(asked) == once


def test_what_is_not_english_must_be_alike_word_by_word() -> None:
    spanish = "La crecida del río dejó cuatro muertos en Kelmouth, según informó el lunes la ministra de Sanidad. " * 4
    assert same_story(Story(spanish, DAY), [Story(spanish, DAY)], is_word)
    assert not same_story(Story(spanish.replace("cuatro", "siete"), DAY), [Story(spanish, DAY)], is_word)


def test_copies_in_one_batch_meet_and_an_article_is_no_copy_of_itself() -> None:
    clusters = Clusters(lambda _bands, _article: {}, is_word)
    one = Article(id="one", text=TEXT, published=DAY)
    first = clusters.place(one)
    copy = clusters.place(Article(id="two", text=TEXT.replace("was closed", "was shut"), published=DAY))
    again = clusters.place(Article(id="one", text=TEXT + " ", published=DAY))
    assert (copy.cluster, copy.joined, first.joined) == (first.cluster, True, False)
    assert again.cluster.startswith("one.") or again.cluster == first.cluster
    other = clusters.place(Article(id="three", text="Markets closed higher on Monday. " * 20, published=DAY))
    assert other.cluster.startswith("three.")
    assert not other.joined


SHORT = "The finance minister has resigned, state television reports. More to follow."


def test_short_texts_are_copies_word_by_word_on_one_day() -> None:
    assert len(bands(SHORT)) == 1
    assert bands(SHORT) == bands(SHORT.upper().replace(",", " -"))
    assert bands(SHORT) != bands(SHORT.replace("finance", "health"))
    assert same_story(Story(SHORT, DAY), [Story(SHORT, DAY)], is_word)
    assert same_story(Story(SHORT, None), [Story(SHORT, None)], is_word)
    assert not same_story(Story(SHORT, DAY), [Story(SHORT, DAY + timedelta(days=30))], is_word)
    assert not same_story(Story(SHORT, DAY), [Story(f"{SHORT} Police said so.", DAY)], is_word)


def test_how_many_bands_a_text_has() -> None:
    assert bands("Markets closed higher on Monday.") == bands("") == ()
    assert len(bands(TEXT)) == 32
