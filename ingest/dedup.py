"""Near duplicates: wire copy that several outlets print with small edits. Pure.

Candidates are found by MinHash bands (Broder 1997; locality-sensitive hashing as in Leskovec, Rajaraman and Ullman,
"Mining of Massive Datasets", chapter 3), then compared for what they say: a report and its correction read almost
alike, and must never pass for copies of each other.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from qa.models import Article, text_digest
from qa.text import STOPWORDS, fold, sentences, words

_PERMUTATIONS = 128
_ROWS = 4
"""Rows a band: 32 bands of 4 make a pair with half its shingles in common a candidate in 87% of all cases."""
_SCHEME = "affine32"
_KEYS = f"{_SCHEME}-words"
"""Names the scheme of permutations and the way shingles are hashed: keys made otherwise cannot be compared."""
_SHINGLE = 3
_ODD = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
_MIN_WORDS = 40
"""Shorter texts have too few shingles to tell a copy from a formula ("Markets closed higher on Monday"): they are
copies only word by word and of one day."""
_MIN_EXACT = 8
"""Texts of fewer words are no stories ("Watch the video")."""
_MIN_JACCARD = 0.6

_AGENCY_LINE = re.compile(r"^[^\n.!?]{0,60}?(?:\([^)\n]{2,40}\)\s*[-\u2013\u2014:]*|\s[-\u2013\u2014])\s+")
"""What an outlet puts before the first sentence: "PORT OSTREY, Friday (Coastwire) - ", "By our staff - "."""
_TOKEN = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_TELLING = frozenset(
    """
    two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
    nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand thousands million millions
    billion billions dozen dozens half third quarter first second fourth fifth sixth seventh eighth ninth tenth
    monday tuesday wednesday thursday friday saturday sunday yesterday today tomorrow
    january february march april may june july august september october november december
    rose fell rise fall increased decreased increase decrease higher lower more less fewer approved rejected
    """.split()
)
"""Words that make another story when they change: numbers, dates, opposites."""
_NEGATIONS = frozenset("not no never none nobody nothing neither nor without".split())
_MIN_ENGLISH = 0.2
"""Least share of English stop words in a text whose telling words we know."""


def bands(text: str) -> tuple[str, ...]:
    """Keys under which texts alike are found: two texts that share one may be near duplicates.

    A short text has one that only its exact copies share, one of a few words none.

    Texts of fewer than 40 different shingles (runs of three words) count as short.
    """
    said = words(text)
    if len(said) < _MIN_WORDS + _SHINGLE - 1:
        return _exact(said)
    import numpy as np
    from datasketch import MinHash

    # A shingle's hash is made of its words' hashes, all shingles at once: hashing them one by one as text is most of
    # a signature's cost. Multiplying by odd numbers, a different one for each place, keeps the words' order in it.
    hashes = np.array([_word_hash(word) for word in said], dtype=np.uint64)
    places = (hashes[i : len(said) - _SHINGLE + 1 + i] * np.uint64(odd) for i, odd in enumerate(_ODD))
    shingles = np.unique(sum(places, np.uint64(0)) >> np.uint64(32))
    if len(shingles) < _MIN_WORDS:
        return _exact(said)
    sketch: Any = MinHash(num_perm=_PERMUTATIONS, permutations=_permutations(), scheme=_SCHEME, hashfunc=int)
    sketch.update_batch(shingles.tolist())
    rows = sketch.hashvalues.reshape(-1, _ROWS)
    return tuple(f"{_KEYS}-{number}-{row.tobytes().hex()}" for number, row in enumerate(rows))


def _exact(said: Sequence[str]) -> tuple[str, ...]:
    return (f"exact-{text_digest(' '.join(said))}",) if len(said) >= _MIN_EXACT else ()


@lru_cache(maxsize=65_536)
def _word_hash(word: str) -> int:
    """64 bits, the same in every process."""
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest())


@dataclass(frozen=True, slots=True)
class Story:
    """A text as it is compared with others, and the day it was published."""

    text: str
    published: date | None


def same_story(new: Story, members: Sequence[Story], is_word: Callable[[str], bool]) -> bool:
    """Whether ``new`` is a copy, with small edits, of the story that ``members`` (none: False) print already.

    It must be worded like one of them. And one of them all, the fullest, must hold every number, date, name, negation
    and opposite of the others in the same order, and be no later than they are: copies are cut, while a later text
    that adds a figure is news. What stands before the first sentence (place, agency) does not count. Texts that are
    not English are copies only when they are alike word by word, short ones only when they are of the same day, too.
    ``is_word`` tells a common word in lower case from a name that opens a sentence.
    """
    if not members:
        return False
    if len(_shingles(new.text)) < _MIN_WORDS:
        exact = (new.published, words(new.text))
        return any((story.published, words(story.text)) == exact for story in members)
    stories = (new, *_each_once(members))
    texts = [_AGENCY_LINE.sub("", story.text.strip()) for story in stories]
    shingles = [_shingles(text) for text in texts]
    if not any(_alike(shingles[0], other) for other in shingles[1:]):
        return False
    facts = [_facts(text, is_word) for text in texts]
    negations = [[fact for fact in told if fact in _NEGATIONS] for told in facts]
    if any(denied != negations[0] for denied in negations[1:]):
        # Leaving a name out is cutting; leaving a "not" out is saying the opposite.
        return False
    # Printed again later, the fullest is still what was cut.
    fullest = max(range(len(texts)), key=lambda i: (len(facts[i]), -(stories[i].published or date.max).toordinal()))
    return all(
        facts[i] == facts[fullest] or (_within(facts[i], facts[fullest]) and _not_before(story, stories[fullest]))
        for i, story in enumerate(stories)
    )


def _each_once(stories: Sequence[Story]) -> list[Story]:
    """Each text once, dated by the first to print it, and once more for those undated."""
    first: dict[tuple[str, bool], Story] = {}
    for story in stories:
        key = (story.text, story.published is None)
        known = first.setdefault(key, story)
        if story.published is not None and known.published is not None and story.published < known.published:
            first[key] = story
    return list(first.values())


def _within(part: Sequence[str], whole: Sequence[str]) -> bool:
    """Whether ``part`` is ``whole`` with some left out."""
    rest = iter(whole)
    return all(fact in rest for fact in part)


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


def _facts(text: str, is_word: Callable[[str], bool]) -> list[str]:
    """What a copy may not change, in order: numbers, telling words and names; every word where it is not English."""
    said = words(text)
    if sum(word in STOPWORDS for word in said) < _MIN_ENGLISH * len(said):
        return said
    facts = []
    for start, end in sentences(text):
        for match in _TOKEN.finditer(text, start, end):
            word = fold(match[0])
            opens = not text[start : match.start()].strip("\"'\u201c\u2018\u00ab( ")
            named = match[0][0].isupper() and not (opens and is_word(word))
            if word[0].isdigit() or word in _TELLING or word in _NEGATIONS or named:
                facts.append(word)
    return facts


Alike = Callable[[Sequence[str], str], Mapping[str, Sequence[Story]]]
"""The clusters kept that share one of these bands, leaving out the article of this id: stories by cluster id."""


@dataclass(frozen=True, slots=True)
class Place:
    """An article's bands and its cluster's id; whether it ``joined`` others there."""

    bands: tuple[str, ...]
    cluster: str
    joined: bool


class Clusters:
    """Finds each article of a batch its cluster, among those kept (``alike``) and those met earlier in the batch."""

    def __init__(self, alike: Alike, is_word: Callable[[str], bool]) -> None:
        self._alike = alike
        self._is_word = is_word
        self._met: dict[str, list[Story]] = {}
        self._by_band: dict[str, dict[str, str]] = {}

    def place(self, article: Article) -> Place:
        """Where the article belongs; a cluster of its own when it is like no other.

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
        found = (cluster for cluster, stories in candidates.items() if same_story(story, stories, self._is_word))
        joined = next(found, None)
        cluster = joined or f"{article.id}.{article.text_hash[:12]}"
        self._met.setdefault(cluster, []).append(story)
        for key in keys:
            self._by_band.setdefault(key, {})[cluster] = article.id
        return Place(keys, cluster, joined is not None)
