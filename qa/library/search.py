"""Both searches among the chunks that a question may see: by meaning and by words, each the way that is quickest.

Which that is depends on how many of how many chunks may be seen. What is found does not, but for what Chroma's search
misses, being an approximate one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from math import ceil
from typing import TYPE_CHECKING

from qa.library.lexical import LexicalIndex
from qa.library.snapshot import View
from qa.library.store import BEAM, VectorStore
from qa.models import Filters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]

# What takes how long, in microseconds of one core, measured with Chroma 1.5 at 100,000 and 400,000 chunks. Only how
# they compare counts, which differs less between machines.
_DRAWN = 6.0
"""To draw one chunk more from all of them, and look up whether it may be seen."""
_LISTING = 9_000.0
"""To search among ids at all."""
_LISTED = 0.6
"""One id more of those to search among."""
_WALKED = 0.9
"""To come by one chunk more, in the list or not, on the way to those that are."""
_COMPARED = 25.0
"""To read one vector and compare with it."""

_MARGIN = 1.5
"""A draw is so much larger than would do if the chunks that may be seen were spread evenly."""

_LARGE = 50_000
"""In fewer chunks than that a filtered search by words takes about a millisecond."""
_MOST_DRAWN = 4
"""So many times the matches wanted are drawn at most; a filter that leaves so little makes tantivy quick by itself."""

Scored = list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Scope:
    """The chunks that a question may see: ``visible`` of all ``total``."""

    view: View
    filters: Filters
    visible: int
    total: int

    @classmethod
    def of(cls, view: View, filters: Filters) -> Scope:
        """Those that ``filters`` admit, going by ``view``."""
        return cls(view, filters, view.visible_chunk_count(filters), view.chunk_count())

    def draw_size(self, k: int) -> int:
        """How many of all chunks to draw so that ``k`` visible ones are likely among them, if there are so many."""
        return ceil(k * _MARGIN * self.total / self.visible)

    def kept(self, found: Scored) -> Scored:
        """What of ``found`` may be seen, in the same order."""
        admitted = self.view.versions_of([one for one, _ in found], self.filters)
        return [(one, score) for one, score in found if one in admitted]


class Way(Enum):
    """How to find the nearest of those that may be seen."""

    DRAW = "draw from all of them and leave out what may not be seen"
    AMONG = "search among the ids of those that may be seen"
    COMPARE = "compare with each of them"


def quickest(k: int, scope: Scope) -> Way:
    """The quickest way to the ``k`` nearest of the visible chunks, of which there are some.

    A search among ids walks the graph of all chunks until its beam is full of such as are listed: the fewer are, the
    farther it walks, at most over all.
    """
    walked = min(scope.total, max(k, BEAM) * scope.total / scope.visible)
    costs = {
        Way.DRAW: _DRAWN * scope.draw_size(k),
        Way.AMONG: _LISTING + _LISTED * scope.visible + _WALKED * walked,
        Way.COMPARE: _COMPARED * scope.visible,
    }
    return min(costs, key=lambda way: costs[way])


def nearest(store: VectorStore, scope: Scope, embed: Callable[[], Vector], k: int) -> Scored:
    """The ``k`` visible ids nearest to the vector that ``embed`` makes, with their cosine similarity, best first.

    Fewer when there are no more; nothing is embedded when there are none. Raises ``StoreError`` when a writer deletes
    one of them meanwhile.
    """
    if scope.visible == 0:
        return []
    vector = embed()
    if scope.visible == scope.total:
        return store.nearest(vector, k)
    way = quickest(k, scope)
    if way is Way.DRAW:
        kept = scope.kept(store.nearest(vector, scope.draw_size(k)))
        if len(kept) >= k:
            return kept[:k]
    ids = scope.view.embedded_chunk_ids(scope.filters)
    return store.compared(vector, k, ids) if way is Way.COMPARE else store.nearest(vector, k, among=ids)


def matching(lexical: LexicalIndex, scope: Scope, query: str, k: int) -> Scored:
    """The ``k`` visible ids whose words match ``query`` best, with their BM25 score, best first; fewer or none too.

    Without filters tantivy passes over whatever cannot be among the best; with them it looks at all that matches.
    """
    if scope.visible == 0:
        return []
    if scope.total > _LARGE and (size := scope.draw_size(k)) <= _MOST_DRAWN * k:
        found = lexical.search(query, size)
        kept = scope.kept(found)
        if len(kept) >= k or len(found) < size:
            return kept[:k]
    # The index knows no articles: where some are asked for, their chunks are named.
    among = scope.view.chunk_ids(scope.filters) if scope.filters.articles else None
    return lexical.search(query, k, scope.filters, among=among)
