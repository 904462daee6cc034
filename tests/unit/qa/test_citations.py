from __future__ import annotations

from datetime import date
from time import process_time

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


HOSTILE = [
    "x", " ", ".", "[", "[1", "[1] ", "(", "(1", "<sup>", "\u00b9", "1.\n", "[passage ", "e.g. ", "Mr. ", "\n[^", "![",
    "a(", "](",
]  # fmt: skip


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
            ("He came [[2]].", "He came.", (2,)),
            ("He came [passage 2].", "He came.", (2,)),
            ("He came [Source 1, Source 3].", "He came.", (1, 3)),
            ("He came [Passages 1 and 2].", "He came.", (1, 2)),
            ("He came [n=1].", "He came.", (1,)),
            ('He came [n="1"].', "He came.", (1,)),
            ("He came (passage 2).", "He came.", (2,)),
            ("He came <sup>2</sup>.", "He came.", (2,)),
            ("He came.¹²", "He came.", (1, 2)),
            ("He came [2](https://x.test/2).", "He came.", (2,)),
            ("**He came.** [2]", "**He came.**", (2,)),
            ("“He came.” [2]", "“He came.”", (2,)),
            ("He came (on foot.) [2]", "He came (on foot.)", (2,)),
            ("He came [2023].", "He came [2023].", ()),
            ("He came [sic].", "He came [sic].", ()),
            ("He came (2).", "He came (2).", ()),
            ("He fenced in 5 km² of land.", "He fenced in 5 km² of land.", ()),
            ("He came [source unknown].", "He came [source unknown].", ()),
            ("According to passage 2, he came.", "According to, he came.", (2,)),
            ("He came, as said in passages 2 and 3.", "He came, as said in.", (2, 3)),
            ("In passage 2.5 he came.", "In passage 2.5 he came.", ()),
            ("Passage 2 says so.", "Passage 2 says so.", ()),
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

    def test_round_markers_are_markers_when_they_were_asked_for(self) -> None:
        stream = ClaimStream(round_markers=True)
        first, second = [*stream.feed("He came (1). In (2023) she left (1, 2)."), *stream.end()]
        assert (first.text, first.markers[0][1]) == ("He came.", (1,))
        assert (second.text, second.markers[0][1]) == ("In (2023) she left.", (1, 2))

    @pytest.mark.parametrize("size", [1, 3, 100])
    def test_lines_that_define_footnotes_are_left_out(self, size: int) -> None:
        reply = "He came [^1].\n\n[^1]: Reuters, 5 May. By a writer.\n [2]: https://x.test\nShe left [2]."
        found = claims(*(reply[i : i + size] for i in range(0, len(reply), size)))
        assert [(claim.gap, claim.text) for claim in found] == [("", "He came."), ("\n\n", "She left.")]

    def test_an_items_number_belongs_to_its_sentence(self) -> None:
        found = claims("1. He came [1].\n2. She left [2].\n- They met.")
        assert [claim.text for claim in found] == ["1. He came.", "2. She left.", "- They met."]

    def test_what_cannot_be_seen_is_left_out(self) -> None:
        assert [claim.text for claim in claims("He\u200b ca\u202eme\x00\ud800.")] == ["He came."]

    def test_a_sentence_without_an_end_is_cut(self) -> None:
        found = claims("x" * 5_000)
        assert [len(claim.text) for claim in found] == [2_000, 2_000, 1_000]

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

    @pytest.mark.parametrize(
        "reply",
        [
            "2023onfell[1, 2]Monday[1[2]]fell\n\ntalks【\nTheodoreéclair1.[1-3] fell[1-3]\t",
            " no**[1234]soU.Séclair\u2028\n[^1]:[1, 2]minister»J[^1][[1]]",
            "【1】innotendedtalks:\u200b.Ärzte[2023][0][1-3]”:<sup>2</sup>no'Mr?May\n -】beat",
        ],
    )
    def test_nor_does_it_where_brackets_and_full_stops_are_strewn_about(self, reply: str) -> None:
        for size in (1, 2, 3, 5, 8):
            assert claims(*(reply[i : i + size] for i in range(0, len(reply), size))) == claims(reply)

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
        begun = process_time()
        claims(*(reply[i : i + 5] for i in range(0, len(reply), 5)))
        assert process_time() - begun < 5

    @pytest.mark.timeout(120)
    @pytest.mark.parametrize("piece", HOSTILE)
    def test_no_reply_of_200_000_characters_takes_long(self, piece: str) -> None:
        reply = piece * (200_000 // len(piece))
        begun = process_time()
        for size in (200_000, 1_000):
            claims(*(reply[i : i + size] for i in range(0, len(reply), size)))
        assert process_time() - begun < 30


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

    def test_it_holds_the_number_and_the_day_of_the_claim(self) -> None:
        said = ["Trade was good again.", "Trade with Brazil was 9.8 billion dollars.", "Trade was good on Friday, too."]
        source = passage(" ".join(said))
        assert best_quote("Trade reached $9.8 billion.", source).text == said[1]
        assert best_quote("Trade was good, it was said on Friday.", source).text == said[2]

    def test_a_long_sentence_is_cut_to_the_clauses_that_count(self) -> None:
        clause = "the ferry to Skerra will cost 16.20 crowns from the first of July"
        before = "After a winter in which fuel became dearer and the subsidy for the islands ran out"
        after = "which is far more than islanders used to pay for a crossing in the days of steam"
        quote = best_quote(
            "The ferry to Skerra will cost 16.20 crowns from July 1.", passage(f"{before}, {clause}, {after}.")
        )
        assert quote.text == clause

    @pytest.mark.parametrize(
        "before", ["It is not true", "Critics claimed without any proof at all", "He denied for years"]
    )
    def test_a_clause_that_turns_it_round_is_kept(self, before: str) -> None:
        clause = "the ferry to Skerra will cost 16.20 crowns from the first of July and will leave from the old quay"
        text = f"{before}, in all that was said about the islands in these weeks, {clause}."
        assert best_quote("The ferry to Skerra will cost 16.20 crowns.", passage(text)).text.startswith(before)

    @given(any_text, any_text.filter(bool), st.integers(0, 50))
    def test_any_text_gives_a_quote_of_the_passage(self, claim: str, text: str, start: int) -> None:
        quote = best_quote(claim, passage(text, start=start))
        assert start <= quote.start <= quote.end <= start + len(text)
        assert quote.text == text[quote.start - start : quote.end - start]
        assert 0 <= quote.overlap <= 1


class TestJudge:
    @pytest.mark.parametrize(
        ("claim", "reason"),
        [
            ("Trade reached 8.9 billion dollars.", "the number 8.9 billion dollars is not in the passage"),
            ("Trade reached 9.8 billion dollars in 2021.", "the date 2021 is not in the passage"),
            ("On Friday Lavrov arrived in Brazil.", "the date Friday is not in the passage"),
            ("The minister met Celso Amorim in Brasilia.", "the name 'celso' is not in the passage"),
            ("Lavrov did not arrive in Brazil.", "the passage says the opposite of 'arrive'"),
            ("The minister criticised western sanctions sharply.", "too few of its words are in the passage"),
        ],
    )
    def test_the_reason_for_a_refusal_is_told(self, claim: str, reason: str) -> None:
        assert supported(claim, passage(LAVROV, published=MONDAY)) == reason

    def test_without_a_passage_nothing_is_supported(self) -> None:
        assert judge("Lavrov arrived.", []).kind == "none"

    def test_two_passages_may_support_a_sentence_together(self) -> None:
        one, two = passage("Lavrov visited Brazil.", n=1), passage("Lavrov visited Cuba.", n=2)
        claim = "Lavrov visited Brazil and Cuba."
        assert not judge(claim, [best_quote(claim, one)]).supported
        assert judge(claim, [best_quote(claim, one), best_quote(claim, two)]).supported

    def test_similarity_decides_where_words_do_not(self) -> None:
        claim, source = "The minister's trip to Brasilia ends on Tuesday.", passage(LAVROV)
        quotes = [best_quote(claim, source)]
        assert judge(claim, quotes, similarity=lambda *_: 0.9).supported
        refused = judge(claim, quotes, similarity=lambda *_: 0.1)
        assert (refused.kind, refused.contradicted) == ("words", False)

    def test_similarity_never_outweighs_what_contradicts(self) -> None:
        claim = "The minister's trip to Brasilia ends on Thursday."
        assert judge(claim, [best_quote(claim, passage(LAVROV))], similarity=lambda *_: 1.0).kind == "date"

    def test_similarity_is_not_asked_where_words_decide(self) -> None:
        def unwanted(*_texts: str) -> float:
            raise AssertionError

        for claim in ("Lavrov arrived in Brazil on Monday.", "Pigs fly."):
            judge(claim, [best_quote(claim, passage(LAVROV))], similarity=unwanted)

    def test_names_glued_by_a_scraper_are_still_names(self) -> None:
        source = "In Moscow ministerSergey Lavrovannounced talks on grain."
        assert supported("In Moscow Sergey Lavrov announced talks on grain.", source) is None

    def test_a_dated_article_that_says_yesterday_means_the_day_before(self) -> None:
        source = passage("The two ministers met yesterday.", published=MONDAY)
        assert supported("The two ministers met on April 16, 2023.", source) is None
        assert "date" in str(supported("The two ministers met on April 15, 2023.", source))

    @pytest.mark.parametrize("day", [date.min, date.max])
    def test_dates_at_the_ends_of_the_calendar_are_dates_too(self, day: date) -> None:
        source = passage("The two ministers met yesterday; on Monday and tomorrow they rest.", published=day)
        assert supported("The two ministers met.", source) is None

    @given(any_text, any_text.filter(bool), st.none() | st.dates())
    def test_any_text_gets_a_verdict(self, claim: str, text: str, day: date | None) -> None:
        supported(claim, passage(text, published=day))

    @pytest.mark.timeout(120)
    @pytest.mark.parametrize(
        "piece",
        [
            "A",
            "The two ministers met. ",
            "12 ",
            "not ",
            "Kim ",
            "“x” ",
            '"x y ',
            "may 5 ",
            "1-2-",
            "no X, ",
            "a.",
            "one in ",
        ],
    )
    def test_no_text_takes_long(self, piece: str) -> None:
        claim, source = (piece * (1_900 // len(piece)))[:1_900], passage(piece * (20_000 // len(piece)))
        begun = process_time()
        supported(claim, source)
        supported("The two ministers met Kim on May 5.", source)
        assert process_time() - begun < 10


class TestFindSupport:
    def test_it_finds_the_passage_that_says_so(self) -> None:
        passages = [passage("The harvest was poor in Ukraine.", n=1), passage(LAVROV, n=2)]
        (found,) = find_support("Lavrov arrived in Brazil on Monday.", passages)
        assert found.passage.chunk_id == "a2.1.0"
        assert found.text.startswith("Russian Foreign Minister")

    def test_two_that_say_it_together_will_do(self) -> None:
        passages = [
            passage("Lavrov visited Brazil.", n=1),
            passage("Pigs fly.", n=2),
            passage("Lavrov visited Cuba.", n=3),
        ]
        found = find_support("Lavrov visited Brazil and Cuba.", passages)
        assert {quote.passage.chunk_id for quote in found} == {"a1.1.0", "a3.1.0"}

    @pytest.mark.parametrize("claim", ["In short:", "So it is.", "Pigs fly over Brazil on Sunday.", ""])
    def test_it_gives_no_source_to_what_none_says(self, claim: str) -> None:
        assert find_support(claim, [passage(LAVROV)]) == ()


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
