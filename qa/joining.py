"""Pure: neighbouring chunks among the best of a question become one passage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qa.candidates import Candidate

MOST_JOINED = 3
"""Chunks a passage is joined from at most: a longer one would crowd out others."""


def joined(found: Sequence[Candidate]) -> list[Candidate]:
    """``found`` (best first) with those that stand side by side in one version of an article joined, best first.

    A joined passage is its best candidate with ``first`` and ``last`` moved outwards.
    """
    by_place = {(one.version.name, one.first): one for one in found}
    passages: list[Candidate] = []
    taken: set[tuple[str, int]] = set()
    for one in found:
        version, first, last = one.version.name, one.first, one.last
        if (version, first) in taken:
            continue
        # The better of the two neighbours first, as long as there is one.
        while last - first + 1 < MOST_JOINED:
            beside = [(version, ordinal) for ordinal in (first - 1, last + 1)]
            beside = [place for place in beside if place in by_place and place not in taken]
            if not beside:
                break
            _, ordinal = max(beside, key=lambda place: by_place[place].score)
            first, last = min(first, ordinal), max(last, ordinal)
        taken.update((version, ordinal) for ordinal in range(first, last + 1))
        passages.append(replace(one, first=first, last=last))
    return passages
