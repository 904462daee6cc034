"""True sentences changed by code: a number, a date, a name or a negation made false, or word order and tense only.

Everything here is found by patterns of its own, so that the check is not asked about what it would itself have found.
Each change is given the sentence, its passage and a random generator, and returns the changed sentences, None when
the sentence does not lend itself to it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October November December".split()
_SHORT_MONTHS = "Jan. Feb. Aug. Sept. Oct. Nov. Dec.".split()
_COUNTS = "two three four five six seven eight nine ten eleven twelve".split()
_RELATIVE = (
    ("yesterday", "tomorrow"),
    ("last week", "next week"),
    ("last month", "last year"),
    ("last year", "this year"),
)

_SCALES = (
    ("million", "billion"), ("billion", "trillion"), ("thousand", "million"), ("percent", "percentage points"),
    ("dollars", "euros"), ("miles", "kilometers"), ("years", "months"), ("hours", "minutes"), ("days", "weeks"),
    ("pounds", "tons"), ("feet", "inches"), ("first", "second"), ("third", "fourth"), ("more than", "less than"),
)  # fmt: skip
_OPPOSITES = (
    ("rose", "fell"), ("increased", "decreased"), ("increase", "decrease"), ("higher", "lower"), ("won", "lost"),
    ("approved", "rejected"), ("opened", "closed"), ("began", "ended"), ("guilty", "innocent"), ("largest", "smallest"),
    ("supported", "opposed"), ("gained", "lost"), ("legal", "illegal"), ("likely", "unlikely"), ("joined", "left"),
    ("accepted", "refused"), ("more", "fewer"), ("up", "down"), ("before", "after"), ("without", "with"),
)  # fmt: skip

_MONTH = "|".join([*MONTHS, *map(re.escape, _SHORT_MONTHS)])
_FIGURE = re.compile(
    r"(?<![\w.,/:-])[$\u00a3\u20ac]?(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)(?![\w/:]|[.,-]\d|-[a-z]{1,2}\b)"
)
_COUNT = re.compile(rf"\b({'|'.join(_COUNTS)})\b")
_NEAR_MONTH = re.compile(rf"(?:{_MONTH}|Apr\.|Jun[e.]|Jul[y.]|Mar\.)\s*$")
_DATE = re.compile(
    rf"(?:{_MONTH}) (?P<day>\d{{1,2}})(?![\d:,-]\d)|\b(?P<weekday>{'|'.join(WEEKDAYS)})\b"
    rf"|\b(?:in|since|of|by|until) (?P<year>(?:19|20)\d\d)\b|\b(?:in|since|last|of) (?P<month>{'|'.join(MONTHS)})\b"
    rf"|\b(?P<relative>{'|'.join(before for before, _ in _RELATIVE)})\b"
)
_NAME = re.compile(
    r"(?<=[a-z,;\u2019'] )(?:[A-Z][a-z]+(?: [A-Z][a-z]+){0,2})(?![\w-]|\u2019?[A-Z]|\.? [A-Z]| (?:of|for|&) )"
)
_OPENING = re.compile(r"[A-Z][a-z]+(?: [A-Z][a-z]+){0,2}(?= [a-z])")
_NO_NAMES = frozenset(
    """
    I Mr Mrs Ms Dr President Minister Prime Secretary General Senator Representative Governor Chief The A An In On
    He She It They We But And God Internet Earth North South East West State Court House Director Professor
    Department Office Center Centre Company Corp University School College Institute Association Committee Agency
    Summit Standard Time Facility Queen Jr Sr St Sen Gov Rep Inc Ltd Service Services Group Council Board Bureau
    Party Jan Feb Mar Apr Jun Jul Aug Sept Sep Oct Nov Dec
    """.split()
).union(WEEKDAYS, MONTHS)
_AUXILIARY = re.compile(
    r"\b(is|are|was|were|has|have|had|will|would|can|could|should|might|must|did|does)\b"
    r"(?! (?:not|never|no|only|n't)\b)(?= [a-z])"
)
_DENIED = re.compile(
    r"(?P<not> not\b(?! (?:only|just|least|to mention)\b))|(?P<never> never)|(?P<longer> no longer)"
    r"|(?P<out>\bwithout\b)|(?P<cannot>\bcannot\b)|\b(?:is|was|do|does|did|has|had|have|are|were|would|could|should)(?P<n>n[\u2019']t)\b"
)

Change = Callable[[str, str, random.Random], str | None]


def other_number(sentence: str, passage: str, rng: random.Random) -> str | None:
    """A number replaced by one that the passage does not hold."""
    return _number(sentence, passage, rng, of_passage=False)


def number_of_passage(sentence: str, passage: str, rng: random.Random) -> str | None:
    """A number replaced by another number of the passage."""
    return _number(sentence, passage, rng, of_passage=True)


def _number(sentence: str, passage: str, rng: random.Random, *, of_passage: bool) -> str | None:
    found = [match for pattern in (_FIGURE, _COUNT) for match in pattern.finditer(sentence) if _counts(sentence, match)]
    if not found:
        return None
    match = rng.choice(found)
    said = match[1]
    kind = _FIGURE if said[0].isdigit() else _COUNT
    there = sorted({other[1] for other in kind.finditer(passage) if _counts(passage, other)} - {said})
    if of_passage:
        inside = {other[1] for other in kind.finditer(sentence)}
        options = [other for other in there if other not in inside]
    elif said[0].isdigit():
        options = [value for value in _near(said, rng) if value not in there]
    else:
        options = [word for word in _COUNTS if word != said and word not in there]
    return _put(sentence, match.span(1), rng.choice(options)) if options else None


def _counts(text: str, match: re.Match[str]) -> bool:
    """No year and no day of a month."""
    year = re.fullmatch(r"1[5-9]\d\d|20\d\d", match[1])
    follows = re.match(rf" ?[ap]\.?m\b|(?:st|nd|rd|th)?,? (?:of )?(?:{_MONTH})", text[match.end() :])
    return not (year or follows or _NEAR_MONTH.search(text, max(0, match.start() - 12), match.start()))


def _near(said: str, rng: random.Random) -> list[str]:
    value = float(said.replace(",", ""))
    places = len(said.partition(".")[2])
    changed = [value + 1, value + rng.randint(2, 9), value * 2, value * 10, value + 1 / 10**places]
    if value > 1:
        changed += [value - 1, value / 2]
    shown = [f"{one:,.{places}f}" if "," in said else f"{one:.{places}f}" for one in changed]
    return [one for one in shown if float(one.replace(",", "")) != value]


def date(sentence: str, passage: str, rng: random.Random) -> str | None:
    """A day, weekday, month, year or relative expression replaced by another, be it in the passage or not."""
    found = list(_DATE.finditer(sentence))
    if not found:
        return None
    match = rng.choice(found)
    kind = match.lastgroup or ""
    said = match[kind]
    options = {
        "day": [str(day) for day in range(1, 29)],
        "weekday": WEEKDAYS,
        "month": MONTHS,
        "year": [str(int(said) + step) for step in (-7, -2, -1, 1, 2, 5)] if kind == "year" else [],
        "relative": [after for before, after in _RELATIVE if before == said],
    }[kind]
    return _put(sentence, match.span(kind), rng.choice([option for option in options if option != said]))


def scale(sentence: str, passage: str, rng: random.Random) -> str | None:
    """ "Million" made "billion", "percent" "percentage points", dollars euros, miles kilometres, and the like."""
    return _one_of(_SCALES, sentence, rng)


def opposite(sentence: str, passage: str, rng: random.Random) -> str | None:
    """A word replaced by its opposite: "rose" by "fell"."""
    return _one_of(_OPPOSITES, sentence, rng)


def _one_of(pairs: Sequence[tuple[str, str]], sentence: str, rng: random.Random) -> str | None:
    both = [*pairs, *((after, before) for before, after in pairs)]
    found = [
        (match.span(), instead)
        for said, instead in both
        for match in re.finditer(rf"(?<!\w){re.escape(said)}(?!\w)", sentence)
    ]
    return _put(sentence, *rng.choice(found)) if found else None


def other_name(sentence: str, passage: str, rng: random.Random, names: Sequence[str] = ()) -> str | None:
    """A name replaced by one of ``names``, which come from other articles."""
    found = _names(sentence)
    lowered = passage.lower()
    options = [name for name in names if not any(part.lower() in lowered for part in name.split())]
    if not found or not options:
        return None
    match = rng.choice(found)
    alike = [name for name in options if len(name.split()) == len(match[0].split())] or options
    return _put(sentence, match.span(), rng.choice(alike))


def name_of_passage(sentence: str, passage: str, rng: random.Random) -> str | None:
    """A name replaced by another name of the passage that the sentence lacks."""
    found = _names(sentence)
    options = sorted({other[0] for other in _names(passage) if not any(p in sentence for p in other[0].split())})
    if not found or not options:
        return None
    match = rng.choice(found)
    options = [name for name in options if not _kin(name, match[0])]
    return _put(sentence, match.span(), rng.choice(options)) if options else None


def opening_name(sentence: str, passage: str, rng: random.Random) -> str | None:
    """The name that opens a sentence replaced by another of the passage."""
    match = _OPENING.match(sentence)
    if match is None or _NO_NAMES & set(match[0].split()):
        return None
    known = {word for name in _names(passage) for word in name[0].split()}
    options = sorted(
        {n[0] for n in _names(passage) if not any(p in sentence for p in n[0].split()) and not _kin(n[0], match[0])}
    )
    if not options or not known.issuperset(match[0].split()):
        return None
    return _put(sentence, match.span(), rng.choice(options))


def swapped_names(sentence: str, passage: str, rng: random.Random) -> str | None:
    """Two names of the sentence in each other's place, unless they are merely listed side by side."""
    found = _names(sentence)
    pairs = [
        (one, two)
        for i, one in enumerate(found)
        for two in found[i + 1 :]
        if not _kin(one[0], two[0])
        and re.search(r"[a-z]{3,}", re.sub(r"\b(and|the|or)\b", "", _between(sentence, one, two)))
    ]
    if not pairs:
        return None
    one, two = rng.choice(pairs)
    return f"{sentence[: one.start()]}{two[0]}{_between(sentence, one, two)}{one[0]}{sentence[two.end() :]}"


def _between(sentence: str, one: re.Match[str], two: re.Match[str]) -> str:
    return sentence[one.end() : two.start()]


def _names(text: str) -> list[re.Match[str]]:
    return [match for match in _NAME.finditer(text) if not _NO_NAMES & set(match[0].split())]


def names_in(text: str) -> list[str]:
    """The names of a text, as :func:`other_name` takes them."""
    return [match[0] for match in _names(text)]


def _kin(one: str, two: str) -> bool:
    """Whether two names may be one: "Brazil" and "Brazilian", "Joe Biden" and "Biden"."""
    return any(a[:4].lower() == b[:4].lower() for a in one.split() for b in two.split())


def negation(sentence: str, passage: str, rng: random.Random) -> str | None:
    """A "not" put in, or one taken out where there is one."""
    denied = list(_DENIED.finditer(sentence))
    if denied:
        match = rng.choice(denied)
        return _put(
            sentence, match.span(match.lastgroup or 0), {"out": "with", "cannot": "can"}.get(match.lastgroup or "", "")
        )
    stated = list(_AUXILIARY.finditer(sentence))
    if not stated:
        return None
    end = rng.choice(stated).end()
    return f"{sentence[:end]} not{sentence[end:]}"


_LEADING = re.compile(
    r"(On|In|At|After|Before|When|While|During|Since|Because|Although|Though|If|As|Despite|Following|By|Under|With|For)"
    r" ([^,;:\"\u201c\u201d]{3,80}), ([^;:\"\u201c\u201d]+)\."
)
_TRAILING = re.compile(
    r"([^;:\"\u201c\u201d]+?),? "
    r"((?:after|before|when|while|during|since|because|although|if|despite|following|amid|until)"
    r" [^,;:\"\u201c\u201d]{3,90}|(?:on|in|by|at) [^,;:\"\u201c\u201d ]+(?: [^,;:\"\u201c\u201d ]+){0,4})\."
)
_SAID_AFTER = re.compile(
    r"([\"\u201c][^\"\u201c\u201d]+),([\"\u201d]) ([^,\"\u201c\u201d]{3,60} (?:said|says|added|told [^,\"]{2,30}))\."
)
_LOWERED = frozenset(
    "The A An It He She They We There This That These Those Its His Her Their Our Some Many Most".split()
)


def reordered(sentence: str, passage: str, rng: random.Random) -> str | None:
    """A clause or phrase moved from the end to the front or the other way round, or the speaker put first."""
    if match := _SAID_AFTER.fullmatch(sentence):
        return f"{match[3][0].upper()}{match[3][1:]}: {match[1]}.{match[2]}"
    if match := _LEADING.fullmatch(sentence):
        return f"{match[3][0].upper()}{match[3][1:]} {match[1].lower()} {match[2]}."
    if match := _TRAILING.fullmatch(sentence):
        first, _, rest = match[1].partition(" ")
        begins = first.lower() if first in _LOWERED else first
        return f"{match[2][0].upper()}{match[2][1:]}, {begins} {rest}."
    return None


_TENSES = (
    (r"\bsaid\b", "says"), (r"\bsays\b", "said"), (r"\bis\b", "was"), (r"\bare\b", "were"), (r"\bwill\b", "would"),
    (r"\bhas been\b", "was"), (r"\bhave been\b", "were"), (r"\b(?:has|have) ([a-z]+ed)\b", r"\1"),
    (r"\btold\b", "tells"), (r"\bmakes\b", "made"), (r"\btook\b", "takes"), (r"\bwon\b(?!['\u2019])", "wins"),
    (r"\brose\b", "rises"), (r"\bfell\b", "falls"),
)  # fmt: skip
_ALIKE = (
    (r"\b(did|does|is|was|has|had|would|could|should)n[\u2019']t\b", r"\1 not"), (r"(\d)%", r"\1 percent"),
    (r"\bper cent\b", "%"), (r"\bpercent\b", "per cent"), (r"\$(\d[\d.,]*\d|\d) (million|billion)\b", r"\1 \2 dollars"),
    (r"\bSept\. ", "September "), (r"\bJan\. ", "January "), (r"\bFeb\. ", "February "), (r"\bOct\. ", "October "),
    (r"\bthree\b", "3"), (r"\bfive\b", "5"), (r"(?<=[a-z] )12(?= [a-z])", "twelve"),
    (r"(?<=[a-z] )7(?= [a-z]{3})", "seven"), (r"\bU\.S\.", "US"), (r"\bUnited States\b", "U.S."),
)  # fmt: skip


def reworded(sentence: str, passage: str, rng: random.Random) -> str | None:
    """Another tense, and other spellings of the same: "didn't", "10%", "$5 million", "Sept."."""
    if re.search('["\u201c\u201d]', sentence):
        return None  # what is quoted must stay as it is
    changed = sentence
    for patterns in (_TENSES, _ALIKE):
        for pattern, replacement in patterns:
            told, count = re.subn(pattern, replacement, changed)
            if count and patterns is _TENSES:
                changed = told
                break
            changed = told
    return changed if changed != sentence else None


def _put(text: str, span: tuple[int, int], instead: str) -> str:
    return f"{text[: span[0]]}{instead}{text[span[1] :]}"
