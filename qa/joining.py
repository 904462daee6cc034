"""Pure: neighbouring chunks among the best of a question become one passage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from qa.models import Hit

MOST_JOINED = 3
"""Chunks a passage is joined from at most: a longer one would crowd out others."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chunk stands: which version of which article, and its number there, from 0."""

    version: int
    ordinal: int


def joined(hits: Sequence[Hit], places: Mapping[str, Place]) -> list[Hit]:
    """``hits`` (best first) with those that stand side by side in one version of an article joined, best first.

    A joined passage is its best hit with ``start`` and ``end`` moved outwards; its ``text`` is left as it was and must
    be read anew. ``places`` is by chunk id.
    """
    by_place = {places[hit.passage.chunk_id]: hit for hit in hits}
    found: list[Hit] = []
    taken: set[Place] = set()
    for hit in hits:
        place = places[hit.passage.chunk_id]
        if place in taken:
            continue
        run = [place]
        # The better of the two neighbours first, as long as there is one.
        while len(run) < MOST_JOINED:
            beside = [Place(place.version, ordinal) for ordinal in (run[0].ordinal - 1, run[-1].ordinal + 1)]
            beside = [one for one in beside if one in by_place and one not in taken]
            if not beside:
                break
            run.append(max(beside, key=lambda one: by_place[one].passage.score))
            run.sort(key=lambda one: one.ordinal)
        taken.update(run)
        first, last = by_place[run[0]].passage, by_place[run[-1]].passage
        found.append(replace(hit, passage=hit.passage.model_copy(update={"start": first.start, "end": last.end})))
    return found
