from __future__ import annotations

from datetime import date
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.citations import best_quote, find_support, judge
from qa.claims import Claim, ClaimStream, neutralise
from qa.models import Passage
from tests.unit.qa.strategies import any_text, passage, prose, split

MONDAY = date(2023, 4, 17)
LAVROV = (
    "Russian Foreign Minister Sergey Lavrov arrived in Brazil on Monday. He met Mauro Vieira in Brasilia. "
    "Trade between the two countries reached 9.8 billion dollars in 2022. The visit ends on Tuesday."
)


def claims(*pieces: str) -> list[Claim]:
    stream = ClaimStream()
    found = [claim for piece in pieces for claim in stream.feed(piece)]
    return [*found, *stream.end()]


def supported(claim: str, source: Passage | str) -> str | None:
    """None when the claim is supported, else the reason why not."""
    source = source if isinstance(source, Passage) else passage(source)
    verdict = judge(claim, [best_quote(claim, source)])
    assert verdict.supported == (verdict.reason is None)
    return verdict.reason


class TestClaimStream:
    @pytest.mark.parametrize(
        ("reply", "text", "numbers"),
        [
            ("He came [1].", "He came.", (1,)),
            ("He came. [1]", "He came.", (1,)),
            ("He came.[1][2]", "He came.", (1, 2)),
            ("He came [1, 3].", "He came.", (1, 3)),
            ("He came [1-3].", "He came.", (1, 2, 3)),
            ("He came [1–3].", "He came.", (1, 2, 3)),
            ("He came [^2].", "He came.", (2,)),
            ("He came 【2】.", "He came.", (2,)),
            ("He came【3†source】.", "He came.", (3,)),
            ("He came [٣].", "He came.", (3,)),
            ("He came [3] [3].", "He came.", (3,)),
            ("“He came.” [2]", "“He came.”", (2,)),
            ("He came (on foot.) [2]", "He came (on foot.)", (2,)),
            ("He came [2023].", "He came [2023].", ()),
            ("He came [sic].", "He came [sic].", ()),
            ("He came.", "He came.", ()),
        ],
    )
    def test_markers_of_every_style_are_taken_out_and_read(
        self, reply: str, text: str, numbers: tuple[int, ...]
    ) -> None:
        (claim,) = claims(reply)
        assert claim.text == text
        assert tuple(n for _, group in claim.markers for n in group) == numbers

    def test_markers_inside_a_sentence_keep_their_place(self) -> None:
        (claim,) = claims("He came [1] and left [2].")
        assert claim.text == "He came and left."
        assert [(claim.text[:at], numbers) for at, numbers in claim.markers] == [
            ("He came", (1,)),
            ("He came and left", (2,)),
        ]

    def test_a_marker_after_the_stop_belongs_to_the_sentence_before_it(self) -> None:
        first, second = claims("He came. [1] She left. [2]")
        assert (first.text, first.markers[0][1]) == ("He came.", (1,))
        assert (second.text, second.markers[0][1]) == ("She left.", (2,))

    def test_a_sentence_comes_out_before_the_reply_is_complete(self) -> None:
        stream = ClaimStream()
        early = [claim.text for piece in ["He came ", "[1]. She", " left"] for claim in stream.feed(piece)]
        assert early == ["He came."]

    def test_white_space_between_sentences_is_kept_in_kind(self) -> None:
        assert [claim.gap for claim in claims("One came.  Two came.\nThree came.\n\n\nFour came.")] == [
            "",
            " ",
            "\n",
            "\n\n",
        ]

    def test_nothing_said_is_no_claim(self) -> None:
        assert claims() == []
        assert claims(" ", "\n") == []

    @given(st.data())
    def test_how_a_reply_is_cut_into_pieces_makes_no_difference(self, data: st.DataObject) -> None:
        reply = data.draw(prose)
        assert claims(*data.draw(split(reply))) == claims(reply)

    @given(any_text)
    def test_letter_by_letter_loses_nothing(self, reply: str) -> None:
        assert claims(*reply) == claims(reply)

    @given(prose)
    def test_markers_stand_inside_their_claim_in_order(self, reply: str) -> None:
        for claim in claims(reply):
            places = [at for at, _ in claim.markers]
            assert places == sorted(set(places))
            assert all(0 <= at <= len(claim.text) for at in places)
            assert all(numbers for _, numbers in claim.markers)

    @pytest.mark.parametrize(
        "sentence", ["Talks about the terms went on in Geneva on that day [1]. ", "Yes. ", "x", "[", ". [1] "]
    )
    def test_a_long_reply_does_not_cost_its_square(self, sentence: str) -> None:
        reply = sentence * (4_000 // len(sentence))
        begun = perf_counter()
        claims(*(reply[i : i + 5] for i in range(0, len(reply), 5)))
        assert perf_counter() - begun < 5


class TestBestQuote:
    def test_it_is_verbatim_and_points_into_the_article(self) -> None:
        source = passage(LAVROV, start=1000)
        quote = best_quote("Trade reached 9.8 billion dollars.", source)
        assert quote.text == "Trade between the two countries reached 9.8 billion dollars in 2022."
        assert LAVROV[quote.start - 1000 : quote.end - 1000] == quote.text

    def test_a_second_sentence_is_taken_only_when_it_adds_something(self) -> None:
        both = best_quote("Lavrov arrived in Brazil and met Mauro Vieira.", passage(LAVROV)).text
        assert both.startswith("Russian Foreign")
        assert both.endswith("in Brasilia.")
        one = best_quote("Lavrov arrived in Brazil.", passage(LAVROV)).text
        assert one == "Russian Foreign Minister Sergey Lavrov arrived in Brazil on Monday."

    @given(any_text, any_text.filter(bool), st.integers(0, 50))
    def test_any_text_gives_a_quote_of_the_passage(self, claim: str, text: str, start: int) -> None:
        quote = best_quote(claim, passage(text, start=start))
        assert start <= quote.start <= quote.end <= start + len(text)
        assert quote.text == text[quote.start - start : quote.end - start]
        assert 0 <= quote.overlap <= 1


class TestJudge:
    @pytest.mark.parametrize(
        "claim",
        [
            "Lavrov arrived in Brazil.",
            "Sergey Lavrov's visit to Brazil began on Monday, April 17, 2023: he arrived in Brazil.",
            "On 17 April 2023 Lavrov arrived in Brazil.",
            "On 2023-04-17 Lavrov arrived in Brazil.",
            "Trade reached 9.80 billion dollars.",
            "Trade between two countries reached 9,8 billion dollars in 2022.",
            "The visit ends on April 18.",
        ],
    )
    def test_what_the_source_says_is_supported(self, claim: str) -> None:
        assert supported(claim, passage(LAVROV, published=MONDAY)) is None

    @pytest.mark.parametrize(
        ("claim", "reason"),
        [
            ("Trade reached 8.9 billion dollars.", "the number 8.9"),
            ("Trade reached eleven billion dollars.", "the number 11"),
            ("Trade reached 9.8 billion dollars in 2021.", "the number 2021"),
            ("On April 19 Lavrov arrived in Brazil.", "the number 19"),
            ("The minister met Celso Amorim in Brasilia.", "'amorim'"),
            ("On Friday Lavrov arrived in Brazil.", "'friday'"),
            ("Lavrov did not arrive in Brazil.", "deny"),
            ("The minister criticised western sanctions sharply.", "too few"),
        ],
    )
    def test_what_it_does_not_say_is_not_and_the_reason_is_told(self, claim: str, reason: str) -> None:
        assert reason in str(supported(claim, passage(LAVROV, published=MONDAY)))

    def test_without_a_passage_nothing_is_supported(self) -> None:
        assert not judge("Lavrov arrived.", []).supported

    def test_two_passages_may_support_a_sentence_together(self) -> None:
        one, two = passage("Lavrov visited Brazil.", n=1), passage("Lavrov visited Cuba.", n=2)
        claim = "Lavrov visited Brazil and Cuba."
        assert not judge(claim, [best_quote(claim, one)]).supported
        assert judge(claim, [best_quote(claim, one), best_quote(claim, two)]).supported

    def test_numbers_in_words_and_digits_are_the_same_number(self) -> None:
        assert supported("Twelve people were hurt in the fire.", "In the fire 12 people were hurt.") is None
        assert supported("12 people were hurt in the fire.", "In the fire a dozen people were hurt.") is None
        assert supported("1250000 people fled the town.", "From the town 1,250,000 people fled.") is None

    def test_names_glued_by_a_scraper_are_still_names(self) -> None:
        assert supported("In Moscow Lavrov announced talks.", "In Moscow Lavrovannounced talks announced.") is None

    def test_a_dated_article_that_says_yesterday_means_the_day_before(self) -> None:
        source = passage("The two ministers met yesterday.", published=MONDAY)
        assert supported("The two ministers met on April 16, 2023.", source) is None
        assert "number" in str(supported("The two ministers met on April 15, 2023.", source))

    @pytest.mark.parametrize("day", [date.min, date.max])
    def test_dates_at_the_ends_of_the_calendar_are_dates_too(self, day: date) -> None:
        source = passage("The two ministers met yesterday; on Monday and tomorrow they rest.", published=day)
        assert supported("The two ministers met.", source) is None

    @pytest.mark.timeout(30)
    def test_a_word_of_a_million_letters_is_no_trap(self) -> None:
        begun = perf_counter()
        supported("The two ministers met.", "The two ministers met. " + "A" * 200_000)
        assert perf_counter() - begun < 2

    @given(any_text, any_text.filter(bool), st.none() | st.dates())
    def test_any_text_gets_a_verdict(self, claim: str, text: str, day: date | None) -> None:
        supported(claim, passage(text, published=day))


class TestFindSupport:
    def test_it_finds_the_passage_that_says_so(self) -> None:
        passages = [passage("The harvest was poor in Ukraine.", n=1), passage(LAVROV, n=2)]
        found = find_support("Lavrov arrived in Brazil on Monday.", passages)
        assert found is not None
        assert found.passage.chunk_id == "a2.1.0"
        assert found.text.startswith("Russian Foreign Minister")

    @pytest.mark.parametrize("claim", ["In short:", "So it is.", "Pigs fly over Brazil on Sunday.", ""])
    def test_it_gives_no_source_to_what_none_says(self, claim: str) -> None:
        assert find_support(claim, [passage(LAVROV)]) is None


@pytest.mark.parametrize(
    ("own", "shown"),
    [
        ("said [3] so", "said (3) so"),
        ("in [2023] he", "in (2023) he"),
        ("a [ 7 ] b", "a ( 7 ) b"),
        ("【4】", "(4)"),
        ("he [sic] said", "he [sic] said"),
        ("a\n b\t c", "a b c"),
        ("[1, 2]", "(1, 2)"),
        ("[1]]", "(1)]"),
    ],
)
def test_an_articles_own_brackets_cannot_pass_for_citations(own: str, shown: str) -> None:
    assert neutralise(own) == shown
