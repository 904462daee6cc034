"""Near duplicates: wire copy that several outlets print with small edits. Pure.

Candidates are found by MinHash bands (Broder 1997; locality-sensitive hashing as in Leskovec, Rajaraman and Ullman,
"Mining of Massive Datasets", chapter 3), then compared for what they say: a report and its correction read almost
alike, and must never pass for copies of each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from qa.models import Article
from qa.text import fold, sentences, words

_PERMUTATIONS = 128
_ROWS = 4
"""Rows a band: 32 bands of 4 make a pair with half its shingles in common a candidate in 87% of all cases."""
_SCHEME = "affine32"
_SHINGLE = 3
_MIN_WORDS = 40
"""Shorter texts have too few shingles to tell a copy from a formula ("Markets closed higher on Monday")."""
_MIN_JACCARD = 0.6

_AGENCY_LINE = re.compile(r"^[^\n.!?]{0,60}?(?:\([^)\n]{2,40}\)\s*[-\u2013\u2014:]*|\s[-\u2013\u2014])\s+")
"""What an outlet puts before the first sentence: "PORT OSTREY, Friday (Coastwire) - ", "By our staff - "."""
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_NAME = re.compile(r"\b[^\W\d_a-z]\w+")
_NUMBER_WORDS = frozenset(
    """
    two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
    nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand thousands million millions
    billion billions dozen dozens half third quarter first second monday tuesday wednesday thursday friday saturday
    sunday yesterday today tomorrow january february march april may june july august september october november
    december not no never
    """.split()
)


def bands(text: str) -> tuple[str, ...]:
    """Keys under which texts alike are found: two texts that share one may be near duplicates. () for a short text.

    The scheme of permutations is part of each key, because keys of different schemes cannot be compared.
    """
    shingles = _shingles(text)
    if len(shingles) < _MIN_WORDS:
        return ()
    from datasketch import MinHash

    sketch: Any = MinHash(num_perm=_PERMUTATIONS, permutations=_permutations(), scheme=_SCHEME)
    sketch.update_batch([" ".join(shingle).encode() for shingle in sorted(shingles)])
    rows = sketch.hashvalues.reshape(-1, _ROWS)
    return tuple(f"{_SCHEME}-{number}-{row.tobytes().hex()}" for number, row in enumerate(rows))


@dataclass(frozen=True, slots=True)
class Story:
    """A text as it is compared with others, and the day it was published."""

    text: str
    published: date | None


def same_story(new: Story, members: Sequence[Story]) -> bool:
    """Whether ``new`` is a copy, with small edits, of the story that ``members`` (none: False) print already.

    It must be worded like one of them. And one of them all, the fullest, must hold every number, date, negation and
    name of the others, and be no later than they are: copies are cut, while a later text that adds a figure is news.
    What stands before the first sentence (place, agency) does not count.
    """
    if not members:
        return False
    texts = [_AGENCY_LINE.sub("", story.text.strip()) for story in (new, *members)]
    shingles = [_shingles(text) for text in texts]
    if not any(_alike(shingles[0], other) for other in shingles[1:]):
        return False
    facts = [_figures(text) | _names(text) for text in texts]
    fullest = max(range(len(texts)), key=lambda i: len(facts[i]))
    return all(
        facts[i] == facts[fullest] or (facts[i] < facts[fullest] and _not_before(story, (new, *members)[fullest]))
        for i, story in enumerate((new, *members))
    )


def _alike(mine: set[tuple[str, ...]], theirs: set[tuple[str, ...]]) -> bool:
    return bool(mine) and len(mine & theirs) >= _MIN_JACCARD * len(mine | theirs)


def _not_before(story: Story, fullest: Story) -> bool:
    return story.published is not None and fullest.published is not None and story.published >= fullest.published


@lru_cache(maxsize=1)
def _permutations() -> Any:
    """Made once: making them costs more than a signature."""
    from datasketch import MinHash

    return MinHash(num_perm=_PERMUTATIONS, scheme=_SCHEME).permutations


def _shingles(text: str) -> set[tuple[str, ...]]:
    said = words(text)
    return {tuple(said[i : i + _SHINGLE]) for i in range(len(said) - _SHINGLE + 1)}


def _figures(text: str) -> set[str]:
    """Numbers in digits and in words, days, months and negations."""
    folded = fold(text)
    return set(_NUMBER.findall(folded)) | (_NUMBER_WORDS & set(words(folded)))


def _names(text: str) -> set[str]:
    """Capitalised words within sentences, folded."""
    found: set[str] = set()
    for start, end in sentences(text):
        for match in _NAME.finditer(text[start:end]):
            if match.start() > 0:
                found.add(fold(match[0]))
    return found


Alike = Callable[[Sequence[str], str], Mapping[str, Sequence[Story]]]
"""The clusters kept that share one of these bands, leaving out the article of this id: stories by cluster id."""


class Clusters:
    """Finds each article of a batch its cluster, among those kept (``alike``) and those met earlier in the batch."""

    def __init__(self, alike: Alike) -> None:
        self._alike = alike
        self._met: dict[str, list[Story]] = {}
        self._by_band: dict[str, dict[str, str]] = {}

    def place(self, article: Article) -> tuple[tuple[str, ...], str]:
        """The article's bands and its cluster's id; one of its own when it is like no other.

        An article is never a copy of its own earlier versions.
        """
        keys = bands(article.text)
        story = Story(article.text, article.published)
        candidates: dict[str, list[Story]] = {}
        if keys:
            candidates = {cluster: list(stories) for cluster, stories in self._alike(keys, article.id).items()}
            met = {
                cluster for key in keys for cluster, owner in self._by_band.get(key, {}).items() if owner != article.id
            }
            for cluster in sorted(met):
                candidates.setdefault(cluster, []).extend(self._met[cluster])
        found = (cluster for cluster, stories in candidates.items() if same_story(story, stories))
        cluster = next(found, f"{article.id}.{article.text_hash[:12]}")
        self._met.setdefault(cluster, []).append(story)
        for key in keys:
            self._by_band.setdefault(key, {})[cluster] = article.id
        return keys, cluster
