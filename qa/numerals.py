"""Pure: numbers as texts write them: "1,250", "3.2bn", "two hundred and fifty", "a dozen", "21st"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qa.wording import Token

_ONES = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
    """.split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_SMALL = {word: float(n) for n, word in enumerate(_ONES)} | {word: 10.0 * n for n, word in enumerate(_TENS, start=2)}
_SCALES = {
    "hundred": 1e2,
    "thousand": 1e3,
    "million": 1e6,
    "billion": 1e9,
    "trillion": 1e12,
    "dozen": 12.0,
    "lakh": 1e5,
    "crore": 1e7,
}
_SHORT_SCALES = {"k": 1e3, "m": 1e6, "mn": 1e6, "mln": 1e6, "bn": 1e9, "b": 1e9, "tn": 1e12}
_ORDINALS = {
    word: float(n)
    for n, word in enumerate(
        """
        first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth
        fifteenth sixteenth seventeenth eighteenth nineteenth twentieth
        """.split(),
        start=1,
    )
}
_PARTS = {"half": 0.5, "third": 1 / 3, "thirds": 1 / 3, "quarter": 0.25, "quarters": 0.25, "fifth": 0.2, "fifths": 0.2}
_VAGUE = {
    "tens": (20.0, 200.0),
    "dozens": (24.0, 200.0),
    "hundreds": (200.0, 1e4),
    "thousands": (2e3, 1e6),
    "millions": (2e6, 1e9),
    "billions": (2e9, 1e12),
}
_BEGINNINGS = frozenset([*_SMALL, *_VAGUE, *_ORDINALS, "half", "a", "an"])
_NO_COUNT = frozenset("another day more less way thing who".split())
"""What "one" stands before without counting: "one another", "one day"."""


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number that ends before the token ``last``.

    ``unit`` is "%" for parts of a whole ("two-thirds"), "clock" for a time of day in minutes, else "". ``scale`` is
    what a word such as "million" multiplied it by; ``highest`` the other end of "dozens" and the like. ``soft``: "one"
    and "first" are often said without counting.
    """

    last: int
    value: float
    unit: str = ""
    scale: float = 1.0
    ordinal: bool = False
    highest: float | None = None
    soft: bool = False


def numeral(tokens: Sequence[Token], i: int) -> Numeral | None:
    """The number that begins at token ``i``, if one does."""
    if tokens[i].number:
        return _in_digits(tokens, i)
    return _in_words(tokens, i) if tokens[i].word in _BEGINNINGS else None


def plain_number(digits: str) -> float:
    """The value of a number as printed: "1,250,000" is 1250000, "3,8" is 3.8, "1.250.000" is 1250000."""
    whole, *groups = digits.replace(":", ",").split(",")
    if groups and len(whole) <= 3 and all(len(group.partition(".")[0]) == 3 for group in groups):
        return plain_number(whole + "".join(groups))
    if digits.count(".") > 1:
        return plain_number(digits.replace(".", ""))
    return float(".".join([whole, "".join(groups)]) if groups and "." not in digits else whole + "".join(groups))


def _in_digits(tokens: Sequence[Token], i: int) -> Numeral | None:
    clock = _clock(tokens, i)
    if clock is not None:
        return clock
    value = plain_number(tokens[i].word)
    following = tokens[i + 1] if i + 1 < len(tokens) else None
    glued = following is not None and following.start == tokens[i].end
    if following is not None and glued and following.word in ("st", "nd", "rd", "th"):
        return Numeral(i + 2, value, ordinal=True)
    if following is not None and (glued or following.word in ("bn", "mn", "tn")) and following.word in _SHORT_SCALES:
        scale = _SHORT_SCALES[following.word]
        return Numeral(i + 2, value * scale, scale=scale)
    scale, last = _scale(tokens, i + 1)
    return Numeral(last, value * scale, scale=scale)


def _clock(tokens: Sequence[Token], i: int) -> Numeral | None:
    """A time of day: "3 p.m.", "10:30", "10.30am"."""
    parts = tokens[i].word.replace(".", ":").split(":")
    if len(parts) > 2 or len(parts[0]) > 2 or not all(part.isdecimal() for part in parts):
        return None
    half = tokens[i + 1].word.replace(".", "") if i + 1 < len(tokens) and not tokens[i + 1].apart else ""
    hour, minute = int(parts[0]), int(parts[1]) if len(parts) == 2 else 0
    if minute >= 60:
        return None
    if half in ("am", "pm") and 1 <= hour <= 12:
        return Numeral(i + 2, (hour % 12 + (12 if half == "pm" else 0)) * 60.0 + minute, unit="clock")
    if ":" in tokens[i].word and hour < 24:
        return Numeral(i + 1, hour * 60.0 + minute, unit="clock")
    return None


def _in_words(tokens: Sequence[Token], i: int) -> Numeral | None:
    word = tokens[i].word
    if word in _SMALL:
        return _counted(tokens, i)
    if word in _VAGUE:
        return _vague(tokens, i)
    if word in _ORDINALS:
        # "First, ..." is no place in an order.
        counts = i + 1 < len(tokens) and not tokens[i + 1].apart
        return Numeral(i + 1, _ORDINALS[word], ordinal=True, soft=word == "first") if counts else None
    if word == "half":
        scale, last = _scale(tokens, i + 2 if _says(tokens, i + 1, "a", "an") else i + 1)
        return Numeral(last, 0.5 * scale, scale=scale) if scale > 1 else Numeral(i + 1, 50.0, unit="%")
    if word in ("a", "an") and i + 1 < len(tokens):
        scale, last = _scale(tokens, i + 1)
        return Numeral(last, scale, scale=scale) if scale > 1 else _part(tokens, 1.0, i + 1, of=True)
    return None


def _vague(tokens: Sequence[Token], i: int) -> Numeral:
    """ "dozens", "hundreds of millions": from about twice to a hundred times what is named."""
    low, high = _VAGUE[tokens[i].word]
    last = i + 1
    while _says(tokens, last, "of") and _says(tokens, last + 1, *_VAGUE):
        scale = _SCALES.get(tokens[last + 1].word.removesuffix("s"), 10.0)
        low, high, last = low * scale, high * scale, last + 2
    return Numeral(last, low, highest=high)


def _counted(tokens: Sequence[Token], i: int) -> Numeral | None:
    value, last = _cardinal(tokens, i)
    part = _part(tokens, value, last, of=False) or _share(tokens, value, last)
    if part is not None:
        return part
    if value != 1.0 or last > i + 1:
        return Numeral(last, value, scale=_said_scale(tokens[last - 1]))
    following = tokens[last] if last < len(tokens) else None
    if following is None or following.apart or not following.says_something or following.word in _NO_COUNT:
        return None
    return Numeral(last, value, soft=True)


def _cardinal(tokens: Sequence[Token], i: int) -> tuple[float, int]:
    """A number in words from token ``i`` on, and where it ends: "two hundred and fifty thousand"."""
    total, part = 0.0, _SMALL[tokens[i].word]
    i += 1
    while i < len(tokens) and not tokens[i].apart:
        word = tokens[i].word
        if word in _SCALES:
            part *= _SCALES[word]
            if _SCALES[word] >= 1e3:
                total, part = total + part, 0.0
        elif word in _SMALL and _may_add(part, word, glued=tokens[i].start - tokens[i - 1].end <= 1):
            part += _SMALL[word]
        elif not (word == "and" and part >= 100 and _says(tokens, i + 1, *_SMALL)):
            break
        i += 1
    return total + part, i


def _may_add(part: float, word: str, *, glued: bool) -> bool:
    """Whether "five" may follow "twenty", or "fifty" "two hundred"; "two five" are two numbers."""
    rest = part % 100
    if part >= 100 or part == 0:
        return rest == 0
    return glued and rest >= 20 and rest % 10 == 0 and 0 < _SMALL[word] < 10


def _part(tokens: Sequence[Token], count: float, last: int, *, of: bool) -> Numeral | None:
    """ "two-thirds", "a quarter of", as a percentage."""
    if last >= len(tokens) or tokens[last].apart or tokens[last].word not in _PARTS:
        return None
    if of and not _says(tokens, last + 1, "of", "the"):
        return None
    return Numeral(last + 1, 100 * count * _PARTS[tokens[last].word], unit="%")


def _share(tokens: Sequence[Token], count: float, last: int) -> Numeral | None:
    """ "one in five", as a percentage."""
    if not (_says(tokens, last, "in") and _says(tokens, last + 1, *_SMALL)):
        return None
    among, end = _cardinal(tokens, last + 1)
    return Numeral(end, 100 * count / among, unit="%") if count < among <= 100 and end < len(tokens) else None


def _scale(tokens: Sequence[Token], i: int) -> tuple[float, int]:
    scale = 1.0
    while i < len(tokens) and not tokens[i].apart and tokens[i].word in _SCALES:
        scale *= _SCALES[tokens[i].word]
        i += 1
    return scale, i


def _said_scale(token: Token) -> float:
    return _SCALES.get(token.word, 1.0)


def _says(tokens: Sequence[Token], i: int, *words: str) -> bool:
    return i < len(tokens) and tokens[i].word in words
