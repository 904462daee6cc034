"""What expressions of time without a year mean in an article: "this Monday", "in December", "la semana pasada".

All are read against the day of publication, and by the tense of their clause where that decides: "will meet on Friday"
is the coming one, "met on Friday" the latest. Where it is not plain, nothing is said: a wrong date is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from qa import article_days as days_of
from qa import article_periods as periods
from qa.article_text import Article, Reader
from qa.calendar import COUNTS, MONTH_NUMBERS, UNITS, WEEKDAY_NUMBERS, WEEKDAYS, any_of, in_words


@dataclass(frozen=True, slots=True)
class Resolved:
    """An expression ``text[start:end]`` and the days it means, both inclusive."""

    start: int
    end: int
    first: date
    last: date

    @property
    def label(self) -> str:
        """The days as short as they can be said: "2023-04-17", "2023-03", "2023-04-10 to 2023-04-16".

        Never digits alone: in brackets those would read as a citation's number.
        """
        return in_words((self.first, self.last))


def resolve_relative(text: str, published: date | None) -> list[Resolved]:
    """The expressions of time without a year in an article of that day, in order, not overlapping; [] when undated.

    Weeks run from Monday to Sunday. "This" weekday is the one of the week of publication, "last" the one before the
    day of publication, "next" the one of the week after; a weekday, a day or a month alone is the latest or the coming
    one, as the clause's tense has it. Days named in direct speech are left alone, since they count from the day it was
    spoken; so are those that count from another one ("the previous day"), and dates with a year.
    """
    if published is None:
        return []
    article = Article(text, published)
    found = []
    for match in _expressions(article.folded):
        kind = match.lastgroup or ""
        if kind in _OF_ONE_DAY and article.spoken(match.start()):
            continue
        try:
            days = _READERS[kind](article, match)
        except OverflowError:
            continue
        if days:
            found.append(Resolved(*match.span(), *days))
    return found


def _expressions(folded: str) -> Iterator[re.Match[str]]:
    """What ``_EXPRESSION`` finds; tried only where it can begin, which takes a third of the time."""
    position = 0
    for word in _WORD.finditer(folded):
        if word.start() >= position and (word[0] in _FIRST_WORDS or word[0][0].isdecimal()):
            match = _EXPRESSION.match(folded, word.start())
            if match:
                position = match.end()
                yield match


def annotate(text: str, published: date | None) -> str:
    """``text`` with what its expressions of time mean behind them: "this Monday [2023-04-17]"."""
    pieces: list[str] = []
    position = 0
    for one in resolve_relative(text, published):
        pieces += [text[position : one.end], f" [{one.label}]"]
        position = one.end
    return "".join([*pieces, text[position:]])


_WEEKDAY = any_of(WEEKDAYS)
_DIA = any_of(word for word in WEEKDAY_NUMBERS if word not in WEEKDAYS)
_MONTH = any_of(MONTH_NUMBERS)
_LONG_MONTH = any_of(word for word in MONTH_NUMBERS if len(word) > 4 or word in ("may", "june", "july", "sept"))
_COUNT = rf"\d{{1,2}}|{any_of(word for word in COUNTS if word not in ('couple', 'few', 'several'))}"
_DAY = r"(?:[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?"
_SPAN = any_of(word for word, unit in UNITS.items() if unit in ("day", "week", "month", "year"))
_PERIOD = "week|month|year"
_NO_YEAR = r"(?!,?\ (?:of\ )?\d{4}|,?\ del?\ |,?\ do\ |\d|[-/:.]\d|\ ?-|\ (?:and|to|or|through|until|&|y|e|al?)\ \d)"
_EXPRESSION = re.compile(
    rf"""(?<![\w-])(?:
      (?P<before_yesterday>the\ day\ before\ yesterday|anteayer|anteontem)
    | (?P<yesterday>(?:yesterday|last\ night)(?:'s)?|ayer|anoche|ontem)
    | (?P<tomorrow>tomorrow(?:'s)?|amanha)
    | (?P<today>(?:earlier\ |later\ )?today|(?:tonight|this\ (?:morning|afternoon|evening))(?:'s)?|hoy|hoje)
    | (?P<date>(?:(?P<date_weekday>{_WEEKDAY}),?\ )?
        (?:(?P<month>{_MONTH})\.?\ (?P<day>{_DAY})|(?P<day2>{_DAY})\ (?:of\ |de\ )?(?P<month2>{_MONTH})){_NO_YEAR})
    | (?P<relative_weekday>(?P<which>this|last|next)\ (?P<weekday>{_WEEKDAY}))
    | (?P<bare_weekday>(?:on\ )?(?:(?:late|early)\ )?(?P<w>{_WEEKDAY})
        (?:\ (?:late\ |early\ )?(?:morning|afternoon|evening|night)(?!s)|'s)?(?!,?\ {_MONTH}\.?\ \d))
    | (?P<part_of_month>at\ the\ (?P<part>beginning|start|middle|end)\ of
        \ (?:(?:the|this)\ month|(?P<named>{_MONTH}))(?!,?\ \d{{4}}))
    | (?P<day_of_month>the\ (?P<number>\d\d?)(?:st|nd|rd|th)\ of\ (?P<of_month>this|last)\ month)
    | (?P<period>(?:(?P<side>earlier|later)\ )?(?P<whose>this|last|next|coming)\ (?P<period_unit>{_PERIOD})(?!'s|end))
    | (?P<weekend>(?P<which_weekend>this|last|over\ the)\ weekend(?!'s))
    | (?P<ago>(?P<count>{_COUNT})\ (?P<unit>day|week|month|year)s?\ ago
        |hace\ (?P<cuantos>{_COUNT})\ (?P<unidad>{_SPAN})|ha\ (?P<quantos>{_COUNT})\ (?P<unidade>{_SPAN})(?!\ de\ ))
    | (?P<rolling>(?:the|over|in|for|during|within)\ (?:the\ )?past\ (?P<many>{_COUNT})\ (?P<units>days|weeks|months))
    | (?P<since_start>since\ the\ (?:start|beginning)\ of\ the\ (?P<since_unit>{_PERIOD})(?!\ (?:after|before|of)))
    | (?P<bare_month>(?:in|en|em|(?P<since>since|desde))\ (?:(?P<third>early|mid|late)[ -])?(?P<m>{_LONG_MONTH})
        (?:,?\ (?:of\ )?(?P<year>last|this)\ year|(?!\.?,?\ (?:of\ )?\d|\ del?\ |\ do\ |-)))
    | (?P<relative_month>(?P<which_m>last|this)\ (?P<relative_m>{_LONG_MONTH})(?!\.?,?\ \d|'))
    | (?P<romance_weekday>(?P<cual>n?est[ea]|na|no|el|(?:el|na|no)\ (?:pas+ad[oa]|proxim[oa]|ultim[oa]))
        \ (?P<dia>{_DIA})(?:\ (?P<cual_es>pas+ad[oa]|proxim[oa]))?(?:\ \((?P<dia_del_mes>\d\d?)\))?)
    | (?P<romance_period>(?:la\ |el\ |a\ |o\ |na\ |no\ )?(?:(?:semana|mes|ano)\ (?:pas+ad[oa]|que\ vem|que\ viene)
        |(?:proxim|pasad)[oa]\ (?:semana|mes|ano)|(?:[dn]?est[ea])\ (?:semana|mes|ano)))
    )(?!\w)""",
    re.VERBOSE,
)
_WORD = re.compile(r"\w+")
_FIRST_WORDS = frozenset(
    """
    the yesterday last ayer anteayer anoche ontem anteontem tomorrow amanha earlier later today tonight this hoy hoje on
    late early at next coming over hace ha in for during within since en em desde este esta neste nesta deste desta na
    no el la a o proximo proxima pasado pasada passado passada semana mes ano segunda terca quarta quinta sexta
    """.split()
) | {*WEEKDAY_NUMBERS, *MONTH_NUMBERS, *COUNTS}
_OF_ONE_DAY = frozenset(
    "before_yesterday yesterday tomorrow today relative_weekday bare_weekday romance_weekday weekend".split()
)
_READERS: dict[str, Reader] = {
    "before_yesterday": days_of.day_away(-2),
    "yesterday": days_of.day_away(-1),
    "tomorrow": days_of.tomorrow,
    "today": days_of.today,
    "date": periods.date_without_year,
    "relative_weekday": days_of.relative_weekday,
    "bare_weekday": days_of.bare_weekday,
    "part_of_month": periods.part_of_month,
    "day_of_month": periods.day_of_month,
    "period": periods.period,
    "weekend": days_of.weekend,
    "ago": periods.ago,
    "rolling": periods.rolling,
    "since_start": periods.since_start,
    "bare_month": periods.bare_month,
    "relative_month": periods.relative_month,
    "romance_weekday": days_of.romance_weekday,
    "romance_period": periods.romance_period,
}
