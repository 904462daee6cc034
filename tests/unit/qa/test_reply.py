from __future__ import annotations

from time import process_time
from typing import Any

import pytest

from qa.claims import Claim
from qa.errors import ModelReplyError
from qa.llm import ChatModel, Ending, ModelConfig, Piece
from qa.reply import claims_of, warnings_of
from tests.unit.qa.test_llm import ASK, END, FakeBackend


def model_of(*pieces: Piece | Exception, **told: Any) -> ChatModel:
    return ChatModel(ModelConfig("openai:fake", **told), FakeBackend(pieces))


async def told(model: ChatModel) -> tuple[list[str], Ending]:
    said = [claim async for claim in claims_of(model, ASK)]
    ending = said.pop()
    assert isinstance(ending, Ending)
    return [claim.text for claim in said if isinstance(claim, Claim)], ending


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_sentences_are_told_whole(size: int) -> None:
    text = "Lavrov came [1]. He met Vieira [2]."
    pieces = [Piece(text[at : at + size]) for at in range(0, len(text), size)]
    assert await told(model_of(*pieces, END)) == (["Lavrov came.", "He met Vieira."], Ending("complete"))


async def test_a_sentence_is_told_while_the_next_is_written() -> None:
    failure = ModelReplyError("cut")
    stream = claims_of(model_of(Piece("Lavrov came [1]. He met Vieira"), Piece(" in Brasilia"), failure), ASK)
    first = await anext(stream)
    assert isinstance(first, Claim)
    assert first.text == "Lavrov came."
    with pytest.raises(ModelReplyError):
        await anext(stream)


@pytest.mark.parametrize(
    ("end", "kept"),
    [
        ("He met Mauro", ["Lavrov came."]),
        ("He met Mauro.", ["Lavrov came.", "He met Mauro."]),
        ("\u201cWe met.\u201d", ["Lavrov came.", "\u201cWe met.\u201d"]),
    ],
)
async def test_a_sentence_that_was_cut_off_says_nothing(end: str, kept: list[str]) -> None:
    text = f"Lavrov came [1]. {end}"
    assert (await told(model_of(Piece(text), Piece(reason="length"))))[0] == kept
    # Ours is the same cut; and a reply that is complete may end as it likes.
    assert (await told(model_of(Piece(f"{text} more"), max_reply_chars=len(text))))[0] == kept
    assert (await told(model_of(Piece(text), END)))[0] == ["Lavrov came.", end]


async def test_what_is_not_seen_is_not_told() -> None:
    pieces = [Piece(character) for character in "\u202eLav\u200brov came\x1b[2J.\U000e0041"]
    assert (await told(model_of(*pieces, END)))[0] == ["Lavrov came[2J."]


@pytest.mark.parametrize("word", ["blah ", "Mr. ", "x", "a.b"])
async def test_a_text_that_never_ends_a_sentence_costs_no_square(word: str) -> None:
    async def seconds(length: int) -> float:
        begun = process_time()
        await told(model_of(*(Piece(word) for _ in range(length // len(word))), END))
        return process_time() - begun

    # Sixteen times as much would take 256 times as long.
    short, long = await seconds(1000), await seconds(16_000)
    assert long < 100 * max(short, 0.005)


def test_how_a_reply_ended_is_said_by_the_models_name() -> None:
    model = model_of(max_reply_chars=300)
    assert warnings_of(Ending("complete"), model) == []
    assert "openai:fake wrote more than 300 characters" in warnings_of(Ending("cut"), model)[0]
    assert "DATELINE_MAX_OUTPUT_TOKENS" in warnings_of(Ending("length"), model)[0]
    assert "held back" in warnings_of(Ending("filtered"), model)[0]
