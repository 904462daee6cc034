from __future__ import annotations

from qa.joining import MOST_JOINED, Place, joined
from qa.models import Hit
from tests.unit.qa.strategies import passage

WIDTH = 10


def hits(*places: tuple[int, int]) -> tuple[list[Hit], dict[str, Place]]:
    """A hit for each (version, ordinal), best first; chunk ``ordinal`` spans the tenth it has in its name."""
    made, where = [], {}
    for rank, (version, ordinal) in enumerate(places):
        shown = passage("x" * WIDTH, n=version, start=ordinal * WIDTH).model_copy(
            update={"chunk_id": f"{version}.{ordinal}", "score": 1 - rank / 100}
        )
        made.append(Hit(shown, 1, 1, 0.5, 0.5, 0, 1.0))
        where[shown.chunk_id] = Place(version, ordinal)
    return made, where


def spans(found: list[Hit]) -> list[tuple[str, int, int]]:
    return [(hit.passage.chunk_id, hit.passage.start, hit.passage.end) for hit in found]


def test_neighbours_become_one_passage_that_keeps_the_better_ones_place() -> None:
    found, places = hits((1, 3), (2, 0), (1, 2))
    assert spans(joined(found, places)) == [("1.3", 20, 40), ("2.0", 0, 10)]


def test_chunks_that_do_not_touch_stay_apart() -> None:
    found, places = hits((1, 0), (1, 2), (2, 1))
    assert spans(joined(found, places)) == [("1.0", 0, 10), ("1.2", 20, 30), ("2.1", 10, 20)]


def test_a_passage_does_not_grow_without_end() -> None:
    found, places = hits(*((1, ordinal) for ordinal in range(2 * MOST_JOINED)))
    assert [end - start for _, start, end in spans(joined(found, places))] == [MOST_JOINED * WIDTH] * 2


def test_nothing_to_join() -> None:
    assert joined([], {}) == []
