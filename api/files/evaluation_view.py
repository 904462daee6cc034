"""Pure: an evaluation as people read it, whatever shows it: which figures, in which groups, under which names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qa.evaluation.rows import ARTICLES, EVIDENCE, STAGES, Figures
from qa.evaluation.summary import (
    ANSWERS,
    CITATIONS,
    Line,
    abstention_lines,
    column,
    coverage,
    lines,
    percentile,
)

_NAMES = {
    "holds_answer": "holds the answer",
    "choice_accuracy": "choice accuracy",
    "exact_match": "exact match",
    "f1": "F1",
    "citation_precision": "precision",
    "citation_recall": "recall",
    "abstention_precision": "precision",
    "abstention_recall": "recall",
    "citations_in_range": "citations within the days asked for",
    "leaks": "leaks",
}
IN_SLICES = ("mrr", "hit@5", "holds_answer", "choice_accuracy", "citation_recall", "abstained")
"""What is told of each slice; "mrr" at the depth searched."""


@dataclass(frozen=True, slots=True)
class Group:
    """Figures that belong together."""

    title: str
    lines: tuple[Line, ...]


def name_of(metric: str, *, alone: bool = False) -> str:
    """A metric's name for people, without the group it is in unless it stands ``alone``."""
    if alone and metric in CITATIONS:
        return metric.replace("_", " ")
    bare = metric.removeprefix(ARTICLES).removeprefix(EVIDENCE)
    shown = bare.replace("mrr", "MRR").replace("ndcg", "nDCG").replace("map", "MAP")
    return _NAMES.get(metric, shown.replace("_", " "))


def groups(rows: Sequence[Figures], *, retrieval_only: bool) -> Iterator[Group]:
    """All means with their intervals. Groups of which no question has a figure are left out."""
    names = list(rows[0])
    parts: list[tuple[str, Sequence[str]]] = [
        ("Retrieval: answer passages", [one for one in names if one.startswith(("mrr@", "hit@"))]),
        ("Retrieval: gold articles", [one for one in names if one.startswith(ARTICLES)]),
        ("Retrieval: evidence (MultiHop-RAG)", [one for one in names if one.startswith(EVIDENCE)]),
    ]
    if not retrieval_only:
        parts += [("Answers", ANSWERS), ("Citations (ALCE)", tuple(CITATIONS))]
    for title, wanted in parts:
        if there := [name for name in wanted if column(rows, name)]:
            yield Group(title, tuple(lines(rows, there)))
    if not retrieval_only:
        yield Group("Abstaining", tuple(abstention_lines(rows)))
        if column(rows, "citations_in_range"):
            yield Group("Time", tuple(lines(rows, ("citations_in_range",))))


def remarks(rows: Sequence[Figures], *, retrieval_only: bool) -> Iterator[str]:
    """What is no mean: failures, abstentions, the risk-coverage curve, leaks, tokens and cost."""
    failed = int(sum(column(rows, "failed")))
    yield f"{failed} of {len(rows)} questions failed" + (", counted as failures in every figure" if failed else "")
    if retrieval_only:
        return
    yield f"{int(sum(column(rows, 'abstained')))} of {len(rows)} abstained on"
    found = coverage(rows)
    if found.area is not None:
        yield f"area under risk-coverage of the {len(found.accuracy)} answered: {found.area:.3f} (0 is best)"
    yield f"{int(sum(column(rows, 'leaks')))} passages or citations from after the as-of date"
    read, written = sum(column(rows, "input_tokens")), sum(column(rows, "output_tokens"))
    if read or written:
        yield f"tokens: {read:,.0f} in, {written:,.0f} out"
    if costs := column(rows, "cost"):
        yield f"cost: {sum(costs):.4f} (as DATELINE_PRICES says)"


def latencies(rows: Sequence[Figures]) -> list[tuple[str, int, float, float]]:
    """Stage, questions, p50 and p95 in milliseconds."""
    spent = ((stage, column(rows, f"{stage}_ms")) for stage in STAGES)
    return [(stage, len(ms), percentile(ms, 0.5), percentile(ms, 0.95)) for stage, ms in spent if ms]


def slice_names(rows: Sequence[Figures], depth: int) -> list[str]:
    """The metrics told of slices, as far as there are figures."""
    wanted = [f"mrr@{depth}" if name == "mrr" else name for name in IN_SLICES]
    return [name for name in wanted if column(rows, name)]


def line_text(line: Line) -> tuple[str, str, str]:
    """Mean, interval and number of questions, as they are printed."""
    if line.value is None:
        return "-", "", str(line.n)
    spread = f"{line.low:.3f} to {line.high:.3f}" if line.low is not None else ""
    return f"{line.value:.3f}", spread, str(line.n)
