"""Pure: from the figures of the questions to the contract's document, to intervals, slices and curves."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qa.evaluation.abstaining import accuracy_by_coverage, area, precision_recall
from qa.evaluation.items import Item
from qa.evaluation.resampling import interval
from qa.evaluation.rows import ARTICLES, EVIDENCE, STAGES, Figures
from qa.evaluation.slices import slices_of

ANSWERS = ("exact_match", "f1", "holds_answer", "choice_accuracy")
CITATIONS = {"citation_precision": "precision", "citation_recall": "recall"}


@dataclass(frozen=True, slots=True)
class Line:
    """One figure with how sure it is: the mean over ``n`` questions, and its 95% interval (None: of no question)."""

    name: str
    n: int
    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """Accuracy of the surest questions that were answered. ``asked`` counts all questions, those abstained on, too;
    ``area`` is that under the risk-coverage curve of the answered, 0 best; None where none was answered."""

    asked: int
    accuracy: tuple[float, ...]
    area: float | None


def document(dataset: str, ids: Sequence[str], rows: Sequence[Figures], *, retrieval_only: bool) -> dict[str, Any]:
    """What ``dateline eval --json`` prints. Parts that were not run are None, and so are figures of no question."""
    names = list(rows[0]) if rows else []
    retrieval = {
        "answer_passages": _part(rows, {name: name for name in names if name.startswith(("mrr@", "hit@"))}),
        "articles": _part(rows, {one: one.removeprefix(ARTICLES) for one in names if one.startswith(ARTICLES)}),
    }
    if any(name.startswith(EVIDENCE) for name in names):
        of_evidence = {name: name.removeprefix(EVIDENCE) for name in names if name.startswith(EVIDENCE)}
        retrieval["evidence"] = _part(rows, of_evidence)
    answered: dict[str, Any] = dict.fromkeys(("answers", "citations", "abstention"))
    if not retrieval_only:
        answered = {
            "answers": _part(rows, {name: name for name in ANSWERS}, counted="exact_match"),
            "citations": {name: _mean(column(rows, key)) for key, name in CITATIONS.items()},
            "abstention": dict(zip(("precision", "recall"), precision_recall(*_abstentions(rows)), strict=True)),
        }
    return {
        "dataset": dataset,
        "n": len(rows),
        "retrieval": retrieval,
        "rows": [{"id": one, **row} for one, row in zip(ids, rows, strict=True)],
        **answered,
        "latency_ms": _latency(rows),
    }


def lines(rows: Sequence[Figures], names: Sequence[str]) -> Iterator[Line]:
    """A line for each of ``names``, those that no question has a figure of included."""
    for name in names:
        values = column(rows, name)
        low, high = interval(values) if values else (None, None)
        yield Line(name, len(values), _mean(values), low, high)


def abstention_lines(rows: Sequence[Figures]) -> Iterator[Line]:
    """Precision and recall of abstaining, their intervals by drawing questions."""
    abstained, due = _abstentions(rows)
    both = [float(one and other) for one, other in zip(abstained, due, strict=True)]
    for name, value, among in zip(
        ("precision", "recall"), precision_recall(abstained, due), (abstained, due), strict=True
    ):
        low, high = (None, None)
        if value is not None:
            low, high = interval(both, [float(one) for one in among], of=lambda hit, all_of: hit / all_of)
        yield Line(f"abstention_{name}", sum(among), value, low, high)


def coverage(rows: Sequence[Figures]) -> Coverage:
    """The surest answers first, by the confidence of each; right is what holds an answer, what cannot be is wrong."""
    asked = [row for row in rows if row.get("unanswerable") is not None]
    answered = [row for row in asked if row["abstained"] == 0 and row["confidence"] is not None]
    sure = [row["confidence"] or 0.0 for row in answered]
    right = [row["holds_answer"] or 0.0 for row in answered]
    return Coverage(
        asked=len(asked),
        accuracy=tuple(accuracy_by_coverage(sure, right).tolist()),
        area=area(sure, right) if answered else None,
    )


def sliced(items: Sequence[Item], rows: Sequence[Figures]) -> dict[str, dict[str, list[Figures]]]:
    """The rows of each slice, by what slices are by; only where there are several."""
    found: dict[str, dict[str, list[Figures]]] = {}
    for item, row in zip(items, rows, strict=True):
        for by, which in slices_of(item):
            found.setdefault(by, {}).setdefault(which, []).append(row)
    return {by: dict(sorted(which.items())) for by, which in found.items() if len(which) > 1}


def hits_by_rank(rows: Sequence[Figures], prefix: str, depth: int) -> list[float]:
    """The share of questions with something relevant among the first 1, 2, ... ``depth``; [] where none counts."""
    ranks = column(rows, f"{prefix}mrr@{depth}")
    return [sum(rank >= 1 / k - 1e-9 for rank in ranks) / len(ranks) for k in range(1, depth + 1)] if ranks else []


def column(rows: Sequence[Mapping[str, float | None]], name: str) -> list[float]:
    """The figures of that name that there are."""
    return [value for row in rows if (value := row.get(name)) is not None]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` (0 to 1) of ``values`` lie, between two neighbours where need be."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _part(rows: Sequence[Figures], names: Mapping[str, str], counted: str = "") -> dict[str, Any]:
    first = counted or next(iter(names))
    return {"n": len(column(rows, first)), **{told: _mean(column(rows, name)) for name, told in names.items()}}


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None


def _abstentions(rows: Sequence[Figures]) -> tuple[list[bool], list[bool]]:
    """Whether it abstained and whether that was due, of the questions of which both are known."""
    # One that failed neither answered nor abstained: of those that cannot be answered it missed one.
    known = [row for row in rows if row.get("unanswerable") is not None]
    return [row["abstained"] == 1 for row in known], [row["unanswerable"] == 1 for row in known]


def _latency(rows: Sequence[Figures]) -> dict[str, dict[str, float]]:
    spent = {stage: column(rows, f"{stage}_ms") for stage in STAGES}
    return {
        stage: {"p50": percentile(values, 0.5), "p95": percentile(values, 0.95)}
        for stage, values in spent.items()
        if values
    }
