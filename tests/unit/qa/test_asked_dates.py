from __future__ import annotations

import json
import time
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.dates import AskedRange, read_range
from tests.conftest import ROOT

AS_OF = date(2023, 4, 19)
"""A Wednesday."""

ROWS: list[dict[str, Any]] = [
    json.loads(line) for line in (ROOT / "tests/data/date_expressions.jsonl").read_text(encoding="utf-8").splitlines()
]


def _days(found: AskedRange | None) -> tuple[str | None, str | None]:
    """As in the rows: ISO days, None for open or none."""
    if found is None:
        return None, None
    return (found.start.isoformat() if found.start else None), (found.end.isoformat() if found.end else None)


def _read(question: str) -> AskedRange:
    found = read_range(question, AS_OF)
    assert found is not None
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['as_of']} {row['question']}")
def test_the_range_a_question_speaks_of(row: dict[str, Any]) -> None:
    found = read_range(row["question"], date.fromisoformat(row["as_of"]))
    assert _days(found) == (row["from"], row["to"])


@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        # Said once, a year holds for both ends.
        ("from March 2022 to May", "2022-03-01", "2022-05-31"),
        ("between November and February 2022", "2021-11-01", "2022-02-28"),
        ("in January, February and March 2022", "2022-01-01", "2022-03-31"),
        ("on Monday or Tuesday last week", "2023-04-10", "2023-04-11"),
        ("in December, last year", "2022-12-01", "2022-12-31"),
        ("last year in March", "2022-03-01", "2022-03-31"),
        ("on 3, 4 and 5 April", "2023-04-03", "2023-04-05"),
        ("in Q4 2022 and Q1 2023", "2022-10-01", "2023-03-31"),
        ("after 3 March and before 9 April", "2023-03-04", "2023-04-08"),
        ("since March until now", "2023-03-01", "2023-04-19"),
        # An edge of a stretch of time limits as a day does.
        ("since the end of March", "2023-03-31", "2023-04-19"),
        ("before the start of 2023", None, "2022-12-31"),
        ("by the end of 2022", None, "2022-12-31"),
        # What follows an event follows it on its own day.
        ("after Monday's vote", "2023-04-17", "2023-04-19"),
        ("before Monday's vote", None, "2023-04-17"),
        ("on or after April 13", "2023-04-13", "2023-04-19"),
        ("no later than April 13", None, "2023-04-13"),
        # Parts.
        ("in the last ten days of March", "2023-03-22", "2023-03-31"),
        ("in the first three months of 2022", "2022-01-01", "2022-03-31"),
        ("on the first weekend of April", "2023-04-01", "2023-04-02"),
        ("on the weekend of April 8", "2023-04-08", "2023-04-09"),
        ("in the mid-2010s", "2014-01-01", "2016-12-31"),
        ("in the first half of March", "2023-03-01", "2023-03-15"),
        # Up to the as-of date, or by the calendar.
        ("over the last year", "2022-04-19", "2023-04-19"),
        ("in the last quarter", "2023-01-01", "2023-03-31"),
        ("in the past few days", "2023-04-14", "2023-04-19"),
        ("a few weeks ago", "2023-03-13", "2023-04-09"),
        ("the same week last year", "2022-04-18", "2022-04-24"),
        ("the Monday before last", "2023-04-10", "2023-04-10"),
        ("on the 31st", "2023-03-31", "2023-03-31"),
        ("at the March meeting", "2023-03-01", "2023-03-31"),
        ("am 13.04.2023", "2023-04-13", "2023-04-13"),
        ("desde el lunes", "2023-04-17", "2023-04-19"),
        ("na última sexta-feira", "2023-04-14", "2023-04-14"),
        ("en los años 90", "1990-01-01", "1999-12-31"),
        ("en el siglo XX", "1901-01-01", "2000-12-31"),
    ],
)
def test_the_range_of_further_expressions(said: str, first: str | None, last: str) -> None:
    assert _days(read_range(f"What was decided {said}?", AS_OF)) == (first, last)


@pytest.mark.parametrize(
    "question",
    [
        "Who marched in the Women's March?",
        "How can this may be true?",
        "What does Marco Rubio want?",
        "Was the ratio 1:2022?",
        "Did shares fall from 2000 to 1900?",
        "Who watched USA Today?",
        "Did the truce hold, last week after week?",
        "Which day is Earth Day?",
        "Is the store open on Sundays or every Friday?",
        "Who works on the 13th floor?",
        "Which contest is held annually on July 4?",
        "What happened more than two years ago?",
        "Who won in the 2022 elections?",
        "What is the law of 2019 called?",
        'Who wrote "Yesterday"?',
        "Who may visit in May?",
        "What must be signed by Friday?",
        "Who said he will resign on Monday?",
        "What happens after December 31, 2024?",
        "Who fought in the winter of 2022?",
        "Who is the minister today?",
        "¿Qué pasará el próximo mes?",
        "",
        " \n",
    ],
)
def test_where_no_time_is_meant(question: str) -> None:
    assert read_range(question, AS_OF) is None


def test_of_separate_times_the_shortest_counts_and_the_first_of_equal_ones() -> None:
    assert _days(_read("What did he say yesterday about the summit in March?")) == ("2023-04-18", "2023-04-18")
    assert _days(_read("On Monday who met the envoy that came on Tuesday?")) == ("2023-04-17", "2023-04-17")
    assert _days(_read("In 2022, what was signed on March 3?")) == ("2022-03-03", "2022-03-03")


def test_the_reason_says_what_was_understood() -> None:
    assert _read("Who met last week?").reason == '"last week" read as 2023-04-10 to 2023-04-16'
    assert _read("Who met in\n March?").reason == '"March" read as 2023-03'
    assert _read("Who ruled before 2020?").reason == '"before 2020" read as up to 2019-12-31'
    assert _read("Who ruled in  2020?").reason == '"2020" read as 2020-01 to 2020-12'
    long = "Who met in " + ", ".join(["March 2022"] * 20) + "?"
    assert len(_read(long).reason) < 130


@pytest.mark.parametrize(
    "question",
    [
        "Only use articles published in March: who resigned?",
        "What happened in March only?",
        "What do reports from last week say?",
        "Which articles dated 2023-04-13 mention Ortega?",
        "What was published after March 14?",
        "No older than last week: who resigned?",
        "Limit the search to March 2022. Who resigned?",
        "Solo noticias de marzo: ¿qué dijo Ortega?",
        "Artigos publicados desde março: o que disse Lula?",
    ],
)
def test_what_the_words_demand(question: str) -> None:
    assert _read(question).demanded


@pytest.mark.parametrize(
    "question",
    [
        "What happened in March?",
        "Which book published in 2019 won the prize?",
        "Why did only three ministers resign in March?",
        "What did the only summit of 2022 decide?",
        "What was announced just before March 14?",
        "What were the most read stories of 2022?",
    ],
)
def test_what_the_words_prefer(question: str) -> None:
    assert not _read(question).demanded


def test_letters_and_spaces_do_not_matter() -> None:
    for row in ROWS:
        as_of, question = date.fromisoformat(row["as_of"]), row["question"]
        read = _days(read_range(question, as_of))
        for same in (question.upper(), question.lower(), question.replace(" ", "\n  "), f" {question} Say briefly."):
            if "may" not in question.lower():  # a verb, when it is written small
                assert _days(read_range(same, as_of)) == read, same


_WORDS = """
    the last next this past two 3 week weeks month year years day days ago since until before after between and to
    from in on of by March may april 13 2022 2023-04-13 04/13/2023 Monday Friday's weekend yesterday today Q3 H1
    first second half quarter early mid late 1990s the '80s century only published reports will due , ? - . " 5 km
    COP27 ayer hace mes semana pasada março ontem 31 February 29 9999 0001 new year's eve onwards now so far same
    time start end
    """.split()
_questions = (
    st.lists(st.sampled_from(_WORDS), max_size=12).map(" ".join)
    | st.text()
    | st.sampled_from(ROWS).map(lambda row: str(row["question"]))
)
_some_days = st.dates() | st.sampled_from([date.min, date.max, date(1, 3, 1), date(2024, 2, 29)])


@given(_questions, _some_days)
def test_any_question_on_any_day(question: str, as_of: date) -> None:
    found = read_range(question, as_of)
    if found is None:
        return
    assert found.start or found.end
    assert found.end is None or found.end <= as_of
    assert not (found.start and found.end) or found.start <= found.end
    assert found.words
    for start, end in found.words:
        assert 0 <= start < end <= len(question)
        assert not question[start:end].isspace()
    assert found == read_range(question, as_of)


_MOVING = [
    "yesterday", "today", "last night", "on Monday", "last Friday", "over the weekend", "last weekend",
    "this week", "last week", "the week before last", "this month", "last month", "in March", "in early May",
    "on the 31st", "on April 13", "on February 29", "last December", "in Q3", "last quarter", "this year",
    "in the second half of last year", "in the past two weeks", "two weeks ago", "a year ago", "since Monday",
    "since March", "the same month last year", "this decade", "in the '90s", "between Monday and Thursday",
    "from November to January",
]  # fmt: skip


@given(st.sampled_from(_MOVING), st.dates(date(1900, 1, 1)), st.dates(date(1900, 1, 1)))
def test_what_counts_from_the_day_moves_with_it(said: str, one: date, other: date) -> None:
    earlier, later = (read_range(f"What was decided {said}?", day) for day in sorted((one, other)))
    assert earlier is not None
    assert later is not None
    assert earlier.start is not None
    assert later.start is not None
    assert earlier.end is not None
    assert later.end is not None
    assert earlier.start <= later.start
    assert earlier.end <= later.end


@pytest.mark.parametrize(
    "unit", ["last ", "2022 ", "March and ", "January 1, ", "the first week of ", "since ", " ", "-"]
)
def test_a_huge_question_costs_no_more_than_a_long_one(unit: str) -> None:
    huge = (unit * 100_000)[:100_000]
    began = time.perf_counter()
    read_range(huge, AS_OF)
    assert time.perf_counter() - began < 2
