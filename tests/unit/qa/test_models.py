from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from qa.models import Answer, Article, Citation, Cost, DateRange, Filters, Passage, Usage

DAY = date(2023, 4, 17)
ARTICLE = Article(
    id="a", text="Text.", title="T", source="s", authors=("A", "B"), published=DAY, published_from="header"
)
days = st.dates(date(2022, 1, 1), date(2023, 1, 1))


def test_a_new_text_is_a_new_version_and_new_metadata_is_not() -> None:
    assert replace(ARTICLE, text="Text!").text_hash != ARTICLE.text_hash
    assert replace(ARTICLE, title="U").text_hash == ARTICLE.text_hash


@pytest.mark.parametrize(
    "change",
    [
        {"text": "X"},
        {"title": None},
        {"url": "http://x"},
        {"source": "t"},
        {"authors": ("A",)},
        {"authors": ("AB",)},
        {"published": None},
    ],
    ids=str,
)
def test_the_fingerprint_sees_every_change_of_content(change: dict[str, object]) -> None:
    assert replace(ARTICLE, **change).fingerprint != ARTICLE.fingerprint  # type: ignore[arg-type]


def test_the_fingerprint_ignores_id_and_where_a_date_came_from() -> None:
    assert replace(ARTICLE, id="b", published_from="field").fingerprint == ARTICLE.fingerprint


def test_a_lone_surrogate_can_be_hashed() -> None:
    assert replace(ARTICLE, text="\ud800").text_hash != replace(ARTICLE, text="\ud801").text_hash


@given(as_of=days, start=st.none() | days, end=st.none() | days, published=st.none() | days, given_=st.booleans())
def test_filters_admit_what_the_contract_says(
    as_of: date, start: date | None, end: date | None, published: date | None, given_: bool
) -> None:
    filters = Filters(as_of=as_of, as_of_given=given_, start=start, end=end)
    admitted = filters.admits(published, None)
    if published is None:
        assert admitted == (not given_ and start is None and end is None)
    else:
        inside = (start is None or start <= published) and (end is None or published <= end)
        assert admitted == (inside and published <= as_of)


def test_filters_hold_to_the_sources_asked_for() -> None:
    filters = Filters(as_of=DAY, sources=("reuters", "ap"))
    assert filters.admits(DAY, "ap")
    assert not filters.admits(DAY, "afp")
    assert not filters.admits(None, None)


def test_filters_hold_to_the_articles_asked_for() -> None:
    filters = Filters(as_of=DAY, articles=("a", "b"))
    assert filters.admits(DAY, None, "b")
    assert not filters.admits(DAY, None, "c")
    assert not filters.admits(DAY, None)
    assert Filters(as_of=DAY).admits(DAY, None, "c")


def test_what_two_calls_took_adds_up() -> None:
    free = Usage(input_tokens=10, output_tokens=2)
    paid = Usage(input_tokens=1, output_tokens=3, cost=Cost(amount=0.25, currency="EUR"))
    assert (free + free).cost is None
    assert free + paid == Usage(input_tokens=11, output_tokens=5, cost=Cost(amount=0.25, currency="EUR"))
    assert (paid + paid).cost == Cost(amount=0.5, currency="EUR")


def test_a_range_speaks_of_from_and_to_on_the_wire() -> None:
    told = DateRange(start=DAY, end=None, reason="asked").to_json()
    assert told == {"from": "2023-04-17", "to": None, "reason": "asked"}
    assert DateRange.model_validate(told) == DateRange(start=DAY, reason="asked")


def test_an_answer_survives_json_with_exactly_the_contracts_fields() -> None:
    passage = Passage(
        chunk_id="a.1.0",
        article_id="a",
        score=0.5,
        text="Text.",
        start=0,
        end=5,
        published=DAY,
        published_from="header",
    )
    citation = Citation(n=1, article_id="a", chunk_id="a.1.0", quote="Text.", start=0, end=5, supported=True)
    answer = Answer(
        id="x",
        question="Q?",
        as_of=DAY,
        text="Text. [1]",
        abstained=False,
        citations=(citation,),
        passages=(passage,),
        model="m",
    )
    told = answer.to_json()
    assert list(told) == [
        "id",
        "question",
        "rewritten_question",
        "as_of",
        "text",
        "abstained",
        "sentences",
        "citations",
        "passages",
        "date_range",
        "model",
        "usage",
        "timings_ms",
        "warnings",
    ]
    assert set(told["citations"][0]) == {
        "n",
        "article_id",
        "chunk_id",
        "title",
        "url",
        "source",
        "published",
        "published_from",
        "quote",
        "start",
        "end",
        "supported",
        "attributed",
        "also_reported_by",
        "superseded_by",
    }
    assert set(told["passages"][0]) == {
        "chunk_id",
        "article_id",
        "score",
        "text",
        "start",
        "end",
        "published",
        "title",
        "url",
        "source",
    }
    assert told["passages"][0]["published"] == "2023-04-17"
    assert Answer.model_validate(told).to_json() == told


def test_wire_values_are_frozen_and_strict() -> None:
    with pytest.raises(ValidationError):
        DateRange.model_validate({"from": None, "too": None})
    with pytest.raises(ValidationError):
        DateRange().reason = "x"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Citation(n=0, article_id="a", chunk_id="c", quote="", start=0, end=0, supported=False)
