"""Pure: small line and bar plots as SVG, to stand within a page. No script, no style from elsewhere.

Every text is escaped; numbers are the only other thing that gets into the markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 420, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 12, 56
_COLOURS = ("#2563b0", "#c2571a", "#2f7d4f")
_DASHES = ("", "6 3", "2 3")
_BAR_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Series:
    """A line: its name and its points (x, y)."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: what stands below it (a line break makes two lines), its height, and what is said above it."""

    name: str
    value: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis from ``low`` to ``high`` with marks."""

    title: str
    low: float
    high: float
    marks: Sequence[float]

    def share(self, value: float) -> float:
        """Where a value lies, 0 to 1; values outside lie at the end."""
        return min(max((value - self.low) / ((self.high - self.low) or 1), 0.0), 1.0)


def share_axis(title: str) -> Axis:
    """From 0 to 1."""
    return Axis(title, 0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0))


def axis_to(title: str, most: float, *, marks: int = 4) -> Axis:
    """From 0 to a round number that is at least ``most``."""
    step = _round_step(most / marks) if most > 0 else 1.0
    count = max(1, -int(-most // step))
    return Axis(title, 0.0, step * count, tuple(step * i for i in range(count + 1)))


def line_plot(title: str, x: Axis, y: Axis, lines: Sequence[Series]) -> str:
    """One or more lines with a legend; a line of one point is a dot."""
    parts = [*_frame(y), *_marks_below(x)]
    for i, line in enumerate(lines):
        colour, dash = _COLOURS[i % len(_COLOURS)], _DASHES[i % len(_DASHES)]
        places = [(_x(x.share(one)), _y(y.share(other))) for one, other in line.points]
        if len(places) == 1:
            parts.append(f'<circle cx="{places[0][0]:.1f}" cy="{places[0][1]:.1f}" r="3" fill="{colour}"/>')
        path = " ".join(f"{one:.1f},{other:.1f}" for one, other in places)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>')
        parts.append(_text(WIDTH - _RIGHT - 6, HEIGHT - _BOTTOM - 8 - 15 * i, line.name, anchor="end", fill=colour))
    return _svg(title, parts, x.title, y.title)


def bar_plot(title: str, below: str, y: Axis, bars: Sequence[Bar]) -> str:
    """A bar for each value, its note above it."""
    parts = _frame(y)
    room = (WIDTH - _LEFT - _RIGHT) / max(len(bars), 1)
    for i, bar in enumerate(bars):
        left, top = _LEFT + room * (i + (1 - _BAR_SHARE) / 2), _y(y.share(bar.value))
        height = HEIGHT - _BOTTOM - top
        parts.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{room * _BAR_SHARE:.1f}" height="{height:.1f}"'
            f' fill="{_COLOURS[0]}"/>'
        )
        middle = left + room * _BAR_SHARE / 2
        # Above the bar, or where there is no room in it.
        above = top > _TOP + 14
        parts.append(_text(middle, top - 4 if above else top + 14, bar.note, fill="currentColor" if above else "#fff"))
        for line, words in enumerate(bar.name.split("\n")):
            parts.append(_text(middle, HEIGHT - _BOTTOM + 14 + 12 * line, words))
    return _svg(title, parts, below, y.title)


def _frame(y: Axis) -> list[str]:
    """Lines across at the marks of the upright axis, and their numbers."""
    parts = []
    for mark in y.marks:
        at = _y(y.share(mark))
        parts.append(
            f'<line x1="{_LEFT}" y1="{at:.1f}" x2="{WIDTH - _RIGHT}" y2="{at:.1f}" stroke="currentColor"'
            f' stroke-opacity="{0.6 if mark == y.low else 0.15}"/>'
        )
        parts.append(_text(_LEFT - 6, at + 4, f"{mark:g}", anchor="end"))
    return parts


def _marks_below(x: Axis) -> list[str]:
    return [_text(_x(x.share(mark)), HEIGHT - _BOTTOM + 16, f"{mark:g}") for mark in x.marks]


def _svg(title: str, parts: Sequence[str], below: str, beside: str) -> str:
    middle = (_TOP + HEIGHT - _BOTTOM) / 2
    return "".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"',
            ' role="img" font-family="system-ui, sans-serif" font-size="11" fill="currentColor">',
            f"<title>{escape(title)}</title>",
            *parts,
            _text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 14, below),
            f'<text x="14" y="{middle:.1f}" text-anchor="middle" transform="rotate(-90 14 {middle:.1f})">',
            f"{escape(beside)}</text></svg>",
        )
    )


def _text(x: float, y: float, words: str, *, anchor: str = "middle", fill: str = "currentColor") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}">{escape(words)}</text>'


def _x(share: float) -> float:
    return _LEFT + share * (WIDTH - _LEFT - _RIGHT)


def _y(share: float) -> float:
    return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)


def _round_step(least: float) -> float:
    """The least of 1, 2, 5 times a power of ten that is at least so much."""
    power = 1.0
    while power > least:
        power /= 10
    while power * 10 < least:
        power *= 10
    return next(step * power for step in (1, 2, 5, 10) if step * power >= least)
