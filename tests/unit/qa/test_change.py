from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.change import newest_first, newest_report, overlap, tells
from qa.citations import Quote
from qa.models import Passage
from qa.text import sentences
from tests.unit.qa.strategies import any_text, passage

MONDAY = date(2023, 2, 6)


def told(text: str, days: int = 0) -> Passage:
    """An article of its own, published so many days after a Monday."""
    day = MONDAY + timedelta(days)
    return passage(text, n=days + 100, published=day)


def whole(one: Passage) -> Quote:
    return Quote(one, one.start, one.end, 1.0)


def superseding(older: str, newer: str, days: int = 2) -> str | None:
    first, second = told(older), told(newer, days)
    found = newest_report(whole(first), [first, second])
    return found.text if found else None


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (
            "At least 12 people were killed when a ferry sank off Orn on Monday, police said.",
            "The death toll from the ferry that sank off Orn on Monday rose to 15, police said on Wednesday.",
        ),
        (
            "An earthquake in Velm province killed 12 people and injured 30.",
            "The earthquake in Velm province has killed 21 people and injured more than 80.",
        ),
        (
            "The earthquake in Turkey and Syria killed more than 1,900 people on Monday.",
            "The death toll from Monday's earthquake in Turkey and Syria has risen to more than 11,000.",
        ),
        ("The Bank of Orn kept its key rate at 4.5% on Monday.", "The Bank of Orn raised its key rate to 4.75%."),
        ("The Korv Fire is 10% contained.", "The Korv Fire was 45% contained as of Wednesday."),
        ("Nine people are still missing after the landslide in Velm.", "Four are missing after the landslide in Velm."),
        (
            "The bombardment of Rafal by Orn has killed more than 31,000 Velmians.",
            "The war of Orn in Rafal has killed nearly 35,000 Velmians.",
        ),
        (
            "The death toll in the collapse of a bridge in Orn is 15, including three children.",
            "The death toll in the collapse of a bridge in Orn was revised to 12, including two children.",
        ),
    ],
)
def test_a_newer_number_of_the_same_thing_supersedes(older: str, newer: str) -> None:
    assert superseding(older, newer) == newer


QUAKE = "An earthquake in Velm province killed 12 people."


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        # Another event, place, day, period, or thing.
        ("Strikes on Rafal killed 12 people on Monday.", "Strikes on Rafal killed 15 people on Wednesday."),
        ("Strikes on Rafal killed 12 people.", "Strikes on Rafal killed 15 people."),
        (QUAKE, "An earthquake in Korv province killed 15 people."),
        (QUAKE, "A flood in Velm province killed 15 people."),
        (QUAKE, "An earthquake in Velm province injured 15 people."),
        (QUAKE, "An earthquake in Velm province in 2011 killed 150 people."),
        (QUAKE, "Earthquakes in Velm and Korv killed 15 people."),
        ("The earthquake in Turkey killed 1,200 people.", "The earthquake in Turkey and Syria killed 3,700 people."),
        (QUAKE, "The earthquake in Velm province killed 15 children."),
        ("The Korv Fire is 10% contained.", "The Velm Fire is 45% contained."),
        ("Inflation in Orn was 3% last year.", "Inflation in Orn was 4% in January."),
        ("Unemployment in Orn fell to 4.5%.", "Unemployment in Orn rose to 4.75%."),
        ("Lee is averaging 16.9 points for Orn.", "Lee is averaging 17.4 points for Orn."),
        ("COVID-19 has killed 1,200 people.", "The toll of COVID-19 rose to 4,000."),
        # The same number, or one that may be the same.
        (QUAKE, "The toll of the earthquake in Velm province stands at 12."),
        ("The quake in Velm killed about 1,200.", "The quake in Velm killed 1,183."),
        ("The quake in Velm killed more than 41,000.", "The quake in Velm killed 41,218."),
        # Part of it, not yet known, or broken down.
        (QUAKE, "An earthquake in Velm province killed another 15 people."),
        (QUAKE, "An earthquake in Velm province may have killed 15 people."),
        (QUAKE, "An earthquake in Velm province killed dozens of people."),
        (QUAKE, "The toll of the earthquakes passed 40, about 25 in Velm province."),
        # A toll does not fall or explode by itself.
        (QUAKE, "An earthquake in Velm province killed eight people."),
        (QUAKE, "An earthquake in Velm province killed 1,500 people."),
    ],
)
def test_other_things_and_the_same_number_do_not(older: str, newer: str) -> None:
    assert superseding(older, newer) is None


NEWER = "The earthquake in Velm province has killed 21 people."


@pytest.mark.parametrize("days", [0, -3, 61])
def test_only_a_later_day_supersedes_and_not_a_much_later_one(days: int) -> None:
    assert superseding(QUAKE, NEWER, days) is None


def test_an_undated_report_neither_supersedes_nor_is_superseded() -> None:
    undated = passage(NEWER, n=7)
    assert newest_report(whole(told(QUAKE)), [undated]) is None
    assert newest_report(whole(undated), [told(QUAKE)]) is None


def test_the_newest_counts() -> None:
    first, second, third = told(QUAKE), told(NEWER, 1), told(NEWER.replace("21", "35"), 3)
    found = newest_report(whole(first), [second, third, first])
    assert found == whole(third)


def test_what_the_newest_repeats_is_not_superseded_by_what_came_between() -> None:
    between = told(NEWER, 1)
    last = told("The toll of the earthquake in Velm province was corrected to 12.", 2)
    assert newest_report(whole(told(QUAKE)), [between, last]) is None


def test_only_the_numbers_a_sentence_says_are_looked_at() -> None:
    first, second = told(f"{QUAKE[:-1]} and destroyed a bridge."), told(NEWER, 1)
    assert newest_report(whole(first), [second], "The earthquake destroyed a bridge.") is None
    assert newest_report(whole(first), [second], "Twelve people died in Velm.") == whole(second)


def test_the_sentence_is_found_within_its_passage() -> None:
    second = passage(f"Rain fell. {NEWER} It was cold.", n=2, start=40, published=MONDAY + timedelta(1))
    found = newest_report(whole(told(QUAKE)), [second])
    assert found is not None
    assert (found.text, found.start) == (NEWER, 40 + len("Rain fell. "))


class TestNewestFirst:
    def test_what_supersedes_stands_before(self) -> None:
        first, second, other = whole(told(QUAKE)), whole(told(NEWER, 1)), whole(told("Schools stay shut in Velm.", 2))
        reports = newest_first([other, first], [one.passage for one in (first, second, other)], 3)
        assert [(report.quote, report.newer) for report in reports] == [(other, None), (second, None), (first, second)]

    def test_what_is_quoted_anyhow_is_quoted_once(self) -> None:
        first, second = whole(told(QUAKE)), whole(told(NEWER, 1))
        reports = newest_first([first, second], [first.passage, second.passage], 3)
        assert [(report.quote, report.newer) for report in reports] == [(second, None), (first, second)]

    def test_the_last_go_where_there_are_too_many(self) -> None:
        first, second = whole(told(QUAKE)), whole(told(NEWER, 1))
        others = [whole(told(f"School {name} stays shut.", days)) for days, name in enumerate("ABC", start=3)]
        reports = newest_first([first, *others], [first.passage, second.passage], 3)
        assert [report.quote for report in reports] == [second, first, others[0]]

    def test_without_news_nothing_changes(self) -> None:
        quotes = [whole(told("Schools stay shut in Velm.", days)) for days in range(3)]
        assert [report.quote for report in newest_first(quotes, [one.passage for one in quotes], 3)] == quotes


def test_a_sentence_tells_a_report_when_it_says_its_number() -> None:
    newer = whole(told(NEWER, 1))
    assert tells("By Tuesday 21 had died.", newer)
    assert not tells("By Tuesday many had died.", newer)


SAID = st.sampled_from(
    [
        QUAKE,
        NEWER,
        "The toll of the earthquake in Velm province rose to 35.",
        "The toll of the earthquake in Velm province was revised to 15.",
        "The earthquake in Velm province killed 12 people and injured 30.",
        "The Korv Fire is 10% contained.",
        "The Korv Fire is 45% contained.",
        "Rain fell.",
    ]
)
TEXTS = st.one_of(st.lists(SAID, min_size=1, max_size=3).map(" ".join), any_text.filter(str.strip))


@given(st.lists(st.tuples(TEXTS, st.none() | st.integers(0, 70)), min_size=1, max_size=6))
def test_chains_lead_to_later_days_and_end(drawn: list[tuple[str, int | None]]) -> None:
    passages = [
        passage(text, n=n, published=None if days is None else MONDAY + timedelta(days))
        for n, (text, days) in enumerate(drawn)
    ]
    quotes = [Quote(one, *sentences(one.text)[0], 1.0) for one in passages if sentences(one.text)]
    reports = newest_first(quotes, passages, 20)
    for i, report in enumerate(reports):
        if report.newer is not None:
            mine, theirs = report.quote.passage, report.newer.passage
            assert mine.published is not None
            assert theirs.published is not None
            assert theirs.published > mine.published
            assert theirs.article_id != mine.article_id
            # What supersedes it was told before, and is words of its passage.
            assert report.newer in [one.quote for one in reports[:i]]
            assert report.newer.text in theirs.text
    assert all(any(overlap(quote, report.quote) for report in reports) for quote in quotes)
