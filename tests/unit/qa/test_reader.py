from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given

from qa.reader import MAX_SENTENCES, ExtractiveReader
from tests.fakes import FakeEmbedder
from tests.unit.qa.strategies import any_text, passage

PASSAGES = [
    passage(
        "Sergey Lavrov arrived in Brazil on Monday for talks about trade. The sun shone over the capital all that day.",
        n=1,
        start=300,
        published=date(2023, 4, 17),
    ),
    passage(
        "Trade between Russia and Brazil reached 9.8 billion dollars last year. Coffee is grown in the south.", n=2
    ),
    passage("He came.", n=3),
]


@pytest.fixture
def reader() -> ExtractiveReader:
    return ExtractiveReader(FakeEmbedder(), abstain_below=0.4)


@pytest.mark.parametrize(
    ("question", "begins"),
    [
        ("Who arrived in Brazil for talks about trade?", "Sergey Lavrov"),
        ("How much was trade between Russia and Brazil?", "Trade between"),
    ],
)
def test_the_sentence_that_answers_comes_first(reader: ExtractiveReader, question: str, begins: str) -> None:
    best = reader.pick(question, PASSAGES)[0]
    assert best.quote.text.startswith(begins)
    assert best.quote.passage in PASSAGES
    assert 0.4 <= best.score <= 1


def test_quotes_point_into_the_article(reader: ExtractiveReader) -> None:
    quote = reader.pick("Who arrived in Brazil?", PASSAGES)[0].quote
    assert quote.start == 300
    assert quote.end == 300 + PASSAGES[0].text.index(" The sun")


def test_it_abstains_when_nothing_fits(reader: ExtractiveReader) -> None:
    assert reader.pick("Which penguin won the chess olympiad?", PASSAGES) == []


def test_it_abstains_without_anything_to_quote(reader: ExtractiveReader) -> None:
    assert reader.pick("Who came?", []) == []
    # Two words say nothing on their own.
    assert reader.pick("Who came?", [PASSAGES[2]]) == []


def test_it_does_not_say_the_same_twice(reader: ExtractiveReader) -> None:
    wire = [passage("Sergey Lavrov arrived in Brazil on Monday for talks about trade.", n=n) for n in range(1, 5)]
    assert len(reader.pick("Who arrived in Brazil on Monday?", wire)) == 1


def test_the_kind_of_thing_asked_for_decides_between_equals(reader: ExtractiveReader) -> None:
    twins = [
        passage("The treaty talks in Geneva ended quietly.", n=1),
        passage("The treaty talks in Geneva ended in 2021.", n=2),
    ]
    assert reader.pick("When did the treaty talks in Geneva end?", twins)[0].quote.passage.article_id == "a2"


@given(any_text, any_text)
def test_any_question_and_text_give_up_to_three_quotes_best_first(question: str, text: str) -> None:
    picked = ExtractiveReader(FakeEmbedder(), abstain_below=0.0).pick(question, [passage(text, start=7)])
    assert len(picked) <= MAX_SENTENCES
    assert [one.score for one in picked] == sorted((one.score for one in picked), reverse=True)
    assert all(text[one.quote.start - 7 : one.quote.end - 7] == one.quote.text for one in picked)


def test_what_most_articles_name_comes_before_what_one_does(reader: ExtractiveReader) -> None:
    wire = [
        passage("The harbour prize went to Anna Quill after a vote.", n=1),
        passage("The harbour prize went to Bertil Stroom after a vote.", n=2),
        passage("Judges gave Bertil Stroom the harbour prize. Crowds cheered in the rain.", n=3),
    ]
    assert "Stroom" in reader.pick("Who won the harbour prize in the vote?", wire)[0].quote.text


def test_a_sentence_that_leans_on_the_one_before_brings_it_along(reader: ExtractiveReader) -> None:
    text = "Mara Holt leads the ferry board. She raised the ferry fares to nine crowns. It rained."
    quote = reader.pick("Were the fares raised to nine crowns?", [passage(text)])[0].quote
    assert quote.text.startswith("Mara Holt leads the ferry board. She raised")


def test_a_question_whose_names_no_passage_holds_is_less_sure(reader: ExtractiveReader) -> None:
    here = reader.read("Who arrived in Brazil for talks about trade?", PASSAGES)
    elsewhere = reader.read("Who arrived in Angola for talks about trade?", PASSAGES)
    assert here.confidence > elsewhere.confidence > 0
    assert reader.read("Who came?", []).confidence == 0


def test_sentences_met_before_are_not_embedded_again() -> None:
    embedder = FakeEmbedder()
    reader = ExtractiveReader(embedder, abstain_below=0.4)
    first = reader.read("Who arrived in Brazil for talks?", PASSAGES[:1])
    assert embedder.embedded
    embedder.embedded.clear()
    again = reader.read("Who arrived in Brazil for talks?", PASSAGES[:1])
    assert again == first
    assert embedder.embedded == []
