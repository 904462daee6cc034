from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from qa.errors import ModelMissingError
from qa.library.batching import MOST_TOGETHER, BatchedQueries
from tests.fakes import FakeEmbedder


class Slow(FakeEmbedder):
    """Waits for ``gate`` in its first call; records how many texts each call had."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.began = threading.Event()
        self.calls: list[int] = []
        self.error: BaseException | None = None

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Any:
        self.calls.append(len(texts))
        self.began.set()
        assert self.gate.wait(10)
        if self.error:
            raise self.error
        return super().embed(texts, query=query)


def _ask(batched: BatchedQueries, texts: Sequence[str], found: dict[str, Any]) -> list[threading.Thread]:
    def one(text: str) -> None:
        try:
            found[text] = batched.embed([text], query=True)
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            found[text] = error

    threads = [threading.Thread(target=one, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    return threads


def _together(count: int, error: BaseException | None = None) -> tuple[Slow, dict[str, Any]]:
    """One question, and ``count`` that come while it is computed."""
    slow = Slow()
    batched = BatchedQueries(slow)
    found: dict[str, Any] = {}
    threads = _ask(batched, ["first question"], found)
    assert slow.began.wait(10)
    threads += _ask(batched, [f"later question number {number}" for number in range(count)], found)
    while len(batched._waiting) < count:
        pass
    slow.error = error
    slow.gate.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    return slow, found


@pytest.mark.parametrize(("count", "calls"), [(0, [1]), (7, [1, 7]), (MOST_TOGETHER + 3, [1, MOST_TOGETHER, 3])])
def test_questions_that_come_meanwhile_are_computed_together_and_each_gets_its_own(
    count: int, calls: list[int]
) -> None:
    slow, found = _together(count)
    assert slow.calls == calls
    alone = FakeEmbedder()
    assert len(found) == count + 1
    for text, vectors in found.items():
        assert np.array_equal(vectors, alone.embed([text], query=True)), text


def test_what_the_model_raises_is_raised_for_each_and_the_next_question_is_computed() -> None:
    slow, found = _together(3, ModelMissingError("the weights are damaged"))
    assert all(isinstance(error, ModelMissingError) for error in found.values())
    slow.error = None
    assert BatchedQueries(slow).embed(["again"], query=True).shape == (1, slow.dimension)


def test_a_question_after_a_failure_is_not_left_waiting() -> None:
    slow = Slow()
    slow.gate.set()
    slow.error = ModelMissingError("once")
    batched = BatchedQueries(slow)
    with pytest.raises(ModelMissingError):
        batched.embed(["one"], query=True)
    slow.error = None
    assert batched.embed(["one"], query=True).shape == (1, slow.dimension)


def test_everything_else_is_the_embedder_s() -> None:
    fake = FakeEmbedder()
    batched = BatchedQueries(fake)
    assert (batched.name, batched.dimension, batched.max_tokens, batched.backend) == ("fake", 96, 60, "fake")
    assert batched.token_spans("two words") == [(0, 3), (4, 9)]
    assert batched.embed(["a text", "another"]).shape == (2, 96)
    assert batched.embed([], query=True).shape == (0, 96)
    assert fake.embedded == ["a text", "another"]
