from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import pytest
from hypothesis import given

from qa.text import content_stems, fold, sentences, stem, visible, words
from tests.unit.qa.strategies import any_text


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\t\u00a0", []),
        ("One here. Two there! Three?", ["One here.", "Two there!", "Three?"]),
        ("no capital, no stop", ["no capital, no stop"]),
        ("Mr. Lavrov met Dr. Smith. They talked.", ["Mr. Lavrov met Dr. Smith.", "They talked."]),
        ("It grew 3.8 percent. Then it fell.", ["It grew 3.8 percent.", "Then it fell."]),
        ("J. K. Rowling wrote it. It sold.", ["J. K. Rowling wrote it.", "It sold."]),
        ("He left the U.S. The talks ended.", ["He left the U.S.", "The talks ended."]),
        ("The U.S. Senate voted.", ["The U.S. Senate voted."]),
        ("“We go.” He went.", ["“We go.”", "He went."]),
        ("He spoke of regimes.The latter fell.", ["He spoke of regimes.", "The latter fell."]),
        ("allies of Russia.in addition to that", ["allies of Russia.", "in addition to that"]),
        ("See example.com for more.", ["See example.com for more."]),
        ("A headline\nThe story begins here.", ["A headline", "The story begins here."]),
        ("Para one has no stop\n\nPara two", ["Para one has no stop", "Para two"]),
        ("- first thing\n- second thing", ["- first thing", "- second thing"]),
        ("Wait... What? No.", ["Wait...", "What?", "No."]),
        ("He was born in 1999. 2000 people came.", ["He was born in 1999.", "2000 people came."]),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, expected: list[str]) -> None:
    assert split(text) == expected


def test_a_wrapped_line_does_not_end_a_sentence() -> None:
    text = "This line is long enough that it was clearly wrapped by an editor\nBut went on with a capital."
    assert len(split(text)) == 1


@given(any_text)
def test_every_visible_character_is_in_exactly_one_sentence(text: str) -> None:
    spans = sentences(text)
    covered: set[int] = set()
    previous = 0
    for start, end in spans:
        assert previous <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        covered.update(range(start, end))
        previous = end
    assert not [c for i, c in enumerate(text) if i not in covered and not c.isspace()]


@pytest.mark.parametrize(
    "hostile",
    [
        "." * 100_000,
        "a" + " " * 100_000 + "b",
        "\n" * 100_000,
        ". " * 50_000,
        '."' * 50_000,
        "a.A" * 33_000,
        "A." * 50_000,
    ],
    ids=["dots", "spaces", "lines", "stops", "quotes", "glued", "initials"],
)
def test_hostile_text_costs_no_more_than_its_length(hostile: str) -> None:
    begun = perf_counter()
    sentences(hostile)
    # A quadratic splitter takes minutes for these.
    assert perf_counter() - begun < 5


def test_words_keep_numbers_and_names_whole_and_lose_accents() -> None:
    assert words("O’Neill’s Café paid 3.8 million, état-major") == [
        "o'neill's",
        "cafe",
        "paid",
        "3.8",
        "million",
        "etat",
        "major",
    ]


@given(any_text)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize("word", ["3.8", "2023", "o'neill"])
def test_stem_leaves_what_is_no_plain_word(word: str) -> None:
    assert stem(word) == word


def test_content_stems_join_forms_of_a_word_and_drop_little_words() -> None:
    assert content_stems("The ministers were meeting") == content_stems("minister meets")
    assert content_stems("The minister's plan") == content_stems("minister plans")
    assert content_stems("what did he say and when") == []


@pytest.mark.parametrize(
    "hidden", ["\u200b", "\u00ad", "\u202e", "\u2066", "\x1b", "\x00", "\ud800", "\U000e0041"], ids=ascii
)
def test_what_is_not_seen_is_left_out(hidden: str) -> None:
    assert visible(f"The{hidden} mayor{hidden}.") == "The mayor."


@pytest.mark.parametrize("kept", ["a\tb\nc", "می\u200cخواهم", "क्\u200dष", "❤\ufe0f", "naïve", "non\u00a0breaking"])
def test_what_texts_need_is_kept(kept: str) -> None:
    assert visible(kept) == kept


def test_threads_do_not_spoil_each_others_stems() -> None:
    words_of = [[f"{letter * 3}{number}ing".translate(_LETTERS) for number in range(400)] for letter in "abcdefgh"]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(len(words_of)) as pool:
            found = list(pool.map(lambda many: [stem(word) for word in many], words_of))
    finally:
        sys.setswitchinterval(interval)
    stem.cache_clear()
    assert found == [[stem(word) for word in many] for many in words_of]


_LETTERS = str.maketrans("0123456789", "klmnprstvw")
