"""Pure work on citations: the quotes behind a sentence, and whether it is supported by what it cites.

A sentence is *attributable* when its source says it (AIS, Rashkin et al. 2023); each sentence is judged against the
passages it cites, as ALCE does (Gao et al. 2023), but by code: numbers and names must occur in the source, and enough
of the remaining content words.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from qa.dates import MONTHS, WEEKDAYS, Days, resolve_relative
from qa.models import Passage
from qa.text import STOPWORDS, fold, sentences, stem, words

MIN_OVERLAP = 0.45
"""Least share of a sentence's content words that its source must hold."""

ATTRIBUTE_OVERLAP = 0.6
"""Least share for giving a source to a sentence that named none: here a mistake would be ours."""

_MAX_QUOTE_SENTENCES = 2

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_CAPITALISED = re.compile(r"\b[^\W\d_a-z][^\W\d_]*(?:['\u2019-][^\W\d_]+)*")
_SMALL_NUMBERS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty
    """.split()
_TENS = "thirty forty fifty sixty seventy eighty ninety".split()
_NUMBER_WORDS = (
    {word: str(value) for value, word in enumerate(_SMALL_NUMBERS)}
    | {word: str(value) for value, word in zip(range(30, 100, 10), _TENS, strict=True)}
    | {"dozen": "12"}
)
_MONTH = "|".join(MONTHS)
_DATE = re.compile(
    rf"""\b(?:(?P<iso_year>\d{{4}})-(?P<iso_month>\d\d)-(?P<iso_day>\d\d)
    | (?P<month>{_MONTH})\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+(?P<year>\d{{4}}))?
    | (?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<month2>{_MONTH})(?:,?\s+(?P<year2>\d{{4}}))?
    | (?P<month3>{_MONTH})\s+(?P<year3>\d{{4}})
    | (?:in|during|of)\s+(?P<year4>\d{{4}}))\b""",
    re.VERBOSE,
)
_NEGATIONS = frozenset("not no never neither nor without cannot denied denies deny refused refuses".split())


@dataclass(frozen=True, slots=True)
class Quote:
    """A verbatim piece of a passage, ``passage.text[start - passage.start : end - passage.start]``.

    ``start`` and ``end`` are offsets into the article. ``overlap`` is the share of the sentence's content words in it.
    """

    passage: Passage
    start: int
    end: int
    overlap: float

    @property
    def text(self) -> str:
        """The quoted words."""
        return self.passage.text[self.start - self.passage.start : self.end - self.passage.start]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a sentence is supported; if not, ``reason`` says what is missing."""

    supported: bool
    reason: str | None = None


def best_quote(claim: str, passage: Passage) -> Quote:
    """The smallest run of whole sentences of ``passage`` that covers ``claim`` best.

    A second sentence is taken in only when it adds numbers, names or words the first lacks. A passage without words
    is quoted whole.
    """
    spans = sentences(passage.text) or [(0, len(passage.text))]
    runs = [
        (spans[i][0], spans[j][1])
        for i in range(len(spans))
        for j in range(i, min(i + _MAX_QUOTE_SENTENCES, len(spans)))
    ]
    wanted = _wanted(claim)

    def worth(run: tuple[int, int]) -> tuple[float, int]:
        covered = _overlap(wanted, passage.text[run[0] : run[1]])
        # Longer quotes must earn their length.
        return (round(covered, 6), run[0] - run[1])

    start, end = max(runs, key=worth)
    overlap = _overlap(wanted, passage.text[start:end])
    return Quote(passage=passage, start=passage.start + start, end=passage.start + end, overlap=overlap)


def judge(claim: str, quotes: Sequence[Quote], *, min_overlap: float = MIN_OVERLAP) -> Verdict:
    """Whether the passages behind ``quotes`` support ``claim``, and if not why.

    Numbers (also as words), names and negation are held against the whole passages, content words against the quotes
    together. A date may also be the publication date of a passage. No quotes: not supported.
    """
    if not quotes:
        return Verdict(False, "no passage says this")
    evidence = "\n".join(quote.passage.text for quote in quotes)
    meant = {days for quote in quotes for days in _days_meant(quote.passage)}
    undated = _without_dates(claim, meant)
    missing = _numbers(undated) - _numbers(evidence)
    if missing:
        return Verdict(False, f"the number {min(missing)} is not in the passage")
    names = (
        _names(undated) - _all_words(evidence) - {WEEKDAYS[first.weekday()] for first, last in meant if first == last}
    )
    if names:
        return Verdict(False, f"the name {min(names)!r} is not in the passage")
    quoted = " ".join(quote.text for quote in quotes)
    if _overlap(_wanted(claim), quoted) < min_overlap:
        return Verdict(False, "too few of its words are in the passage")
    if _negated(claim) and not _negated(quoted):
        return Verdict(False, "the passage does not deny it")
    return Verdict(True)


def find_support(claim: str, passages: Sequence[Passage]) -> Quote | None:
    """The quote that supports a sentence which names no passage; None when no passage supports it."""
    if not _wanted(claim):
        return None
    quotes = sorted((best_quote(claim, passage) for passage in passages), key=lambda quote: -quote.overlap)
    return next((quote for quote in quotes if judge(claim, [quote], min_overlap=ATTRIBUTE_OVERLAP).supported), None)


def _wanted(claim: str) -> frozenset[str]:
    return frozenset(stem(word) for word in words(claim) if word not in STOPWORDS)


def _overlap(wanted: frozenset[str], text: str) -> float:
    if not wanted:
        return 0.0
    return len(wanted & {stem(word) for word in words(text)}) / len(wanted)


def _numbers(text: str) -> set[str]:
    folded = fold(text)
    digits = {_plain(number) for number in _NUMBER.findall(folded)}
    return digits | {_NUMBER_WORDS[word] for word in words(folded) if word in _NUMBER_WORDS and word != "one"}


def _plain(number: str) -> str:
    """One form for one number: "1,250,000" is 1250000, "3,8" and "3.80" are 3.8."""
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", number):
        number = number.replace(",", "")
    elif re.fullmatch(r"\d{1,3}(\.\d{3}){2,}", number):
        number = number.replace(".", "")
    number = number.replace(",", ".")
    if number.count(".") == 1:
        number = number.rstrip("0").rstrip(".")
    return number.lstrip("0") or "0"


def _names(text: str) -> set[str]:
    """Capitalised words that do not merely begin a sentence, folded."""
    found: set[str] = set()
    for start, end in sentences(text):
        for match in _CAPITALISED.finditer(text, start, end):
            opens = not _WORD_BEFORE.search(text, start, match.start())
            word = fold(match[0]).removesuffix("'s")
            if not opens and len(word) > 1 and word not in STOPWORDS:
                found.add(word)
    return found


_WORD_BEFORE = re.compile(r"\w")


def _all_words(text: str) -> set[str]:
    found: set[str] = set()
    for word in words(text):
        found |= {word, word.removesuffix("'s")}
    folded = fold(text)
    # Scrapers glue words together: "Lavrovannounced" still names Lavrov. Hyphenated names count whole and in parts.
    found.update(fold(match[0]).removesuffix("'s") for match in _CAPITALISED.finditer(text))
    return found | set(re.findall(r"(?<![a-z])[a-z]++(?:-[a-z]+)+", folded)) | _glued(text)


_LONGEST_NAME = 40
"""Hostile text may hold a "word" of a million letters."""


def _glued(text: str) -> set[str]:
    long_words = [fold(match[0]) for match in _CAPITALISED.finditer(text) if len(match[0]) >= 9]
    return {word[:cut] for word in long_words for cut in range(4, min(len(word) - 3, _LONGEST_NAME + 1))}


def _days_meant(passage: Passage) -> set[Days]:
    """The day a passage was published, and what its relative expressions and weekday names can mean."""
    published = passage.published
    if published is None:
        return set()
    meant = {(published, published)} | {(one.first, one.last) for one in resolve_relative(passage.text, published)}
    said = set(words(passage.text))
    ahead = {(weekday - published.weekday()) % 7 for weekday, name in enumerate(WEEKDAYS) if name in said}
    first, last = date.min.toordinal(), date.max.toordinal()
    ordinals = (published.toordinal() + offset for days in ahead for offset in (days, days - 7))
    return meant | {(date.fromordinal(day),) * 2 for day in ordinals if first <= day <= last}


def _without_dates(claim: str, meant: Collection[Days]) -> str:
    """``claim`` with blanks for the dates that agree with one of ``meant`` in all they say."""

    def agrees(match: re.Match[str]) -> bool:
        said = {re.sub(r"^iso_|\d$", "", name): value for name, value in match.groupdict().items() if value}
        month = said.get("month")
        wanted = {
            "year": int(said["year"]) if "year" in said else None,
            "month": (MONTHS.index(month) + 1 if month in MONTHS else int(month)) if month else None,
            "day": int(said["day"]) if "day" in said else None,
        }
        return any(
            all(value in (None, getattr(day, part)) for part, value in wanted.items() for day in days)
            for days in meant
            # A day cannot be told from a week or a month.
            if wanted["day"] is None or days[0] == days[1]
        )

    lowered = claim.lower()
    if len(lowered) != len(claim):
        return claim
    kept = list(claim)
    for match in _DATE.finditer(lowered):
        if agrees(match):
            kept[match.start() : match.end()] = " " * len(match[0])
    return "".join(kept)


def _negated(text: str) -> bool:
    return any(word in _NEGATIONS or word.endswith("n't") for word in words(text))
