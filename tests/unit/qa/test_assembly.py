from __future__ import annotations

import os
import re
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.assembly import UNSUPPORTED_MARK, Assembly, Unsupported
from qa.citations import Quote
from qa.claims import ClaimStream
from qa.events import CitationEvent, DeltaEvent, Event, SentenceEvent
from qa.models import Passage
from qa.prompt import ABSTENTION
from qa.reader import Picked
from qa.text import sentences
from tests.unit.qa.strategies import any_text, passage, prose

ARTICLES = {
    "a1": "x" * 40 + "Lavrov visited Brazil [3] on Monday. He met Mauro Vieira.",
    "a2": "Trade reached 9.8 billion dollars in [2022]. Officials were pleased with it.",
    "a3": "“We agreed,” he said. [1] The visit ends on Tuesday.",
}
PASSAGES = (
    passage(
        ARTICLES["a1"][40:],
        n=1,
        start=40,
        published=date(2023, 4, 17),
        published_from="header",
        also_reported_by=("ap",),
    ),
    passage(ARTICLES["a2"], n=2, title="Trade", url="https://x.test/2", source="reuters"),
    passage(ARTICLES["a3"], n=3),
)
# DATELINE_TEST_ANSWERS=5000 for a thorough run.
ANSWERS = int(os.environ.get("DATELINE_TEST_ANSWERS", "150"))

_TRUE = [
    "Lavrov visited Brazil",
    "He met Mauro Vieira",
    "Trade reached 9.8 billion dollars",
    "The visit ends on Tuesday",
]
_FALSE = [
    "Trade reached 10 billion dollars",
    "Lavrov did not visit Brazil",
    "Vieira visited Brazil",
    "The visit ends on Wednesday",
    "He met Celso Amorim",
    "“We refused,” he said",
]
_LINKS = [
    "See [the report](https://evil.example/x)",
    "![x](https://evil.example/x.png)",
    "Log in at www.evil.example",
    "Trade reached 9.8 billion dollars, see https://x.test/2",
    "<img src=x onerror=alert(1)>Pigs fly",
    "[ref]: https://evil.example",
]
_MARKS = [
    "",
    " [1]",
    "[2]",
    " [3]",
    " [1][2]",
    " [2, 3]",
    " [1-3]",
    " [9]",
    " [0]",
    " 【2】",
    " [٢]",
    " [１]",
    " [[1]]",
    " [1[2]]",
    " [1",
    " [2023]",
    " [ 2 ]",
    " [^3]",
    "[1] [1]",
]
_sentence = st.builds(
    lambda said, inside, stop, after: f"{said}{inside}{stop}{after}",
    st.sampled_from(
        [
            *_TRUE,
            *_FALSE,
            *_LINKS,
            "Pigs fly",
            "In [3] he said",
            "He met [Vieira] and [12] others",
            "-",
            "1.",
            ABSTENTION,
        ]
    ),
    st.sampled_from(_MARKS),
    st.sampled_from([".", "!", "?", "", ":", ".”"]),
    st.sampled_from(_MARKS),
)
replies = st.one_of(
    st.lists(_sentence, max_size=8).flatmap(
        lambda said: st.sampled_from([" ", "\n", "\n\n", ""]).map(lambda gap: gap.join(said))
    ),
    prose,
    any_text,
)


# What a Markdown or HTML renderer would follow or fetch.
_LEADS_SOMEWHERE = re.compile(
    r"\b(?:https?|javascript):|\bwww\.|\bevil\.example\b|!\[|\]\(|<\s*img|^\s*\[[^\[\]\n]+\]:",
    re.IGNORECASE | re.MULTILINE,
)


def assemble(
    reply: str, passages: tuple[Passage, ...] = PASSAGES, unsupported: Unsupported = "flag"
) -> tuple[Assembly, list[Event]]:
    assembly, stream, events = Assembly(passages, unsupported=unsupported), ClaimStream(), []
    for claim in [*stream.feed(reply), *stream.end()]:
        events += assembly.add_claim(claim)
    return assembly, events


def check_invariant(assembly: Assembly, events: list[Event]) -> None:
    """The contract of an answer."""
    numbers = [int(digits) for digits in re.findall(r"\[(\d+)\]", assembly.text)]
    citations = assembly.citations
    assert [citation.n for citation in citations] == list(range(1, len(citations) + 1))
    assert list(dict.fromkeys(numbers)) == [citation.n for citation in citations]
    for citation in citations:
        assert ARTICLES[citation.article_id][citation.start : citation.end] == citation.quote
        assert citation.quote.strip()
    previous = 0
    for sentence in assembly.sentences:
        assert previous <= sentence.start < sentence.end <= len(assembly.text)
        shown = assembly.text[sentence.start : sentence.end]
        assert shown == shown.strip()
        assert {int(digits) for digits in re.findall(r"\[(\d+)\]", shown)} == set(sentence.citations)
        assert sentence.supported == (sentence.reason is None)
        previous = sentence.end
    assert "".join(event.text for event in events if isinstance(event, DeltaEvent)) == assembly.text
    assert [event.sentence for event in events if isinstance(event, SentenceEvent)] == assembly.sentences
    assert [event.citation for event in events if isinstance(event, CitationEvent)] == citations


def check_honest(assembly: Assembly, unsupported: Unsupported) -> None:
    """Nothing false leaves, and what is not supported is marked as the setting says."""
    for sentence in assembly.sentences:
        said = assembly.text[sentence.start : sentence.end]
        assert re.sub(r"\s*\[\d+\]", "", said).strip(" .!?:”") not in _FALSE
        supporting = [
            citation for citation in assembly.citations if citation.supported and citation.n in sentence.citations
        ]
        assert bool(supporting) == sentence.supported
        if not sentence.supported:
            assert unsupported != "drop"
            assert (UNSUPPORTED_MARK in said) == (unsupported == "flag")
    if any(not sentence.supported for sentence in assembly.sentences):
        assert assembly.warnings()
    assert not _LEADS_SOMEWHERE.search(assembly.text)


@pytest.mark.parametrize("said", _FALSE)
@pytest.mark.parametrize("marks", ["[2]; [1]", "[1]; [2]", "[3]: [1]", "[2]; [3]", " [2], he said [1]."])
def test_nothing_rests_on_a_marker_whose_passage_says_nothing_of_it(said: str, marks: str) -> None:
    assembly, _ = assemble(said + marks)
    assert not any(sentence.supported for sentence in assembly.sentences)


@settings(max_examples=ANSWERS)
@given(replies, st.sampled_from(["flag", "drop", "keep"]))
def test_whatever_a_model_writes_the_answer_keeps_its_contract(reply: str, unsupported: Unsupported) -> None:
    assembly, events = assemble(reply, unsupported=unsupported)
    check_invariant(assembly, events)
    check_honest(assembly, unsupported)


@settings(max_examples=ANSWERS)
@given(replies, st.integers(0, 200), st.integers(1, 3))
def test_a_truncated_or_repeated_reply_keeps_it_too(reply: str, length: int, times: int) -> None:
    check_invariant(*assemble(reply[:length] * times))


@given(st.lists(st.tuples(st.sampled_from(PASSAGES), st.integers(0, 9)), max_size=5))
def test_quoted_answers_keep_it_too(picks: list[tuple[Passage, int]]) -> None:
    assembly, events = Assembly(PASSAGES), []
    for source, which in picks:
        spans = sentences(source.text)
        start, end = spans[which % len(spans)]
        events += assembly.add_quotes([Picked(Quote(source, source.start + start, source.start + end, 1.0), 0.9)])
    check_invariant(assembly, events)


def test_a_cited_sentence_carries_its_quote() -> None:
    assembly, _ = assemble("Lavrov visited Brazil [1].")
    (citation,) = assembly.citations
    assert assembly.text == "Lavrov visited Brazil [1]."
    assert citation.quote == "Lavrov visited Brazil [3] on Monday."
    assert (citation.supported, citation.attributed, citation.published_from) == (True, "by_model", "header")
    assert citation.also_reported_by == ("ap",)
    assert assembly.warnings() == []


def test_numbers_follow_first_use_not_the_order_of_passages() -> None:
    assembly, _ = assemble("The visit ends on Tuesday [3]. Lavrov visited Brazil [1]. The visit ends on Tuesday [3].")
    assert assembly.text == "The visit ends on Tuesday [1]. Lavrov visited Brazil [2]. The visit ends on Tuesday [1]."
    assert [citation.article_id for citation in assembly.citations] == ["a3", "a1"]


@pytest.mark.parametrize(
    ("reply", "warning"),
    [
        ("Lavrov visited Brazil [9].", "removed 1 citation marker that points to no passage"),
        ("Pigs fly [7][0].", "removed 2 citation markers that point to no passage"),
    ],
)
def test_a_marker_that_points_nowhere_goes_with_a_warning(reply: str, warning: str) -> None:
    assembly, events = assemble(reply)
    assert not re.search(r"\[[790]\]", assembly.text)
    assert warning in assembly.warnings()
    check_invariant(assembly, events)


def test_a_leading_marker_that_points_nowhere_leaves_no_space() -> None:
    assert assemble("[9] Pigs fly.", unsupported="keep")[0].text == "Pigs fly."


def test_a_sentence_without_a_source_gets_the_one_that_says_so() -> None:
    assembly, _ = assemble("Trade reached 9.8 billion dollars.")
    assert assembly.text == "Trade reached 9.8 billion dollars [1]."
    assert (assembly.citations[0].article_id, assembly.citations[0].attributed) == ("a2", "by_check")


@pytest.mark.parametrize(
    ("unsupported", "text", "warnings"),
    [
        (
            "flag",
            "Lavrov visited Brazil [1]. Pigs are able to fly [2] (not supported by the articles).",
            ["1 of 2 sentences not supported by the passages"],
        ),
        (
            "keep",
            "Lavrov visited Brazil [1]. Pigs are able to fly [2].",
            ["1 of 2 sentences not supported by the passages"],
        ),
        (
            "drop",
            "Lavrov visited Brazil [1].",
            ['left out a sentence (words): too few of its words are in the passage: "Pigs are able to fly."'],
        ),
    ],
)
def test_what_becomes_of_an_unsupported_sentence_is_a_setting(
    unsupported: Unsupported, text: str, warnings: list[str]
) -> None:
    assembly, events = assemble("Lavrov visited Brazil [1]. Pigs are able to fly [2].", unsupported=unsupported)
    assert (assembly.text, assembly.warnings()) == (text, warnings)
    assert [sentence.supported for sentence in assembly.sentences] == [True, False][: len(assembly.sentences)]
    check_invariant(assembly, events)


@pytest.mark.parametrize("unsupported", ["flag", "drop", "keep"])
@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("Trade reached 10 billion dollars [2].", "(number): the number 10 billion dollars is not in the passage"),
        ("The visit ends on Wednesday [3].", "(date): the date Wednesday is not in the passage"),
        ("He met Celso Amorim [1].", "(name): the name 'celso' is not in the passage"),
        ("Lavrov did not visit Brazil [1].", "(negation): the passage says the opposite of 'visit'"),
        ("“We refused,” he said [3].", "(quotation): the words in quotation marks are not in the passage"),
        ("He met 40 generals.", "(number): the number 40 is not in the passage"),
    ],
)
def test_a_contradicted_sentence_is_left_out_whatever_the_setting(
    sentence: str, told: str, unsupported: Unsupported
) -> None:
    assembly, _ = assemble(f"{sentence} Lavrov visited Brazil [1].", unsupported=unsupported)
    assert assembly.text == "Lavrov visited Brazil [1]."
    (warning,) = assembly.warnings()
    assert warning.startswith(f"left out a sentence {told}: ")


def test_warnings_quote_no_more_than_tells_which_sentence_was_left_out() -> None:
    assembly, _ = assemble("In 1999 " + "he said [3] “so” and " * 20 + "left. " + "Trade was 77 dollars. " * 5)
    first, *_, last = assembly.warnings()
    assert len(first) < 200
    assert "[3]" not in first
    assert last == "left out 3 more sentences"


def test_a_sentence_that_cites_the_wrong_passage_is_given_the_right_one() -> None:
    assembly, events = assemble("Trade reached 9.8 billion dollars [3]. Lavrov visited Brazil [1].")
    assert assembly.text == "Trade reached 9.8 billion dollars [1]. Lavrov visited Brazil [2]."
    assert [(one.article_id, one.attributed) for one in assembly.citations] == [("a2", "by_check"), ("a1", "by_model")]
    assert assembly.warnings() == []
    check_invariant(assembly, events)


def test_headings_and_openings_that_say_nothing_are_left_out() -> None:
    reply = "## Summary\n\nBased on the articles:\n\n1. Lavrov visited Brazil [1].\n2. **He met Mauro Vieira** [1]."
    assembly, _ = assemble(reply)
    assert assembly.text == "1. Lavrov visited Brazil [1].\n2. **He met Mauro Vieira** [2]."
    assert assembly.warnings() == []


def test_links_and_images_become_words_and_are_counted() -> None:
    reply = (
        "[Lavrov](https://evil.example/l) visited Brazil [1]. Trade reached 9.8 billion dollars [2], says https://x.test/2."
        " He met Mauro Vieira ![x](https://evil.example/x.png) [1]."
    )
    assembly, events = assemble(reply)
    assert assembly.text == (
        "Lavrov visited Brazil [1]. Trade reached 9.8 billion dollars [2], says x.test/2. He met Mauro Vieira x [3]."
    )
    assert assembly.warnings()[0] == "removed 2 links or images that are not in the passages"
    check_invariant(assembly, events)


def test_a_source_that_adds_nothing_is_not_called_support() -> None:
    assembly, _ = assemble("Lavrov visited Brazil [1][2].")
    assert {citation.article_id: citation.supported for citation in assembly.citations} == {"a1": True, "a2": False}
    assert assembly.sentences[0].supported


def test_a_declined_question_is_an_abstention() -> None:
    assembly, events = assemble(ABSTENTION)
    assert (assembly.abstained, events) == (True, [])
    events = assembly.abstain()
    assert assembly.text == ABSTENTION
    assert assembly.abstained
    assert events == [DeltaEvent(ABSTENTION)]
    assert assembly.warnings() == []


@pytest.mark.parametrize(
    "reply",
    [
        "The articles don’t say.",
        "Unfortunately, the articles do not say.",
        "I'm sorry, but the provided passages do not directly answer the question [1].",
        "The articles do not mention Celso Amorim.",
        "None of the passages mentions it.",
        "There is no information about that in the articles.",
        "I cannot answer the question based on the passages.",
        "I don't know.",
        # In the user's language.
        "Leider enthalten die Artikel dazu keine Angaben.",
        "Die Artikel sagen dazu nichts.",
        "Das weiß ich nicht.",
        "Ich kann die Frage nicht beantworten.",
        "Les articles ne le disent pas.",
        "Malheureusement, les articles ne contiennent aucune information à ce sujet.",
        "Los artículos no lo dicen.",
        "Lo siento, las fuentes no mencionan ninguna fecha.",
        "Gli articoli non lo dicono.",
        "Purtroppo i testi non menzionano la data.",
        "Os artigos não dizem.",
        "Infelizmente, os artigos não mencionam isso.",
        "De artikelen zeggen daar niets over.",
        "Dat weet ik niet.",
        "В статьях об этом не говорится.",
        "К сожалению, статьи не содержат этой информации.",
    ],
)
@pytest.mark.parametrize("unsupported", ["flag", "drop", "keep"])
def test_a_model_declines_in_words_of_its_own(reply: str, unsupported: Unsupported) -> None:
    assembly, events = assemble(reply, unsupported=unsupported)
    assert (assembly.abstained, assembly.declined, events) == (True, True, [])
    assert assembly.warnings() == []


def test_what_the_articles_say_of_somebody_is_not_taken_for_declining() -> None:
    assembly, _ = assemble("Die Artikel sagen, Lavrov reiste nicht nach Kuba [1].")
    assert not assembly.declined


@pytest.mark.parametrize(
    "reply",
    [
        "The documents do not mention the payment [2].",
        "“I do not know,” Vieira said [2].",
    ],
)
def test_what_an_article_says_is_not_taken_for_declining(reply: str) -> None:
    leak = "The documents do not mention the payment. “I do not know,” Vieira said."
    assembly, _ = assemble(reply, (PASSAGES[0], passage(leak, n=2)))
    assert not assembly.declined
    assert [sentence.supported for sentence in assembly.sentences] == [True]


@pytest.mark.parametrize(
    "reply",
    [
        "The articles do not say when, but Lavrov visited Brazil [1].",
        "Die Artikel nennen keinen Tag, aber Lavrov reiste nach Brasilien [1].",
        "Los artículos no dicen cuándo, pero Lavrov visitó Brasil [1].",
    ],
)
def test_what_stands_behind_declining_is_not_lost_unsaid(reply: str) -> None:
    assembly, _ = assemble(reply)
    assert not assembly.declined
    assert assembly.warnings()


@pytest.mark.parametrize("reply", ["", " \n ", "[1]", "—", "..."])
def test_a_reply_without_words_abstains_and_says_that_it_was_empty(reply: str) -> None:
    assembly, _ = assemble(reply)
    assert assembly.abstained
    assert assembly.warnings() == ["the model's reply was empty"]


def test_an_articles_own_brackets_are_round_in_the_text_and_kept_in_the_quote() -> None:
    assembly = Assembly(PASSAGES)
    start, end = sentences(ARTICLES["a2"])[0]
    assembly.add_quotes([Picked(Quote(PASSAGES[1], start, end, 1.0), 0.9)])
    assert assembly.text == "Trade reached 9.8 billion dollars in (2022). [1]"
    assert assembly.citations[0].quote == "Trade reached 9.8 billion dollars in [2022]."


def test_a_reply_that_is_cut_otherwise_as_it_grows_loses_nothing() -> None:
    reply = "The articles do not say. [1] [1]. . The articles do not say. [1] [1]. . Lavrov visited Brazil."
    for size in range(1, len(reply)):
        stream = ClaimStream()
        pieces = [reply[i : i + size] for i in range(0, len(reply), size)]
        claims = [claim for piece in pieces for claim in stream.feed(piece)] + list(stream.end())
        assert claims[-1].text.endswith("Lavrov visited Brazil.")


# Four days of one disaster, and something else. Within ARTICLES, for `check_invariant`.
NEWS = {
    "a11": "An earthquake in Velm province killed 12 people. Schools in Velm are shut.",
    "a12": "The toll of the earthquake in Velm province rose to 21. The “army” [2] helps.",
    "a13": "The toll of the earthquake in Velm province rose to 35. Rain fell on Monday.",
    "a14": "The Korv Fire is 10% contained.",
    "a15": "The Korv Fire is 45% contained.",
}
ARTICLES.update(NEWS)
REPORTS = tuple(
    passage(text, n=n, published=date(2023, 2, day))
    for (n, text), day in zip(enumerate(NEWS.values(), start=11), (6, 7, 9, 6, 8), strict=True)
)
_FIRST, _SECOND, _THIRD, _KORV, _KORV_LATER = REPORTS


def check_superseded(assembly: Assembly) -> None:
    """A mark names another citation, of a later day, and chains of them end."""
    days = {citation.n: citation.published for citation in assembly.citations}
    for citation in assembly.citations:
        if citation.superseded_by is not None:
            mine, theirs = citation.published, days[citation.superseded_by]
            assert mine is not None
            assert theirs is not None
            assert mine < theirs


def quote(one: Passage, which: int = 0) -> Picked:
    start, end = sentences(one.text)[which]
    return Picked(Quote(one, one.start + start, one.start + end, 1.0), 0.9)


def marks(assembly: Assembly) -> list[tuple[str, int | None]]:
    return [(citation.article_id, citation.superseded_by) for citation in assembly.citations]


class TestSuperseded:
    def test_a_quote_stands_behind_what_supersedes_it_both_with_their_dates(self) -> None:
        assembly = Assembly(REPORTS[:2])
        events = assembly.add_quotes([quote(_FIRST)])
        assert assembly.text == (
            "Latest report (2023-02-07): “The toll of the earthquake in Velm province rose to 21.” [1] "
            "Reported before (2023-02-06): “An earthquake in Velm province killed 12 people.” [2]"
        )
        assert marks(assembly) == [("a12", None), ("a11", 1)]
        check_invariant(assembly, events)
        check_superseded(assembly)

    def test_two_that_one_report_supersedes_both_stand_behind_it(self) -> None:
        assembly = Assembly(REPORTS)
        assembly.add_quotes([quote(_FIRST), quote(_SECOND)])
        assert marks(assembly) == [("a13", None), ("a11", 1), ("a12", 1)]

    def test_without_news_nothing_is_added(self) -> None:
        assembly = Assembly((_FIRST, _KORV))
        assembly.add_quotes([quote(_FIRST), quote(_KORV)])
        assert (
            assembly.text == "An earthquake in Velm province killed 12 people. [1] The Korv Fire is 10% contained. [2]"
        )
        assert marks(assembly) == [("a11", None), ("a14", None)]

    def test_what_a_model_says_is_followed_by_what_came_later(self) -> None:
        assembly, events = assemble("The earthquake in Velm province killed 12 people [1].", REPORTS)
        assert assembly.text == (
            "The earthquake in Velm province killed 12 people [1]. "
            "Later report (2023-02-09): “The toll of the earthquake in Velm province rose to 35.” [2]"
        )
        assert marks(assembly) == [("a11", 2), ("a13", None)]
        assert [sentence.citations for sentence in assembly.sentences] == [(1,), (2,)]
        check_invariant(assembly, events)

    @pytest.mark.parametrize(
        ("reply", "found"),
        [
            (
                "The toll of the earthquake in Velm rose to 21 [2]. On 6 February it had killed 12 people [1].",
                [("a12", None), ("a11", 1)],
            ),
            (
                "The earthquake in Velm province killed 12 people [1], and its toll rose to 21 [2].",
                [("a11", 2), ("a12", None)],
            ),
        ],
    )
    def test_what_a_model_says_itself_is_not_repeated(self, reply: str, found: list[tuple[str, int | None]]) -> None:
        assembly, events = assemble(reply, REPORTS[:2])
        assert marks(assembly) == found
        assert "Later report" not in assembly.text
        check_invariant(assembly, events)

    def test_it_is_told_once(self) -> None:
        reply = "The earthquake in Velm province killed 12 people [1]. "
        assembly, events = assemble(reply * 2, REPORTS)
        assert assembly.text.count("Later report") == 1
        assert marks(assembly) == [("a11", 2), ("a13", None)]
        check_invariant(assembly, events)

    def test_a_sentence_that_says_no_number_is_not_superseded(self) -> None:
        assembly, _ = assemble("An earthquake killed people in Velm province [1].", REPORTS)
        assert marks(assembly) == [("a11", None)]

    def test_it_is_told_of_a_passage_that_the_check_found(self) -> None:
        assembly, _ = assemble("The earthquake in Velm province killed 12 people.", REPORTS)
        assert marks(assembly) == [("a11", 2), ("a13", None)]

    def test_the_mark_is_known_when_the_citation_is_sent(self) -> None:
        _, events = assemble("The earthquake in Velm province killed 12 people [1].", REPORTS)
        kinds = [type(event) for event in events]
        assert kinds == [CitationEvent, DeltaEvent, SentenceEvent] * 2
        assert isinstance(events[0], CitationEvent)
        assert events[0].citation.superseded_by == 2


_NEWS_SENTENCE = st.builds(
    lambda said, mark: f"{said}{mark}.",
    st.sampled_from(
        [
            "The earthquake in Velm province killed 12 people",
            "The toll of the earthquake in Velm rose to 21",
            "The toll of the earthquake in Velm province rose to 35",
            "The toll rose from 12 to 21",
            "The earthquake in Velm province killed 40 people",
            "Schools in Velm are shut",
            "The Korv Fire is 10% contained",
            "The Korv Fire is 45% contained",
            "Pigs fly",
        ]
    ),
    st.sampled_from(["", " [1]", " [2]", " [3]", " [4]", " [5]", " [1][2]", " [2][1]", " [1][3]", " [9]"]),
)


@settings(max_examples=ANSWERS)
@given(
    st.lists(_NEWS_SENTENCE, max_size=6).map(" ".join),
    st.permutations(REPORTS),
    st.sampled_from(["drop", "flag", "keep"]),
)
def test_marks_keep_the_contract(reply: str, order: list[Passage], unsupported: Unsupported) -> None:
    assembly, events = assemble(reply, tuple(order), unsupported)
    check_invariant(assembly, events)
    check_superseded(assembly)


@settings(max_examples=ANSWERS)
@given(st.lists(st.tuples(st.sampled_from(REPORTS), st.integers(0, 1)), max_size=4), st.permutations(REPORTS))
def test_marks_of_quotes_keep_it_too(picks: list[tuple[Passage, int]], order: list[Passage]) -> None:
    assembly = Assembly(order)
    events = assembly.add_quotes([quote(one, which % len(sentences(one.text))) for one, which in picks])
    check_invariant(assembly, events)
    check_superseded(assembly)
    assert len(assembly.sentences) <= 3


class TestTwoSources:
    """A sentence that draws on two passages, each with a marker of its own."""

    FIRST = "A blast in a market in Ostrey killed 12 people on Monday, police said. Police arrested five suspects."
    THEN = "The death toll from the blast in Ostrey rose to 23 on Tuesday, officials said. Dozens were wounded."
    ALSO = "At least 23 people were killed in the blast, the health ministry said."

    @pytest.mark.parametrize(
        "reply",
        [
            "The toll rose to 23 killed [2], up from 12 [1].",
            "The toll rose to 23 killed [3], up from 12 [1].",
            "The toll rose from 12 [1] to 23 [2].",
            "The toll rose from 12 to 23 [1][2].",
            "The **blast** in Ostrey killed 23 people [2], after police had first said 12 [1].",
            "The blast killed 23 people [2]; earlier reports spoke of 12 dead [1].",
        ],
    )
    def test_each_number_may_stand_in_its_own(self, reply: str) -> None:
        assembly, _ = self.assemble(reply)
        assert [sentence.supported for sentence in assembly.sentences] == [True]
        assert [citation.supported for citation in assembly.citations] == [True, True]

    @pytest.mark.parametrize(
        "reply",
        [
            "The toll rose to 25 killed [2], up from 12 [1].",
            "The toll rose to 23 killed [2], up from 14 [1].",
            "The toll rose to 23 killed [2], up from 12 injured [1].",
            "The toll rose to 23 killed [2], up from 5 [1].",
            "The number of injured rose to 23 [2], up from 12 [1].",
            "The toll rose to 12 killed [1], up from 23 [2].",
        ],
    )
    def test_a_number_of_neither_or_of_something_else_is_refused(self, reply: str) -> None:
        assembly, _ = self.assemble(reply)
        assert assembly.abstained
        assert assembly.warnings()[0].startswith("left out a sentence (number)")

    @pytest.mark.parametrize(
        ("reply", "supported"),
        [
            ("The firm cut 1,200 jobs in Kelm [1] and 300 in Ostrey [2].", True),
            ("The firm cut 1,200 jobs in Kelm and 300 in Ostrey [1][2].", True),
            ("The firm cut 300 jobs in Kelm [1] and 1,200 in Ostrey [2].", False),
            ("The firm cut 300 jobs in Kelm and 1,200 in Ostrey [1][2].", False),
        ],
    )
    def test_what_is_swapped_between_them_is_refused(self, reply: str, supported: bool) -> None:
        assembly, _ = self.assemble(
            reply,
            "Holt said the firm would cut 1,200 jobs at its plant in Kelm.",
            "The firm will cut 300 jobs in Ostrey.",
        )
        assert assembly.abstained != supported

    def assemble(self, reply: str, *texts: str) -> tuple[Assembly, list[Event]]:
        shown = [passage(text, n=n) for n, text in enumerate(texts or (self.FIRST, self.THEN, self.ALSO), start=1)]
        return assemble(reply, tuple(shown))
