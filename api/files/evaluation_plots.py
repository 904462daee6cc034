"""Pure: what of an evaluation is plotted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from api.files.evaluation_view import latencies
from api.files.plots import Axis, Bar, Series, axis_to, bar_plot, line_plot, share_axis
from qa.evaluation.items import Asked, Item
from qa.evaluation.rows import ARTICLES, Figures
from qa.evaluation.summary import column, coverage, hits_by_rank

if TYPE_CHECKING:
    from api.files.evaluation_page import Evaluated

_AGES = ((1, "0 to 1"), (7, "2 to 7"), (30, "8 to 30"), (365, "31 to 365"))
_OLDER = "older"


def plots(result: Evaluated) -> list[tuple[str, str]]:
    """Title and SVG of each plot for which there is something to plot."""
    drawn = (
        ("Share of questions with a hit among the first k", _hits(result)),
        (f"Hit among the first {result.depth}, by age of the newest gold article", _ages(result)),
        ("Accuracy of the surest questions (risk-coverage)", _coverage(result.rows)),
        ("Latency", _latency(result.rows)),
    )
    return [(title, svg) for title, found in drawn for svg in found]


def _hits(result: Evaluated) -> Iterator[str]:
    lines = []
    for name, prefix in (("answer passages", ""), ("gold articles", ARTICLES)):
        shares = hits_by_rank(result.rows, prefix, result.depth)
        if shares:
            lines.append(Series(name, list(enumerate(shares, start=1))))
    if lines:
        below = Axis("k", 1, result.depth, sorted({1, *range(5, result.depth + 1, 5), result.depth}))
        yield line_plot("hit@k by k", below, share_axis("hit@k"), lines)


def _ages(result: Evaluated) -> Iterator[str]:
    groups: dict[str, list[float]] = {}
    for item, asked, row in zip(result.items, result.asked, result.rows, strict=True):
        age, hit = age_of(item, asked, result.as_of), row[f"hit@{result.depth}"]
        if age is not None and hit is not None:
            name = next((name for most, name in _AGES if age <= most), _OLDER)
            groups.setdefault(name, []).append(hit)
    names = [name for name in (*(name for _, name in _AGES), _OLDER) if name in groups]
    bars = [Bar(name, sum(groups[name]) / len(groups[name]), f"n={len(groups[name])}") for name in names]
    if bars:
        axis = share_axis(f"hit@{result.depth}")
        yield bar_plot("hit by article age", "days before the question", axis, bars)


def age_of(item: Item, asked: Asked, today: date) -> int | None:
    """Days from the newest gold article of no later than the as-of date to that date; None where none is known."""
    as_of = item.as_of or today
    days = [(as_of - day).days for day in asked.gold_published if day <= as_of]
    return min(days, default=None)


def _coverage(rows: Sequence[Figures]) -> Iterator[str]:
    if column(rows, "confidence") and (found := coverage(rows)).accuracy:
        points = [(count / found.asked, accuracy) for count, accuracy in enumerate(found.accuracy, start=1)]
        below = share_axis("coverage: share of questions answered")
        yield line_plot("risk-coverage", below, share_axis("accuracy"), [Series("holds the answer", points)])


def _latency(rows: Sequence[Figures]) -> Iterator[str]:
    bars = [
        Bar(f"{stage}\n{share}", ms, f"{ms:.0f}")
        for stage, _, p50, p95 in latencies(rows)
        for share, ms in (("p50", p50), ("p95", p95))
        if ms > 0
    ]
    if bars:
        yield bar_plot("latency by stage", "stage", axis_to("milliseconds", max(bar.value for bar in bars)), bars)
