"""An evaluation on a terminal: tables of figures, each with its interval and the number of questions behind it."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from api.cli.output import one_line
from api.files.evaluation_view import groups, latencies, line_text, name_of, remarks, slice_names
from qa.evaluation.summary import column, sliced

if TYPE_CHECKING:
    from rich.console import Console

    from api.cli.evaluate_job import Result
    from qa.evaluation.comparing import Comparison


def show(console: Console, result: Result) -> None:
    """Everything there is to say but the questions themselves."""
    rows = result.rows
    asked = f"{len(rows)} questions, {result.depth} passages each, model {result.model}"
    console.print(Text(one_line(f"{result.dataset}: {asked}"), style="bold"))
    for group in groups(rows, retrieval_only=result.retrieval_only):
        figures = [(name_of(line.name), *line_text(line)) for line in group.lines]
        _table(console, (group.title, "mean", "95% interval", "n"), figures)
    for by, which in sliced(result.items, rows).items():
        names = slice_names(rows, result.depth)
        table = [(name, str(len(some)), *(_mean(some, metric) for metric in names)) for name, some in which.items()]
        _table(console, (f"By {by}", "questions", *(name_of(one, alone=True) for one in names)), table)
    spent = [(stage, f"{p50:.1f}", f"{p95:.1f}", str(n)) for stage, n, p50, p95 in latencies(rows)]
    _table(console, ("Milliseconds", "p50", "p95", "n"), spent)
    console.print()
    for remark in remarks(rows, retrieval_only=result.retrieval_only):
        console.print(Text(one_line(remark)))


def show_comparison(console: Console, found: Comparison, names: tuple[str, str]) -> None:
    """What changed from the first to the second, metric by metric."""
    console.print(Text(one_line(f"From {names[0]} to {names[1]}"), style="bold"))
    table = [
        (
            one.name, f"{one.before:.3f}", f"{one.after:.3f}", f"{one.paired.difference:+.3f}",
            f"{one.paired.low:+.3f} to {one.paired.high:+.3f}", f"{one.paired.p:.3f}", str(one.paired.n), one.verdict,
        )
        for one in found.changes
    ]  # fmt: skip
    _table(console, ("Metric", "before", "after", "change", "95% interval", "p", "n", ""), table)
    for count, name in ((found.only_before, names[0]), (found.only_after, names[1])):
        if count:
            console.print(Text(one_line(f"{count} questions are in {name} alone, and left out.")))


def _mean(rows: Sequence[dict[str, float | None]], name: str) -> str:
    values = column(rows, name)
    return f"{statistics.fmean(values):.3f}" if values else "-"


def _table(console: Console, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns as wide as they must be: the first to the left, the others to the right."""
    cells = [[one_line(cell) for cell in row] for row in rows]
    if not cells:
        return
    widths = [max(len(row[i]) for row in (head, *cells)) for i in range(len(head))]
    console.print()
    for style, row in (("bold", head), *(("", row) for row in cells)):
        first, *rest = (
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        console.print(Text("  ".join((first, *rest)).rstrip(), style=style))
