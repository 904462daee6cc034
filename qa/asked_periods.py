"""The stretches of time that a question names, one by one: "last week", "13 April", "Q3", "the 1990s", "em março".

Rules are regular expressions over the folded question. Each comes with the function that turns a match into days
(``qa.asked_readers``) and, where the words alone do not tell, the one that looks at what stands around them
(``qa.asked_context``). Every repetition in them is bounded, so that a question of any length costs in proportion to its
length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from qa import asked_context as around
from qa import asked_readers as readers
from qa.asked_context import MONTH, YEAR
from qa.asked_parts import PartOf, part_before
from qa.asked_readers import Match, Reader
from qa.asked_text import Asked
from qa.calendar import COUNTS, ORDINALS, UNITS, WEEKDAY_NUMBERS, Days, any_of


@dataclass(frozen=True, slots=True)
class Period:
    """Words for a stretch of time, ``folded[start:end]`` of a question, and how to read them.

    ``floating`` words name no year and do not count from the as-of date: they mean the latest that had begun by then.
    """

    start: int
    end: int
    match: Match
    reader: Reader
    floating: bool
    part: PartOf | None = None

    @property
    def of_week(self) -> bool:
        """Whether these are words for a weekday."""
        return bool(self.match.groupdict().get("w"))

    def days(self, as_of: date) -> Days | None:
        """What is meant on that day, not cut off there; None where the calendar has no such days."""
        try:
            days = self.reader(self.match, as_of)
            return self.part.of(days) if days and self.part else days
        except OverflowError:
            return None


def periods(asked: Asked) -> list[Period]:
    """The stretches of time that ``asked`` names, in order; of overlapping ones the first, and of those the longest."""
    found = sorted(_candidates(asked), key=lambda period: (period.start, -period.end))
    kept: list[Period] = []
    for period in found:
        if not kept or period.start >= kept[-1].end:
            kept.append(period)
    return [_with_part(asked, period) for period in kept]


def _candidates(asked: Asked) -> Iterator[Period]:
    for rule in _RULES:
        for match in rule.pattern.finditer(asked.folded):
            if asked.quoted(*match.span()) or (rule.is_meant and not rule.is_meant(asked, match)):
                continue
            groups = match.groupdict()
            floating = rule.floating and not (groups.get("y") or groups.get("relative"))
            yield Period(match.start(), match.end(), match, rule.reader, floating)


def _with_part(asked: Asked, period: Period) -> Period:
    part = part_before(asked.before(period.start))
    return replace(period, start=period.start - part.length, part=part) if part else period


# -- rules ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    reader: Reader
    is_meant: Callable[[Asked, Match], bool] | None = None
    floating: bool = False


def _rule(
    pattern: str,
    reader: Reader,
    is_meant: Callable[[Asked, Match], bool] | None = None,
    *,
    floating: bool = False,
) -> _Rule:
    return _Rule(re.compile(rf"(?<!\w)(?:{pattern})(?!\w)"), reader, is_meant, floating)


_W = rf"(?P<w>{any_of(WEEKDAY_NUMBERS)})"
_M = rf"(?P<m>{MONTH}\.?)"
_U = rf"(?P<u>{any_of(UNITS)})"
_N = rf"(?P<n>\d{{1,3}}|(?:a )?(?:couple|few)(?: of)?|{any_of(COUNTS)})"
_D = r"(?:0?[1-9]|[12]\d|3[01])"
_DTH = rf"{_D}(?:st|nd|rd|th|er|º|o)?"
_Y = rf"(?P<y>{YEAR})"
_ORDINAL = any_of(ORDINALS)
_ON_WEEKDAY = rf"(?:(?P<weekday>{any_of(WEEKDAY_NUMBERS)}),? )?"
_DAYTIME = r"(?: (?:early |late )?(?:morning|afternoon|evening|night))"
_THE = r"(?:la |el |las |los |a |o |as |os |na |no |nas |nos )?"
_TO = r"(?:(?: |)-(?: |)| (?:to|and|through|until|till|al?|e|y|ate|bis|au) (?:the |el |o |le )?)"
_OF_YEAR = (
    rf"(?:,?(?: of| de| del| do| in)? {_Y}(?!\w|-\d|[.,:]\d)"
    r"|,?(?: of| in| del?| do)? (?P<relative>(?:last|this) year|este ano|ano pas+ado))"
)
_NTH_QUARTER = "first|second|third|fourth|[1-4](?:st|nd|rd|th|o)|primer|segundo|tercer|cuarto|primeiro|terceiro|quarto"
_PASSED = "pas+ad[oa]"

_DATES = (
    _rule(rf"(?<![./-]){_Y}(?P<sep>[/-])(?P<month>0?[1-9]|1[0-2])(?P=sep)(?P<d>{_D})(?![/-])", readers.iso),
    _rule(rf"(?<![/-]){_Y}-(?P<month>0[1-9]|1[0-2])(?!-)", readers.iso_month, around.year_is_meant),
    _rule(
        rf"(?<![./-])(?P<first>\d\d?)(?P<sep>[/.-])(?P<second>\d\d?)(?P=sep){_Y}(?![/-])",
        readers.slashed, around.not_a_version,
    ),
    _rule(
        rf"{_ON_WEEKDAY}(?:the |el |dia |le |il |den )?(?P<d>{_DTH}\.?|{_ORDINAL})"
        rf"(?:(?:, {_DTH}){{0,5}}{_TO}(?P<d2>{_DTH}))? (?:of |de |del |di )?{_M}{_OF_YEAR}?",
        readers.day_and_month, around.date_is_meant, floating=True,
    ),
    _rule(
        rf"{_ON_WEEKDAY}{_M} (?:the )?(?P<d>{_DTH})(?![.,:]\d|%)(?:{_TO}(?P<d2>{_DTH})(?![.,:]?\d|%))?{_OF_YEAR}?",
        readers.day_and_month, around.date_is_meant, floating=True,
    ),
    _rule(
        rf"the (?P<d>\d\d?(?:st|nd|rd|th)|{_ORDINAL})(?: of (?P<month>this|last|the) month)?",
        readers.day_of_month, around.day_of_month_is_meant, floating=True,
    ),
    _rule(rf"(?P<name>{any_of(readers.HOLIDAYS)}){_OF_YEAR}?", readers.holiday, around.after_time_word, floating=True),
)  # fmt: skip
_DAYS = (
    _rule("(?:the )?day before yesterday|anteayer|antier|anteontem|vorgestern", readers.days_away(-2)),
    _rule(f"yesterday{_DAYTIME}?|last night|ayer|anoche|ontem|gestern|ieri", readers.days_away(-1)),
    _rule("today|hoy|hoje|heute|oggi|aujourd'hui", readers.days_away(0), around.today_is_meant),
    _rule("tonight|this (?:morning|afternoon|evening)|esta (?:manana|tarde|noche)", readers.days_away(0)),
    _rule("(?:the )?day after tomorrow|tomorrow|manana|amanha|morgen|domani", readers.days_away(1)),
    _rule(
        rf"(?P<which>last|next|this coming|coming|this past|past|previous|this) {_W}{_DAYTIME}?",
        readers.relative_weekday,
    ),
    _rule(rf"{_THE}{_W} (?P<which>{_PASSED}|proxim[oa])", readers.relative_weekday),
    _rule(rf"{_THE}(?P<which>{_PASSED}|proxim[oa]|ultim[oa]) {_W}", readers.relative_weekday),
    _rule(rf"{_W}{_DAYTIME}?,?(?: of| in)? (?P<which>last|this|next) week", readers.weekday_of_week),
    _rule(rf"the {_W} before last", readers.weekday_before_last),
    _rule(rf"{_W}(?P<more>'s|{_DAYTIME})?", readers.weekday_alone, around.weekday_is_meant, floating=True),
    _rule(
        "(?P<which>last|next|this past|past|this coming|this|the|over the) weekend",
        readers.weekend, around.weekend_is_meant, floating=True,
    ),
    _rule("(?:el |este |no |neste |o )(?P<which>)fi[nm] de semana", readers.weekend, floating=True),
)  # fmt: skip
_MONTHS = (
    _rule(rf"{_M}{_OF_YEAR}", readers.month_alone, around.month_of_year_is_meant),
    _rule(
        rf"(?P<which>last|next|this past|past|this coming|coming|this) {_M}",
        readers.relative_month, around.relative_month_is_meant,
    ),
    _rule(_M, readers.month_alone, around.month_is_meant, floating=True),
    _rule(rf"(?:the )?q(?P<nth>[1-4]){_OF_YEAR}?", readers.quarter_of_year, floating=True),
    _rule(rf"{_Y}(?: |-|)q(?P<nth>[1-4])", readers.quarter_of_year),
    _rule(rf"(?:the )?(?P<nth>last|final) quarter(?: of)? {_Y}", readers.quarter_of_year),
    _rule(
        rf"(?:the )?(?P<nth>{_NTH_QUARTER})(?: |-)(?:quarter|trimestre){_OF_YEAR}?",
        readers.quarter_of_year, around.not_of_sport, floating=True,
    ),
    _rule(rf"h(?P<nth>[12])(?: of)? {_Y}", readers.half_of_year),
    _rule(rf"(?P<nth>primer|segundo|primeiro) semestre (?:de |del |do )?{_Y}", readers.half_of_year),
)  # fmt: skip
_COUNTED = (
    _rule(
        "(?P<which>(?:the )?(?:last|past|previous|next|coming)|this past|(?:this|the) coming|the current|this) "
        rf"{_U}(?! of (?!the ))",
        readers.relative_unit, around.one_unit_is_meant,
    ),
    _rule(rf"{_THE}{_U} (?P<which>{_PASSED}|anterior|proxim[oa]|que vem|que viene)", readers.relative_unit),
    _rule(rf"{_THE}(?P<which>{_PASSED}|ultim[oa]|proxim[oa]|[dn]?est[ea]) {_U}", readers.relative_unit),
    _rule("(?:the )?(?P<u>week|weekend|month|quarter|year) before last", readers.before_last),
    _rule(
        "(?:(?:the|these|over|in|during|for|within) (?:the |these )?last|(?:the |these )?(?:past|previous|preceding)) "
        rf"{_N} {_U}",
        readers.rolling_units,
    ),
    _rule(rf"{_THE}(?:ultim|pasad|passad)[oa]s {_N} {_U}", readers.rolling_units),
    _rule(rf"{_N} {_U} ago(?P<today> today)?", readers.ago, around.one_time_is_meant),
    _rule(rf"(?:hace|ha) {_N} {_U}(?! de )(?: atras)?", readers.ago),
    _rule(rf"{_N} {_U} atras", readers.ago),
    _rule(rf"(?:the )?{_U}(?: |-)to(?: |-)date|ytd", readers.to_date),
    _rule(rf"(?:earlier|so far) this {_U}", readers.to_date),
    _rule(rf"later this {_U}|in the (?:next|coming) (?:{_N} )?{any_of(UNITS)}", readers.later),
    _rule(rf"the {_U}", readers.to_date, around.unit_is_meant),
    _rule(
        rf"(?:the )?(?:same (?:{_U}|period|time)|this time)(?: of)? "
        "(?:last year|a year (?:ago|earlier)|the previous year)",
        readers.same_unit_last_year,
    ),
)  # fmt: skip
_YEARS = (
    _rule(rf"(?:(?:the )?year )?{_Y}(?:'s)?", readers.year_alone, around.year_is_meant),
    _rule(rf"{_Y}[-/](?P<until>{YEAR}|\d\d)(?![-/]|[.,:]\d)", readers.year_span, around.year_is_meant),
    # Seasons fall in other months in the other half of the world, and a winter in two years: the year alone is sure.
    _rule(rf"(?:the )?(?:spring|summer|autumn|fall)(?: of|,)? {_Y}", readers.year_alone),
    _rule(rf"(?:verano|otono|primavera|verao|outono)(?: de)? {_Y}", readers.year_alone),
    _rule(rf"(?:winter|invierno|inverno)(?: of| de)? {_Y}", readers.nothing),
    _rule(
        rf"(?:the )?(?P<apostrophe>')?(?:(?P<century>1\d|20)?(?P<tens>\d)0'?s|(?P<word>{any_of(readers.TENS)}))",
        readers.decade, around.decade_is_meant,
    ),
    _rule(r"(?:(?:los )?anos|decada de) (?P<century>1\d|20)?(?P<tens>\d)0(?P<word>)", readers.decade),
    _rule(rf"(?:the )?(?P<n>\d\d?(?:st|nd|rd|th)|{_ORDINAL}) century(?P<roman>)", readers.century),
    _rule(r"siglo (?P<roman>xviii|xix|xxi|xx)", readers.century),
)  # fmt: skip
_RULES = (*_DATES, *_DAYS, *_MONTHS, *_COUNTED, *_YEARS)
