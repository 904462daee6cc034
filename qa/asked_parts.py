"""Parts of a stretch of time in a question: "early March", "the first week of April", "the second half of 2022"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from qa.calendar import (
    COUNTS,
    ORDINALS,
    UNITS,
    Days,
    any_of,
    in_halves,
    in_thirds,
    latest_weekday,
    shifted,
    unit_of,
    week,
)

_THIRDS = [
    "early|start|beginning|principios|comienzos|inicios|inicio|comeco|debut|anfang",
    "mid|middle|mediados|meados|mi|mitte",
    "late|end|finales|fines|fin|final|finais|fim|ende",
]
_PART = re.compile(
    rf"""(?<!\w)(?:the\ )?(?:
      (?P<third>{"|".join(_THIRDS)})
    | (?P<half>first|second)\ half
    | (?P<nth>{any_of([*ORDINALS, "last", "final", "primera", "ultima", "primeira"])}|\d(?:st|nd|rd|th))
      \ (?:(?P<count>\d{{1,2}}|{any_of(COUNTS)})\ )?(?P<unit>days?|weeks?|months?|weekend|semana)
    | (?<!\ba\ )(?P<whole>week|weekend|semana)(?:\ beginning|\ starting)?(?=\ (?:of|de|do)\ )
    )(?:\ (?:of|in|de|del|do|da)\ |\ |-)(?:the\ (?!week|month|quarter|year|decade|century)|el\ |o\ )?\Z""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class PartOf:
    """Words of ``length`` code points in front of a stretch of time that cut a part out of it."""

    match: re.Match[str]

    @property
    def length(self) -> int:
        """How many code points the words take."""
        return len(self.match[0])

    @property
    def edge(self) -> int | None:
        """0 when the words are "the start of", 1 when "the end of": before or after those, one day counts."""
        third = self.match["third"]
        if third in ("start", "beginning", "principios", "inicio", "inicios", "comienzos", "comeco"):
            return 0
        return 1 if third in ("end", "finales", "fines", "final", "fim") else None

    def of(self, days: Days) -> Days | None:
        """The part of ``days``; None where there is none ("the sixth week of March")."""
        match = self.match
        if match["third"]:
            third = match["third"]
            return in_thirds(days, next(n for n, words in enumerate(_THIRDS) if third in words.split("|")))
        if match["half"]:
            return in_halves(days, ["first", "second"].index(match["half"]))
        if match["whole"]:
            if days[0] != days[1]:
                return None
            return unit_of(days[0], "weekend") if match["whole"] == "weekend" else week(days[0])
        return _nth(
            days,
            match["nth"],
            int(count) if (count := match["count"] or "1").isdigit() else COUNTS[count],
            match["unit"],
        )


def part_before(text: str) -> PartOf | None:
    """The words at the end of ``text`` that cut a part out of what follows; None when there are none."""
    match = _PART.search(text)
    return PartOf(match) if match else None


def _nth(days: Days, nth: str, count: int, word: str) -> Days | None:
    first, last = days
    unit = UNITS[word]
    if unit == "weekend":
        saturday = latest_weekday(5, last) if nth in ("last", "final") else latest_weekday(5, first + timedelta(days=6))
        saturday += timedelta(weeks=0 if nth in ("last", "final") else _number(nth) - 1)
        return (saturday, saturday + timedelta(days=1)) if first <= saturday <= last else None
    if nth in ("last", "final", "ultima"):
        start, end = shifted(last + timedelta(days=1), -count, unit), last
    else:
        start = shifted(first, (_number(nth) - 1) * count, unit)
        end = shifted(first, _number(nth) * count, unit) - timedelta(days=1)
    if not first <= start <= last:
        return None
    return start, min(end, last)


def _number(word: str) -> int:
    if word in ("primera", "primeira"):
        return 1
    return ORDINALS[word] if word in ORDINALS else int(word[0])
