from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.retrieve import LEXICAL_SHARE, diversify, fuse
from tests.unit.qa.strategies import candidate

scores = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-0.2, 1), max_size=8)
strengths = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0.01, 40), max_size=8)


def test_fusion_is_worked_out_by_hand() -> None:
    fused = fuse({"a": 0.8, "b": 0.4}, {"b": 10.0, "c": 5.0})
    meaning, words = 1 - LEXICAL_SHARE, LEXICAL_SHARE
    # c was not found by meaning: it counts as near as the farthest that was.
    assert fused == pytest.approx({"a": meaning, "b": meaning / 2 + words, "c": meaning / 2 + words / 2})


@given(scores, strengths)
def test_nothing_is_lost_nothing_invented_and_all_is_relative(
    dense: dict[str, float], lexical: dict[str, float]
) -> None:
    fused = fuse(dense, lexical)
    assert fused.keys() == dense.keys() | lexical.keys()
    assert all(0 <= score <= 1 + 1e-9 for score in fused.values())


@given(scores, strengths, st.permutations("abcdefgh"))
def test_what_ids_are_called_makes_no_difference(
    dense: dict[str, float], lexical: dict[str, float], names: list[str]
) -> None:
    renamed = dict(zip("abcdefgh", names, strict=True))
    fused = fuse({renamed[one]: s for one, s in dense.items()}, {renamed[one]: s for one, s in lexical.items()})
    assert fused == {renamed[one]: score for one, score in fuse(dense, lexical).items()}


@given(scores, strengths.filter(lambda found: len(found) > 1), st.data())
def test_a_better_match_of_words_never_hurts(
    dense: dict[str, float], lexical: dict[str, float], data: st.DataObject
) -> None:
    one = data.draw(st.sampled_from(sorted(lexical)))
    better = lexical | {one: lexical[one] + 1}
    assert fuse(dense, better)[one] >= fuse(dense, lexical)[one] - 1e-12


@given(strengths, st.floats(0.01, 100))
def test_the_scale_of_bm25_makes_no_difference(lexical: dict[str, float], factor: float) -> None:
    scaled = fuse({}, {one: score * factor for one, score in lexical.items()})
    assert scaled == pytest.approx(fuse({}, lexical))


def test_first_in_both_searches_is_one() -> None:
    assert fuse({"a": 0.3, "b": 0.1}, {"a": 2.0})["a"] == pytest.approx(1)
    assert fuse({}, {}) == {}


@given(st.lists(st.sampled_from("abc"), max_size=12), st.integers(0, 12), st.integers(1, 4))
def test_diversity_keeps_the_order_and_the_limit(articles: list[str], k: int, per_article: int) -> None:
    found = [candidate(f"{article}.{i}", article=article) for i, article in enumerate(articles)]
    chosen = diversify(found, k, per_article=per_article)
    assert len(chosen) <= k
    assert [one for one in found if one in chosen] == chosen
    counts = {article: sum(one.version.article_id == article for one in chosen) for article in "abc"}
    assert max(counts.values()) <= per_article
    # An article that is wanted whole has no limit.
    every = diversify(found, k, per_article=per_article, whole={"a"})
    assert sum(one.version.article_id == "a" for one in every) >= counts["a"]
    assert len(diversify(found, len(found), per_article=1, whole="abc")) == len(found)
    # What was left out had to be: its article was full, or the list was.
    for left in (one for one in found if one not in chosen):
        assert len(chosen) == k or counts[left.version.article_id] == per_article
