"""Pure: the numbers a text says, with their units, and whether two of them agree."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from qa.numerals import Numeral, numeral
from qa.wording import Token, Told

_UNITS = """
    = %: % pct pc
    = $: $ dollar dollars usd
    = euro: € euro euros eur
    = pound: £ pounds sterling gbp
    = yen: ¥ yen jpy
    = yuan: yuan renminbi
    = rupee: ₹ rupee rupees
    = rouble: rouble roubles ruble rubles
    = m: km 1000 kilometre 1000 kilometres 1000 kilometer 1000 kilometers 1000 metre 1 metres 1 meter 1 meters 1
         cm 0.01 centimetre 0.01 centimetres 0.01 centimeter 0.01 centimeters 0.01
         mm 0.001 millimetres 0.001 millimeters 0.001
    = mile: mile miles
    = foot: foot feet ft
    = inch: inch inches
    = acre: acre acres
    = hectare: hectare hectares ha
    = g: kg 1000 kilo 1000 kilos 1000 kilogram 1000 kilograms 1000 gram 1 grams 1 tonne 1000000 tonnes 1000000
    = ton: ton tons
    = lb: lb lbs
    = ounce: ounce ounces oz
    = litre: litre litres liter liters
    = gallon: gallon gallons
    = barrel: barrel barrels
    = mph: mph
    = s: second 1 seconds 1 minute 60 minutes 60 min 60 hour 3600 hours 3600 hr 3600 hrs 3600 day 86400 days 86400
         week 604800 weeks 604800 fortnight 1209600
    = month: month 1 months 1 year 12 years 12 yr 12 yrs 12 decade 120 decades 120 century 1200 centuries 1200
    = degree: ° degree degrees celsius fahrenheit
    = w: kilowatt 1000 kilowatts 1000 megawatt 1000000 megawatts 1000000 mw 1000000 gigawatt 1000000000
         gigawatts 1000000000 gw 1000000000
    """


def _units() -> dict[str, tuple[str, float]]:
    found: dict[str, tuple[str, float]] = {}
    for line in _UNITS.split("=")[1:]:
        unit, _, words = line.partition(":")
        for word, after in pairwise([*words.split(), ""]):
            if not word[0].isdigit():
                found[word] = (unit.strip(), float(after) if after[:1].isdigit() else 1.0)
    return found


UNITS = _units()
"""Each word for a unit, its kind, and how many of the kind's base it is."""

_SIGNS = {"$": "$", "€": "euro", "£": "pound", "¥": "yen", "₹": "rupee", "usd": "$", "eur": "euro", "gbp": "pound"}
_BOUNDS = {
    bound: kind
    for kind, bounds in {
        "over": "over above exceeding exceeded topped surpassed more_than greater_than at_least upwards_of just_over",
        "under": "under below nearly almost less_than fewer_than up_to at_most close_to just_under as_many",
        "about": "about around roughly approximately circa an_estimated",
    }.items()
    for bound in bounds.replace("_", "\0").split()
}
_FILLERS = frozenset("a another some many much $".split())
_ROUNDING = {"over": (1.0, 1.25), "under": (0.9, 1.0), "about": (0.95, 1.05)}
"""What a figure that is said to be approximate may stand for, as shares of it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number said by the tokens ``first`` to ``last`` (one past it), its unit included.

    ``value`` is in the unit's base ("2 km" is 2000 "m"), ``highest`` the other end of "dozens" and the like. ``unit``
    is "" for a plain count, which ``counts`` when a word for what is counted stands right behind ("30 people").
    ``bound`` is "over", "under", "about" or "". ``beside`` is, of a result such as "3-1", the side on which the other
    number stands (-1 or 1) and its value. ``scale`` and ``soft`` are as in :class:`~qa.numerals.Numeral`.
    """

    first: int
    last: int
    value: float
    unit: str = ""
    bound: str = ""
    ordinal: bool = False
    counts: bool = False
    highest: float | None = None
    scale: float = 1.0
    soft: bool = False
    beside: tuple[int, float] | None = None


def figures(told: Told, taken: Collection[int] = ()) -> list[Figure]:
    """The numbers of a text in order; those of the tokens ``taken`` (by dates) are left out."""
    tokens = told.tokens
    found: list[Figure] = []
    i = 0
    while i < len(tokens):
        read = None if i in taken else numeral(tokens, i)
        if read is None:
            i += 1
        else:
            found.append(_figure(tokens, i, read))
            i = found[-1].last
    return _with_shared_units(told, found)


def agree(said: Figure, source: Figure) -> bool:
    """Whether a source's figure bears out one that is said.

    What is said may be rounded only where it says so and the source does not round itself, and only its way: "more
    than 3,000" for 3,100, "nearly 1.3 million" for 1,250,000, not the other way round.
    """
    if said.ordinal != source.ordinal or not comparable(said, source):
        return False
    if said.highest is not None or source.highest is not None:
        return _vaguely(said, source)
    if {said.bound, source.bound} == {"over", "under"}:
        return False
    if said.beside and source.beside and said.beside != source.beside:
        return False
    if _same(said.value, source.value):
        return source.bound != "" or said.bound in ("", "about")
    if said.bound and not source.bound:
        low, high = _ROUNDING[said.bound]
        return low * said.value <= source.value <= high * said.value
    return False


def comparable(one: Figure, other: Figure) -> bool:
    """Whether two figures measure one kind of thing; a bare number may be of any."""
    if one.unit == other.unit:
        return True
    bare, measured = (one, other) if not one.unit else (other, one)
    return not (bare.unit or bare.counts or bare.ordinal or measured.ordinal)


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-6 * max(abs(one), abs(other), 1e-9)


def _vaguely(said: Figure, source: Figure) -> bool:
    if said.highest is None or said.unit != source.unit:
        return False
    if source.highest is not None:
        return _same(said.value, source.value)
    return said.value <= source.value < said.highest


def _figure(tokens: Sequence[Token], first: int, read: Numeral) -> Figure:
    """A number with its unit, bound and what it counts read from the tokens beside it."""
    unit, factor, last = read.unit, 1.0, read.last
    if not unit and not read.ordinal:
        # "Hundreds of dollars", but "20 of hours" is none.
        skip = (
            read.highest is not None
            and last + 1 < len(tokens)
            and tokens[last].word == "of"
            and tokens[last + 1].word in UNITS
        )
        unit, factor, first, last = _unit(tokens, first, last + skip)
    behind = tokens[last] if last < len(tokens) else None
    counts = behind is not None and not behind.apart and behind.says_something and behind.word[0].isalpha()
    return Figure(
        first,
        last,
        read.value * factor,
        unit,
        _bound(tokens, first),
        read.ordinal,
        counts,
        None if read.highest is None else read.highest * factor,
        read.scale,
        read.soft,
    )


def _unit(tokens: Sequence[Token], first: int, last: int) -> tuple[str, float, int, int]:
    """The unit of the number at ``first`` to ``last``, its factor, and where both together begin and end."""
    if first and not tokens[first].apart and tokens[first - 1].word in _SIGNS:
        unit = _SIGNS[tokens[first - 1].word]
        again = last < len(tokens) and tokens[last].word.isalpha() and UNITS.get(tokens[last].word, ("",))[0] == unit
        return unit, 1.0, first - 1, last + again
    words = [token.word for token in tokens[last : last + 3]]
    if not words or tokens[last].apart:
        return "", 1.0, first, last
    if words[:2] == ["per", "cent"]:
        words[:2] = ["%"]
        last += 1
    if words[0] in ("%", "percent", "percentage"):
        if words[1:2] in (["point"], ["points"]):
            return "point", 1.0, first, last + 2
        return "%", 1.0, first, last + 1
    power = {"square": 2, "cubic": 3}.get(words[0], 1)
    if power > 1:
        words.pop(0)
    elif words[:2] == ["u.s", "dollars"]:
        return "$", 1.0, first, last + 2
    if not words or words[0] not in UNITS:
        return "", 1.0, first, last
    unit, factor = UNITS[words[0]]
    return unit if power == 1 else f"{unit}{power}", factor**power, first, last + (1 if power == 1 else 2)


def _bound(tokens: Sequence[Token], first: int) -> str:
    words = [token.word for token in tokens[max(0, first - 4) : first]]
    while words and words[-1] in _FILLERS and words[-2:] != ["as", "many"]:
        words.pop()
    for length in (2, 1):
        found = _BOUNDS.get("\0".join(words[-length:])) if len(words) >= length else None
        if found:
            # "No more than" and "not over" turn it round.
            denied = words[:-length][-1:] in (["no"], ["not"])
            return {"over": "under", "under": "over"}.get(found, found) if denied else found
    return ""


def _with_shared_units(told: Told, found: Sequence[Figure]) -> list[Figure]:
    """A unit or scale said once holds for both ends of a range: "from 10 to 15%", "2-3 million"."""
    done: list[Figure] = []
    for figure in reversed(found):
        behind = done[-1] if done else None
        if behind is not None and _is_score(told, figure, behind):
            done[-1] = replace(behind, beside=(-1, figure.value))
            figure = replace(figure, beside=(1, behind.value))
        elif (
            behind is not None
            and not (figure.unit or figure.counts or figure.ordinal)
            and _is_range(told, figure, behind)
        ):
            scale = behind.scale if figure.scale == 1 and figure.value < 1000 else 1.0
            figure = replace(figure, value=figure.value * scale, unit=behind.unit, counts=behind.counts, scale=scale)
        done.append(figure)
    return done[::-1]


def _is_score(told: Told, one: Figure, other: Figure) -> bool:
    """Whether two numbers are a result such as "3-1"; "2-3 million" is none."""
    tokens = told.tokens
    gap = told.text[tokens[one.last - 1].end : tokens[other.first].start]
    return gap in ("-", "\u2013") and not (one.unit or other.unit or other.scale > 1 or one.ordinal or other.ordinal)


def _is_range(told: Told, one: Figure, other: Figure) -> bool:
    tokens = told.tokens
    between = tokens[one.last : other.first]
    if not between:
        return told.text[tokens[one.last - 1].end : tokens[other.first].start].strip() in ("-", "\u2013", "\u2014")
    if len(between) > 1 or between[0].apart or tokens[other.first].apart:
        return False
    before = tokens[one.first - 1].word if one.first else ""
    return between[0].word in ("to", "or") or (between[0].word == "and" and before == "between")
