from __future__ import annotations

import time
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
        ("earlier this month", "2023-04-01", "2023-04-17"),
        ("last night", "2023-04-16", "2023-04-16"),
        ("last weekend", "2023-04-15", "2023-04-16"),
        ("over the weekend", "2023-04-15", "2023-04-16"),
        ("late Friday", "2023-04-14", "2023-04-14"),
        ("on Friday night", "2023-04-14", "2023-04-14"),
        ("on April 3", "2023-04-03", "2023-04-03"),
        ("on 3 April", "2023-04-03", "2023-04-03"),
        ("on Thursday, April 6th", "2023-04-06", "2023-04-06"),
        ("Nov. 20", "2022-11-20", "2022-11-20"),
        ("on the 14th of this month", "2023-04-14", "2023-04-14"),
        ("since the start of the year", "2023-01-01", "2023-01-01"),
        ("over the past three days", "2023-04-14", "2023-04-17"),
        ("last December", "2022-12-01", "2022-12-31"),
        ("in early March", "2023-03-01", "2023-03-10"),
        ("since mid-February", "2023-02-11", "2023-02-20"),
        ("in July last year", "2022-07-01", "2022-07-31"),
    ],
)
def test_what_an_article_of_a_monday_means(said: str, first: str, last: str) -> None:
    text = f"The talks were held {said}, he said."
    (found,) = resolve_relative(text, MONDAY)
    assert text[found.start : found.end] in (said, said.removeprefix("on "))
    assert (found.first, found.last) == (date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    "said",
    [
        "in May 2021", "on April 3, 2021", "on 3 April 2021", "Mondays", "yesterdays", "no date at all", "every Monday",
        # Nothing tells which one, or it is uncertain: better no date than a wrong one.
        "on Tuesday",  # tomorrow's name: six days ago, or tomorrow in a report that was mended then
        "by Friday", "Friday through Sunday", "one Friday", "last March", "in November of that year",
        "in mid-April 2020", "twenty-two years ago", "2.5 years ago", "more than two years ago",
        "the previous day", "a day earlier", "over the last year", "on April 13-15", "on September 1",
        "this summer", "on Black Friday", "on Fri",
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_alone(said: str) -> None:
    assert resolve_relative(f"The talks were held {said}.", MONDAY) == []


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        # What is told is past, what is planned is to come; the nearest verb decides.
        ("The judge sentenced two men Friday.", "The judge sentenced two men Friday [2023-04-14]."),
        ("A blast on Sunday killed three.", "A blast on Sunday [2023-04-16] killed three."),
        ("On Friday, the envoy was received.", "On Friday [2023-04-14], the envoy was received."),
        ("The court will rule on Friday.", "The court will rule on Friday [2023-04-21]."),
        ("The vote is scheduled for Friday.", "The vote is scheduled for Friday [2023-04-21]."),
        ("He plans to fly home Wednesday.", "He plans to fly home Wednesday [2023-04-19]."),
        ("The king will come on Friday, the palace said Sunday.",
         "The king will come on Friday [2023-04-21], the palace said Sunday [2023-04-16]."),
        ("He said on Friday that she will stay.", "He said on Friday [2023-04-14] that she will stay."),
        ("The hearing will be held in June.", "The hearing will be held in June [2023-06]."),
        ("They will vote on May 5.", "They will vote on May 5 [2023-05-05]."),
        ("Shares rose less than expected on Friday.", "Shares rose less than expected on Friday [2023-04-14]."),
        ("Friday's vote was close.", "Friday's [2023-04-14] vote was close."),
        ("Passed this week, it takes effect later this year.",
         "Passed this week [2023-04-17 to 2023-04-23], it takes effect later this year [2023-04-17 to 2023-12-31]."),
        ("They are to vote this weekend.", "They are to vote this weekend."),  # on a Monday, either
        ("USA Today reported today that it closed.", "USA Today reported today [2023-04-17] that it closed."),
        # Spanish and Portuguese.
        ("El ministro dijo ayer que viajará el próximo lunes.",
         "El ministro dijo ayer [2023-04-16] que viajará el próximo lunes [2023-04-24]."),
        ("La cumbre se celebró este lunes.", "La cumbre se celebró este lunes [2023-04-17]."),
        ("El mes pasado subió; la semana pasada bajó.",
         "El mes pasado [2023-03] subió; la semana pasada [2023-04-10 to 2023-04-16] bajó."),
        ("Hace tres días llegó a Moscú.", "Hace tres días [2023-04-14] llegó a Moscú."),
        ("O ministro falou ontem e na última sexta-feira.",
         "O ministro falou ontem [2023-04-16] e na última sexta-feira [2023-04-14]."),
        ("A reunião foi nesta quinta-feira (13).", "A reunião foi nesta quinta-feira (13) [2023-04-13]."),
        ("Em março foi assinado o acordo.", "Em março [2023-03] foi assinado o acordo."),
    ],
)  # fmt: skip
def test_the_tense_says_which_day_is_meant(sentence: str, shown: str) -> None:
    assert annotate(sentence, MONDAY) == shown


@pytest.mark.parametrize(
    "sentence",
    [
        # Plans that may have failed, conditions, clauses of their own.
        "He was scheduled to fly on Friday.",
        "The trial was to begin Wednesday.",
        "She would have met him on Friday.",
        "The store says the sale begins on Friday.",
        "The firm announced the store opens on Friday.",
        # Direct speech counts from the day it was spoken.
        "“I will see him tomorrow,” he told them.",
        '"We agreed on Friday," she said.',
        # Names and numbers.
        "Theresa May said in Maytime that they march 5 km.",
        "He reads the Sunday Times and USA TODAY.",
        "The January 6 committee met.",
        "It was founded in 1990. In March it grew.",
        "Hoy en día se usa poco.",
        "Há três dias de festa.",
        "He was seen in Marco.",
    ],
)
def test_where_it_is_uncertain_nothing_is_said(sentence: str) -> None:
    assert annotate(sentence, MONDAY) == sentence


def test_a_weekday_beside_a_date_settles_the_year() -> None:
    # 13 January was a Friday in 2023, and a Thursday in 2022.
    assert annotate("Due: Friday, Jan. 13.", date(2022, 12, 28)) == "Due: Friday, Jan. 13 [2023-01-13]."
    assert annotate("Due: Thursday, Jan. 13.", date(2022, 12, 28)) == "Due: Thursday, Jan. 13."


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
    "April 13",
    "Friday, Feb. 29",
    "31 de febrero",
    "said",
    "will",
    "last December",
    "over the past 99 months",
    "este lunes",
    "semana pasada",
    "(17)",
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


@given(st.sampled_from(_RELATIVE).map(lambda said: f"They met {said}."), st.dates(date(1900, 1, 1), date(2100, 1, 1)))
def test_what_was_put_in_is_not_read_again(text: str, day: date) -> None:
    shown = annotate(text, day)
    assert [shown[one.start : one.end] for one in resolve_relative(shown, day)] == [
        text[one.start : one.end] for one in resolve_relative(text, day)
    ]


def test_a_long_passage_is_annotated_at_once() -> None:
    text = "The minister, who met aides on Friday, said that talks held last week in the capital went well. " * 60
    began = time.perf_counter()
    shown = annotate(text, MONDAY)
    assert time.perf_counter() - began < 0.3  # a few milliseconds on an idle machine
    assert shown.count("[2023-04-14]") == 60


@pytest.mark.parametrize("unit", ["on Friday ", "last ", "April 13, ", "“", '"a', " ", "in ", "1"])
def test_a_huge_text_costs_in_proportion(unit: str) -> None:
    began = time.perf_counter()
    annotate((unit * 100_000)[:100_000], MONDAY)
    assert time.perf_counter() - began < 5


def test_a_weekday_before_a_date_is_left_to_the_date() -> None:
    shown = annotate("The council votes on Tuesday 24 June, and people this Sunday, 18 May.", date(2025, 5, 12))
    assert "Tuesday 24 June" in shown
    assert "Sunday, 18 May [2025-05-18]" in shown
