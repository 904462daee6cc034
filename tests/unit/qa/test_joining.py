from __future__ import annotations

from dataclasses import replace

from qa.candidates import Candidate
from qa.joining import MOST_JOINED, joined
from tests.unit.qa.strategies import candidate


def found(*places: tuple[str, int]) -> list[Candidate]:
    """A candidate for each (article, ordinal), best first."""
    return [
        replace(candidate(f"{article}.1.{n}", article=article, score=1 - rank / 100), first=n, last=n)
        for rank, (article, n) in enumerate(places)
    ]


def spans(passages: list[Candidate]) -> list[tuple[str, int, int]]:
    return [(one.chunk_id, one.first, one.last) for one in passages]


def test_neighbours_become_one_passage_that_keeps_the_better_ones_place() -> None:
    passages = joined(found(("a", 3), ("b", 0), ("a", 2)))
    assert spans(passages) == [("a.1.3", 2, 3), ("b.1.0", 0, 0)]


def test_the_better_neighbour_comes_first() -> None:
    passages = joined(found(("a", 5), ("a", 6), ("a", 4), ("a", 7)))
    assert spans(passages) == [("a.1.5", 4, 6), ("a.1.7", 7, 7)]


def test_chunks_that_do_not_touch_stay_apart() -> None:
    passages = joined(found(("a", 0), ("a", 2), ("b", 1)))
    assert spans(passages) == [("a.1.0", 0, 0), ("a.1.2", 2, 2), ("b.1.1", 1, 1)]


def test_a_passage_does_not_grow_without_end() -> None:
    passages = joined(found(*(("a", ordinal) for ordinal in range(2 * MOST_JOINED))))
    assert [last - first + 1 for _, first, last in spans(passages)] == [MOST_JOINED] * 2


def test_nothing_to_join() -> None:
    assert joined([]) == []
