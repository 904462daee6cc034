from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from qa.candidates import VersionFacts
from qa.library.lexical import LexicalIndex
from qa.library.search import Scope, Way, matching, nearest, quickest
from qa.library.store import VectorStore
from qa.models import Filters
from tests.unit.qa.strategies import candidate

FILTERS = Filters(as_of=date(2024, 1, 1))


class FakeStore:
    """Chunks on a line by id, the vector being a place on it; the nearer, the more similar."""

    def __init__(self, places: dict[str, float]) -> None:
        self.places = places
        self.asked: list[str] = []

    def nearest(
        self, vector: NDArray[np.float32], k: int, *, among: Sequence[str] | None = None
    ) -> list[tuple[str, float]]:
        self.asked.append("all" if among is None else "among")
        return self._best(vector, k, self.places if among is None else among)

    def compared(self, vector: NDArray[np.float32], k: int, among: Sequence[str]) -> list[tuple[str, float]]:
        self.asked.append("compare")
        return self._best(vector, k, among)

    def _best(
        self, vector: NDArray[np.float32], k: int, among: Sequence[str] | dict[str, float]
    ) -> list[tuple[str, float]]:
        scored = [(one, -abs(self.places[one] - float(vector[0]))) for one in among]
        return sorted(scored, key=lambda pair: -pair[1])[:k]


class FakeView:
    """Admits the ids in ``seen``, whatever the filters."""

    def __init__(self, total: int, seen: set[str]) -> None:
        self.total, self.seen = total, seen

    def chunk_count(self) -> int:
        return self.total

    def visible_chunk_count(self, filters: Filters) -> int:
        return len(self.seen)

    def chunk_ids(self, filters: Filters) -> list[str]:
        return sorted(self.seen)

    embedded_chunk_ids = chunk_ids

    def versions_of(self, ids: Sequence[str], filters: Filters) -> dict[str, VersionFacts]:
        return {one: candidate(one).version for one in ids if one in self.seen}

    def reporters(self, clusters: Collection[str], filters: Filters) -> dict[str, set[tuple[str, str]]]:
        return {cluster: set() for cluster in clusters}


class FakeWords:
    """The same chunks by words: the score falls with the place. Filtered, it finds what is ``seen``."""

    def __init__(self, places: dict[str, float], seen: set[str]) -> None:
        self.places, self.seen = places, seen
        self.asked: list[str] = []

    def search(
        self, query: str, k: int, filters: Filters | None = None, *, among: Sequence[str] | None = None
    ) -> list[tuple[str, float]]:
        self.asked.append("filtered" if filters else "all")
        found = [one for one in self.places if filters is None or one in self.seen]
        return [(one, 1 / (1 + self.places[one])) for one in found][:k]


def scope_of(total: int, seen: set[str]) -> Scope:
    return Scope.of(FakeView(total, seen), FILTERS)


def find(store: FakeStore, seen: set[str], k: int, at: float = 0.0) -> list[str]:
    scope = scope_of(len(store.places), seen)
    found = nearest(cast("VectorStore", store), scope, lambda: np.array([at], dtype=np.float32), k)
    return [one for one, _ in found]


def match(words: FakeWords, k: int) -> list[str]:
    scope = scope_of(len(words.places), words.seen)
    return [one for one, _ in matching(cast("LexicalIndex", words), scope, "words", k)]


LINE = {f"{place:04}": float(place) for place in range(2_000)}


@given(
    seen=st.integers(1, 2_000).flatmap(
        lambda n: st.sampled_from([{*list(LINE)[:n]}, {*list(LINE)[-n:]}, {*list(LINE)[:: 2_000 // n]}])
    ),
    k=st.integers(1, 60),
    at=st.sampled_from([0.0, 1_000.2, 2_000.0]),
)
def test_whatever_the_way_the_nearest_that_may_be_seen_are_found(seen: set[str], k: int, at: float) -> None:
    by_hand = sorted(seen, key=lambda one: abs(LINE[one] - at))[:k]
    assert find(FakeStore(LINE), seen, k, at) == by_hand


def test_nothing_is_embedded_where_nothing_may_be_seen() -> None:
    def never() -> NDArray[np.float32]:
        raise AssertionError

    assert nearest(cast("VectorStore", FakeStore(LINE)), scope_of(2_000, set()), never, 5) == []


def test_what_was_drawn_is_not_enough_when_the_nearest_may_not_be_seen() -> None:
    store = FakeStore(LINE)
    assert find(store, {*list(LINE)[500:]}, 10) == list(LINE)[500:510]
    assert store.asked == ["all", "among"]


@pytest.mark.parametrize(
    ("visible", "total", "way"),
    [
        # What was quickest when all three were timed with 100 wanted.
        (100, 100_000, Way.COMPARE),
        (4_000, 100_000, Way.AMONG),
        (75_000, 100_000, Way.DRAW),
        (800, 400_000, Way.COMPARE),
        (4_000, 400_000, Way.AMONG),
        (40_000, 400_000, Way.DRAW),
        (300_000, 400_000, Way.DRAW),
    ],
)
def test_the_quickest_way(visible: int, total: int, way: Way) -> None:
    assert quickest(100, Scope(FakeView(0, set()), FILTERS, visible, total)) is way


@given(st.integers(1, 1_000), st.integers(1, 400_000), st.integers(0, 400_000))
def test_a_draw_holds_what_is_wanted_and_grows_as_less_may_be_seen(k: int, visible: int, hidden: int) -> None:
    def drawn(total: int) -> int:
        return Scope(FakeView(0, set()), FILTERS, visible, total).draw_size(k)

    assert k <= drawn(visible + hidden) <= drawn(visible + hidden + 1)


MANY = {f"{place:05}": float(place) for place in range(60_000)}


@pytest.mark.parametrize(
    ("seen", "asked"),
    [
        (list(MANY)[1:], ["all"]),
        (list(MANY)[::2], ["all"]),
        # The best matches may not be seen: what was drawn is not enough.
        (list(MANY)[10_000:], ["all", "filtered"]),
        # Too few to draw from all.
        (list(MANY)[::7], ["filtered"]),
        ([], []),
    ],
    ids=["nearly all", "half", "not the best", "few", "none"],
)
def test_whatever_the_way_the_best_matches_that_may_be_seen_are_found(seen: list[str], asked: list[str]) -> None:
    words = FakeWords(MANY, {*seen})
    assert match(words, 20) == seen[:20]
    assert words.asked == asked


def test_what_matches_may_be_less_than_is_wanted() -> None:
    words = FakeWords(MANY, {*MANY})
    words.places = {one: MANY[one] for one in list(MANY)[:7]}
    scope = scope_of(60_000, words.seen)
    assert len(matching(cast("LexicalIndex", words), scope, "words", 20)) == 7
    assert words.asked == ["all"]


def test_a_small_collection_is_searched_with_filters() -> None:
    words = FakeWords(LINE, {*list(LINE)[1:]})
    assert match(words, 20) == list(LINE)[1:21]
    assert words.asked == ["filtered"]
