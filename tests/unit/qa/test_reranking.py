"""A reranker is held to its time: late or failing it costs no answer, and nothing piles up behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep

import pytest

from qa.errors import ModelMissingError
from qa.library.reranking import BATCH, Reranking, make_reranking
from tests.fakes import FakeReranker

QUESTION = "bread prices"
TEXTS = ["Bread prices rose.", "Nothing of it.", "The price of bread, and much more besides."]


@pytest.fixture
def fake() -> Iterator[FakeReranker]:
    fake = FakeReranker()
    yield fake
    fake.gate.set()


def test_scores_are_in_the_order_of_the_texts(fake: FakeReranker) -> None:
    texts = TEXTS * BATCH
    scores, why_not = Reranking(fake, timeout=30).scores(QUESTION, texts)
    assert scores == FakeReranker().scores(QUESTION, texts)
    assert why_not == ""
    assert max(map(len, fake.batches)) == BATCH
    assert sorted(text for batch in fake.batches for text in batch) == sorted(texts)


def test_no_texts_have_no_scores(fake: FakeReranker) -> None:
    assert Reranking(fake).scores(QUESTION, []) == ([], "")


def test_one_that_is_late_is_not_waited_for(fake: FakeReranker) -> None:
    fake.gate.clear()
    begun = monotonic()
    scores, why_not = Reranking(fake, timeout=0.1).scores(QUESTION, TEXTS)
    assert monotonic() - begun < 5
    assert scores is None
    assert "longer than 0.1 s" in why_not


def test_work_beyond_its_time_ends_with_its_batch(fake: FakeReranker) -> None:
    fake.gate.clear()
    reranking = Reranking(fake, timeout=0.1)
    assert reranking.scores(QUESTION, TEXTS * BATCH)[0] is None
    fake.gate.set()
    # Once the batch it was at is done it serves again; of the late question nothing more was read.
    while reranking.scores(QUESTION, TEXTS[:1])[0] is None:
        pass
    assert len(fake.batches[0]) == BATCH
    assert TEXTS[:1] in fake.batches
    assert len(fake.batches) == 2


def test_while_it_is_late_others_do_without_at_once(fake: FakeReranker) -> None:
    fake.gate.clear()
    reranking = Reranking(fake, timeout=0.2)
    assert reranking.scores(QUESTION, TEXTS)[0] is None
    begun = monotonic()
    for _ in range(50):
        scores, why_not = reranking.scores(QUESTION, TEXTS)
        assert scores is None
        assert "busy" in why_not
    # Waiting for each would have taken ten seconds.
    assert monotonic() - begun < 5
    assert len(fake.batches) == 1


def test_questions_that_never_got_their_turn_are_dropped(fake: FakeReranker) -> None:
    fake.gate.clear()
    reranking = Reranking(fake, timeout=0.5)
    with ThreadPoolExecutor(8) as callers:
        asked = [callers.submit(reranking.scores, QUESTION, TEXTS) for _ in range(8)]
        assert all(one.result()[0] is None for one in asked)
    fake.gate.set()
    while reranking.scores(QUESTION, TEXTS[:1])[0] is None:
        pass
    assert len(fake.batches) == 2


def test_questions_at_the_same_time_take_turns() -> None:
    running, most = 0, 0

    class Counting(FakeReranker):
        def scores(self, question: str, texts: Sequence[str]) -> list[float]:
            nonlocal running, most
            running += 1
            most = max(most, running)
            sleep(0.01)
            found = super().scores(question, texts)
            running -= 1
            return found

    reranking = Reranking(Counting(), timeout=30)
    with ThreadPoolExecutor(8) as callers:
        found = list(callers.map(lambda n: reranking.scores(QUESTION, TEXTS[: n % 3 + 1])[0], range(16)))
    assert most == 1
    assert [len(one or ()) for one in found] == [n % 3 + 1 for n in range(16)]


@pytest.mark.parametrize("error", [RuntimeError("out of memory"), TimeoutError("inside")])
def test_a_failure_costs_no_answer(error: Exception) -> None:
    scores, why_not = Reranking(FakeReranker(error=error), timeout=30).scores(QUESTION, TEXTS)
    assert scores is None
    assert why_not


def test_a_score_that_is_no_number_orders_nothing() -> None:
    class Broken(FakeReranker):
        def scores(self, question: str, texts: Sequence[str]) -> list[float]:
            return [float("nan")] * len(texts)

    assert Reranking(Broken(), timeout=30).scores(QUESTION, TEXTS) == (None, "the reranker failed (ArithmeticError)")


def test_a_model_that_cannot_be_loaded_is_an_error() -> None:
    reranking = Reranking(FakeReranker(load_error=ModelMissingError("there is none")))
    with pytest.raises(ModelMissingError):
        reranking.load()
    with pytest.raises(ModelMissingError):
        reranking.scores(QUESTION, TEXTS)


def test_loading_takes_nothing_of_the_time() -> None:
    class Slow(FakeReranker):
        def load(self) -> None:
            sleep(1)

    scores, _ = Reranking(Slow(), timeout=0.9).scores(QUESTION, TEXTS)
    assert scores is not None


def test_without_a_name_there_is_no_reranking() -> None:
    assert make_reranking(None, candidates=10, timeout=1) is None
    made = make_reranking("a-model", candidates=10, timeout=1)
    assert made is not None
    assert (made.candidates, made.timeout) == (10, 1)
