"""What peers found, judged as ``tests.bench.retrieval`` judges Dateline's own retrievers, by the same code.

Imported when everything is measured: what it loads would count in the children's peaks of memory.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from qa.evaluation.resampling import interval
from tests.bench.peers.protocol import Failed
from tests.bench.peers.report import BUDGET
from tests.bench.retrieval import Found, reciprocal_rank


def cut(found: Sequence[dict[str, str]], budget: int) -> list[Found]:
    """The passages in order as far as so many characters go, the last of them cut short.

    Long passages hold the answer's words more easily; so much of each is what a model given the budget would read.
    """
    kept = []
    for one in found:
        if budget <= 0:
            break
        kept.append(Found(one["url"], one["text"][:budget]))
        budget -= len(one["text"])
    return kept


def judged(rounds: Sequence[Sequence[dict[str, Any]]], questions: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Figures of a row: what the first round found, and the times of each round.

    ``rounds`` are the lines of ``harness.retrieve``. Raises ``Failed`` unless each round has every question, in order.
    """
    for one in rounds:
        if [line["id"] for line in one] != [question["id"] for question in questions]:
            raise Failed(f"{len(one)} of {len(questions)} questions were answered")
    ranks = [
        reciprocal_rank(question, [Found(one["url"], one["text"]) for one in line["found"]])
        for line, question in zip(rounds[0], questions, strict=True)
    ]
    low, high = interval(ranks)
    read = [
        reciprocal_rank(question, cut(line["found"], BUDGET)) > 0
        for line, question in zip(rounds[0], questions, strict=True)
    ]
    lengths = [len(one["text"]) for line in rounds[0] for one in line["found"]]
    return {
        "hit in budget": statistics.mean(read),
        "characters": statistics.mean(lengths) if lengths else 0,
        "ranks": ranks,
        "mrr@10": statistics.mean(ranks),
        "interval": [low, high],
        **{f"hit@{k}": sum(rank >= 1 / k for rank in ranks) / len(ranks) for k in (1, 5, 10)},
        "times": [_times([line["ms"] for line in one]) for one in rounds],
    }


def _times(spent: Sequence[float]) -> dict[str, float]:
    p95 = statistics.quantiles(spent, n=20)[-1] if len(spent) > 1 else spent[0]
    return {"p50": statistics.median(spent), "p95": p95}


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, float | None]:
    """Our mean by theirs with its 95% interval; None where theirs is 0."""
    if not any(theirs):
        return {"ratio": None, "low": None, "high": None}
    low, high = interval(ours, theirs, of=lambda one, other: one / other)
    return {"ratio": statistics.mean(ours) / statistics.mean(theirs), "low": low, "high": high}
