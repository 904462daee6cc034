from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from qa.candidates import Candidate
from qa.ranking import FURTHER_SHARE, RERANK_SPAN, best_of, by_score, rerank, score_of
from tests.unit.qa.strategies import candidate

relevances = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 1), max_size=8)
logits = st.floats(-12, 12)


def weighed(name: str, fused: float, age_weight: float = 1.0) -> Candidate:
    score = score_of(fused, age_weight)
    return candidate(name, article=name, score=score, fused=fused, age_weight=age_weight)


def ids(found: Sequence[Candidate]) -> str:
    return "".join(one.chunk_id for one in found)


def test_the_reranker_s_order_is_the_order_where_age_is_the_same() -> None:
    candidates = [weighed("a", 1.0), weighed("b", 0.8), weighed("c", 0.5)]
    found = rerank(candidates, [-3.0, 7.0, 2.0])
    assert ids(found) == "bca"
    assert [one.rerank_score for one in found] == [7.0, 2.0, -3.0]
    assert found[0].reranked == 1
    assert [one.fused for one in found] == [0.8, 0.5, 1.0]


def test_age_still_counts() -> None:
    old, new = weighed("a", 1.0, age_weight=0.5), weighed("b", 0.9, age_weight=1.0)
    assert ids(rerank([old, new], [8.0, 7.5])) == "ba"
    assert ids(rerank([old, new], [8.0, -8.0])) == "ab"
    best = rerank([new], [3.0])[0]
    assert best.score == 1


@given(st.lists(logits, min_size=2, max_size=8), st.floats(-50, 50))
def test_where_a_model_has_its_zero_makes_no_difference(scores: list[float], shift: float) -> None:
    candidates = [weighed(name, 1 - i / 10, age_weight=1 - i / 20) for i, name in enumerate("abcdefgh"[: len(scores)])]
    plain, moved = rerank(candidates, scores), rerank(candidates, [score + shift for score in scores])
    assert {one.chunk_id: one.reranked for one in moved} == pytest.approx({one.chunk_id: one.reranked for one in plain})


@given(st.lists(st.tuples(logits, st.floats(0.3, 1)), min_size=3, max_size=8))
def test_the_order_of_two_does_not_depend_on_the_others(told: list[tuple[float, float]]) -> None:
    candidates = [weighed(name, 0.5, age_weight=age) for name, (_, age) in zip("abcdefgh", told, strict=False)]
    scores = [score for score, _ in told]
    # Scores are rounded: what is as good as equal may come either way.
    values = [score_of(1, age) * 2.718281828 ** (1.5 * score / RERANK_SPAN) for score, age in told]
    assume(abs(values[0] / values[1] - 1) > 0.01)
    assume(max(scores) - min(scores[:2]) < 12)
    alone = ids(rerank(candidates[:2], scores[:2]))
    among = [one for one in ids(rerank(candidates, scores)) if one in "ab"]
    assert "".join(among) == alone


@given(st.lists(logits, max_size=4), st.lists(st.floats(0, 1), min_size=4, max_size=8))
def test_what_was_not_read_comes_behind_what_was_where_age_is_the_same(scores: list[float], fused: list[float]) -> None:
    candidates = by_score(weighed(name, value) for name, value in zip("abcdefgh", fused, strict=False))
    found = rerank(candidates, scores)
    assert sorted(ids(found)) == sorted(ids(candidates))
    read = [one for one in found if one.rerank_score is not None]
    unread = [one for one in found if one.rerank_score is None]
    assert len(read) == len(scores)
    least = min((one.score for one in read), default=1.0)
    assert all(one.score <= least for one in unread)
    assert all(0 <= (one.reranked or 0) <= 1 for one in found)
    # Best first, like every list of candidates.
    assert found == by_score(found)


def test_nothing_to_rerank_is_nothing() -> None:
    assert rerank([], []) == []


@given(relevances)
def test_one_query_is_itself(relevance: dict[str, float]) -> None:
    assert best_of([relevance]) == pytest.approx(relevance)


@given(relevances, st.lists(relevances, max_size=3))
def test_further_queries_add_and_take_nothing_from_the_question(
    asked: dict[str, float], further: list[dict[str, float]]
) -> None:
    best = best_of([asked, *further])
    assert best.keys() == asked.keys() | {one for relevance in further for one in relevance}
    assert all(best[one] >= value for one, value in asked.items())
    assert all(best[one] >= FURTHER_SHARE * value - 1e-9 for relevance in further for one, value in relevance.items())
    assert all(value <= 1 for value in best.values())


def test_the_question_s_own_best_stays_before_what_only_further_queries_found() -> None:
    best = best_of([{"a": 1.0, "b": 0.2}, {"c": 1.0, "b": 0.9}])
    assert sorted(best, key=lambda one: -best[one]) == ["a", "c", "b"]
