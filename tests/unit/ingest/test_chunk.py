from __future__ import annotations

import random
import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.chunk import chunk
from qa.models import Chunk
from qa.text import sentences


def tokens(text: str) -> list[tuple[int, int]]:
    """A token is up to four letters of a word, or a punctuation mark."""
    return [match.span() for match in re.finditer(r"\w{1,4}|[^\w\s]", text)]


def cut(text: str, limit: int) -> list[Chunk]:
    return chunk(text, tokens(text), sentences(text), limit)


def pieces(text: str, limit: int) -> list[str]:
    return [text[one.start : one.end] for one in cut(text, limit)]


prose = st.lists(
    st.sampled_from(
        [
            "A",
            "bee",
            "can",
            "Zoë",
            "x" * 30,
            "3.8",
            "U.S.",
            "end.",
            "so?",
            "so,",
            "“Yes!”",
            " ",
            "\n",
            "\n\n",
            "東京",
            "😀",
            "\u0301",
        ]
    ),
    max_size=120,
).map(" ".join)


@given(prose | st.text(max_size=200), st.integers(1, 30))
def test_covers_the_text_once_in_order_within_the_limit(text: str, limit: int) -> None:
    chunks = cut(text, limit)

    assert [one.ordinal for one in chunks] == list(range(len(chunks)))
    position = 0
    for one in chunks:
        assert one.start < one.end
        assert not text[position : one.start].strip(), "left out"
        assert text[one.start : one.end] == text[one.start : one.end].strip()
        assert one.tokens <= limit
        assert one.tokens == len(tokens(text[one.start : one.end]))
        position = one.end
    assert not text[position:].strip(), "left out at the end"


def of_bytes(text: str) -> list[tuple[int, int]]:
    """As byte-level tokenizers do: a code point may be several tokens, each with its whole span."""
    return [(i, i + 1) for i, char in enumerate(text) for _ in char.encode("utf-8", "replace") if not char.isspace()]


def of_words(text: str) -> list[tuple[int, int]]:
    """A token is a word however long, as unknown words are to WordPiece."""
    return [match.span() for match in re.finditer(r"\S+", text)]


@given(prose | st.text(max_size=200), st.integers(1, 30), st.sampled_from([of_bytes, of_words]))
def test_holds_for_every_kind_of_token(text: str, limit: int, tokenize: Callable[[str], list[tuple[int, int]]]) -> None:
    chunks = chunk(text, tokenize(text), sentences(text), limit)
    assert "".join("".join(text[one.start : one.end].split()) for one in chunks) == "".join(text.split())
    assert all(one.tokens <= limit or one.end - one.start == 1 for one in chunks)


@given(prose, st.integers(40, 60))
def test_cuts_only_between_sentences_that_fit(text: str, limit: int) -> None:
    starts = {start for start, _ in sentences(text)}
    if any(len(tokens(text[start:end])) > limit for start, end in sentences(text)):
        return
    assert {one.start for one in cut(text, limit)} <= starts


@pytest.mark.parametrize("text", ["", " ", "\n\n \t"])
def test_blank_text_has_no_chunks(text: str) -> None:
    assert cut(text, 10) == []


def test_whole_sentences_are_packed_up_to_the_limit() -> None:
    text = "One two six. " * 5 + "End here now."
    assert pieces(text, 8) == ["One two six. One two six."] * 2 + ["One two six. End here now."]


def test_a_well_filled_chunk_ends_where_the_paragraph_does() -> None:
    text = "One two six four. Five six ten.\n\nEight nine ten. Then on and on. And on and on. And so on."
    assert pieces(text, 13)[0] == "One two six four. Five six ten."


def test_a_barely_filled_chunk_goes_on_past_the_paragraph() -> None:
    text = "One two.\n\nEight nine ten. Then on and on. And on and on. And so on."
    assert pieces(text, 13)[0] == "One two.\n\nEight nine ten. Then on and on."


def test_a_tiny_last_chunk_is_balanced_with_the_one_before() -> None:
    text = "Aa bb cc dd. " * 4 + "End."
    assert [one.tokens for one in cut(text, 20)] == [10, 12]


def test_a_tiny_last_chunk_is_joined_when_it_fits() -> None:
    text = "One two six four five six. Five six.\n\nEnd."
    assert pieces(text, 13) == [text]


def test_a_long_sentence_is_cut_after_a_clause_else_a_word() -> None:
    assert pieces("one two six four five six, six five nine ten", 9)[0] == "one two six four five six,"
    assert pieces("one two thre four five six seve eigh nine ten", 6) == [
        "one two thre four five six",
        "seve eigh nine ten",
    ]


def test_a_word_is_cut_only_when_it_alone_is_too_long() -> None:
    assert pieces("see abcdefghijklmnopqrstuvwx", 4) == ["see", "abcdefghijklmnop", "qrstuvwx"]


def test_an_endless_word_of_one_token_does_not_make_an_endless_chunk() -> None:
    text = "x" * 10_000
    chunks = chunk(text, [(0, len(text))], [(0, len(text))], 10)
    assert max(one.end - one.start for one in chunks) <= 120
    assert sum(one.end - one.start for one in chunks) == len(text)


def test_characters_without_tokens_are_kept() -> None:
    text = "\ufffd\ufffd. Next one."
    assert chunk(text, [(4, 8), (9, 13)], [(0, 3), (4, 13)], 5) == [Chunk(0, 0, 13, 2)]


def test_several_tokens_on_one_code_point_are_never_parted() -> None:
    assert [(one.start, one.end) for one in chunk("😀😀", [(0, 1)] * 3 + [(1, 2)] * 3, [(0, 2)], 2)] == [(0, 1), (1, 2)]


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        cut("text", 0)


def test_time_grows_with_the_text_and_no_faster() -> None:
    rng = random.Random(1)
    sentence = [" ".join(["word"] * rng.randint(3, 40)) + ". " for _ in range(20_000)]
    text = "".join(sentence)
    spans = []
    position = 0
    for one in sentence:
        spans.append((position, position + len(one) - 1))
        position += len(one)
    found = tokens(text)
    began = time.perf_counter()
    chunks = chunk(text, found, spans, 180)
    assert time.perf_counter() - began < 5
    assert len(chunks) > 1000
