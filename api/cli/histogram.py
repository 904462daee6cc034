"""Pure: how many articles there are of each month, drawn with characters."""

from __future__ import annotations

from collections.abc import Mapping

_WIDTH = 40
_MOST_BARS = 36
_EIGHTHS = " ▏▎▍▌▋▊▉"


def histogram(by_month: Mapping[str, int]) -> list[str]:
    """A line for each month ("YYYY-MM") from the first to the last, those without articles too; [] for none.

    Of more than 36 months a line for each year.
    """
    if not by_month:
        return []
    counts = {month: by_month.get(month, 0) for month in _months(min(by_month), max(by_month))}
    if len(counts) > _MOST_BARS:
        years: dict[str, int] = {}
        for month, count in counts.items():
            years[month[:4]] = years.get(month[:4], 0) + count
        counts = years
    most = max(counts.values())
    digits = len(str(most))
    return [f"{name} {count:>{digits}} {_bar(count / most)}".rstrip() for name, count in counts.items()]


def _months(first: str, last: str) -> list[str]:
    begin, end = (int(month[:4]) * 12 + int(month[5:7]) - 1 for month in (first, last))
    return [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(begin, end + 1)]


def _bar(share: float) -> str:
    eighths = max(1, round(share * _WIDTH * 8)) if share else 0
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
