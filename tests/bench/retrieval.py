"""MRR@10 and hit@k over answer passages, dense search alone and Dateline side by side, in one run.

Usage: ``python -m tests.bench.retrieval [HOME QUESTIONS.jsonl]``. HOME holds the ingested articles; all retrievers use
its vectors. Without it: both quarters of ``tests.bench.retrieval_homes``, then the archive check on the two together,
whether weighting by age costs questions about the past too much.

A passage is an answer passage when its article is among the question's ``gold_urls`` and it holds the answer's words
(lower-cased, letters and digits only, a leading article dropped). Figures are means over the questions that have
``gold_urls``, with 95% intervals by bootstrap over questions; differences and ratios are taken question by question.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ingest.clean import canonical_url
from qa.dates import read_range
from qa.evaluation.items import holds
from qa.evaluation.ranked import of_passages
from qa.evaluation.resampling import interval
from qa.evaluation.slices import TIME_EXPRESSION
from qa.library.home import Home, open_home
from qa.models import Filters
from qa.retrieve import Retriever
from qa.settings import load_settings
from qa.weighting import Weighting
from tests.bench.ingest import load
from tests.bench.retrieval_homes import QUARTERS, TOGETHER, cache, data, make, quarter

DEPTH = 10
DENSE, OURS, NO_AGE = "dense", "dateline", "dateline, age not weighed"

ARCHIVE_DAY = "2024-06-28"


@dataclass(frozen=True)
class Found:
    """One retrieved passage, as much of it as scoring needs."""

    url: str
    text: str


def reciprocal_rank(question: dict[str, Any], found: Sequence[Found]) -> float:
    """1 / rank of the first answer passage among the first ten, 0 when there is none."""
    gold = {canonical_url(url) for url in question["gold_urls"]}
    flags = [bool(one.url) and canonical_url(one.url) in gold and holds(one.text, question["answers"]) for one in found]
    return of_passages([flags], DEPTH)[0][f"mrr@{DEPTH}"]


def dense(home: Home) -> Callable[[str, date], list[Found]]:
    """What a tutorial builds: the nearest chunks, whatever their date."""

    def search(question: str, _as_of: date) -> list[Found]:
        vector = home.embedder.embed([question], query=True)[0]
        nearest = home.store.nearest(vector, DEPTH)
        chunks = home.catalog.chunks_by_id([one for one, _ in nearest])
        return [Found(chunks[one].url or "", chunks[one].text) for one, _ in nearest]

    return search


def retriever_of(home: Home, *, floor: float | None = None) -> Retriever:
    """Dateline's own retrieval with the settings in force; ``floor`` replaces the least weight of an old report."""
    settings = home.settings
    return Retriever(
        home,
        candidates=settings.candidates,
        per_article=settings.passages_per_article,
        weighting=Weighting(half_life=settings.half_life, floor=settings.age_floor if floor is None else floor),
    )


def dateline(home: Home, *, floor: float | None = None) -> Callable[[str, date], list[Found]]:
    """What :func:`retriever_of` finds for a question on a day."""
    retriever = retriever_of(home, floor=floor)

    def search(question: str, as_of: date) -> list[Found]:
        filters = Filters(as_of=as_of, as_of_given=True)
        found = retriever.retrieve(question, filters, DEPTH, asked=read_range(question, as_of))
        return [Found(passage.url or "", passage.text) for passage in found.passages]

    return search


def measure(
    search: Callable[[str, date], list[Found]], questions: Sequence[dict[str, Any]]
) -> tuple[list[float], list[float]]:
    """Reciprocal ranks and milliseconds, one each a question, in order."""
    search(questions[0]["question"], date.max)
    ranks, times = [], []
    for question in questions:
        begun = time.perf_counter()
        found = search(question["question"], date.fromisoformat(question["as_of"]))
        times.append((time.perf_counter() - begun) * 1000)
        ranks.append(reciprocal_rank(question, found))
    return ranks, times


def row(name: str, ranks: Sequence[float], times: Sequence[float]) -> str:
    """One line of the table."""
    low, high = interval(ranks)
    hits = [sum(rank >= 1 / k for rank in ranks) / len(ranks) for k in (1, 5, 10)]
    p95 = statistics.quantiles(times, n=20)[-1]
    figures = " | ".join(f"{hit:.3f}" for hit in hits)
    mean = statistics.mean(ranks)
    return f"| {name} | {mean:.3f} ({low:.3f} to {high:.3f}) | {figures} | {statistics.median(times):.1f} | {p95:.1f} |"


def compared(name: str, ours: Sequence[float], other: str, theirs: Sequence[float]) -> str:
    """One line: the ratio of two retrievers' MRR@10 and their difference, with intervals."""
    ratio, difference = statistics.mean(ours) / statistics.mean(theirs), statistics.mean(ours) - statistics.mean(theirs)
    low, high = interval(ours, theirs, of=lambda one, another: one / another)
    least, most = interval(ours, theirs, of=lambda one, another: one - another)
    return (
        f"MRR@10 of {name} / {other}: {ratio:.2f} ({low:.2f} to {high:.2f});"
        f" paired difference {difference:+.3f} ({least:+.3f} to {most:+.3f})"
    )


def with_gold(path: Path) -> list[dict[str, Any]]:
    """The questions in a file that have gold articles."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [question for question in map(json.loads, lines) if question.get("gold_urls")]


def table(title: str, home: Home, questions: Sequence[dict[str, Any]], names: Sequence[str]) -> dict[str, list[float]]:
    """Measure the retrievers called ``names`` and print their table; returns their reciprocal ranks by name."""
    searches = {DENSE: dense(home), OURS: dateline(home), NO_AGE: dateline(home, floor=1.0)}
    results = {name: measure(searches[name], questions) for name in names}
    print(f"\n{title}: {len(questions)} questions, vectors by {home.embedder.backend}; load averages {load()}")
    print("| retriever | MRR@10 (95% interval) | hit@1 | hit@5 | hit@10 | p50 ms | p95 ms |")
    print("|---|---|---|---|---|---|---|")
    for name, (ranks, times) in results.items():
        print(row(name, ranks, times))
    return {name: ranks for name, (ranks, _) in results.items()}


def quality(title: str, home_path: Path, questions: Sequence[dict[str, Any]]) -> None:
    """Print what dense search and Dateline find, and how they compare."""
    with open_home(load_settings(home=home_path)) as home:
        ranks = table(title, home, questions, (DENSE, NO_AGE, OURS))
    print(compared(OURS, ranks[OURS], DENSE, ranks[DENSE]) + " (target: 1.8)")


def archive(home_path: Path, questions: Sequence[dict[str, Any]]) -> None:
    """Print what Dateline finds on :data:`ARCHIVE_DAY` of what was asked about months before, age weighed and not.

    Left out are questions that speak of a time: on another day they mean another one.
    """
    then = [{**one, "as_of": ARCHIVE_DAY} for one in questions if not TIME_EXPRESSION.search(one["question"])]
    with open_home(load_settings(home=home_path)) as home:
        ranks = table(f"Archive check, asked on {ARCHIVE_DAY}", home, then, (NO_AGE, OURS))
    print(compared(OURS, ranks[OURS], NO_AGE, ranks[NO_AGE]) + " (target: at least 0.97)")


def main() -> None:
    """Print every table."""
    if sys.argv[1:]:
        home, questions = map(Path, sys.argv[1:3])
        quality(str(questions), home, with_gold(questions))
        return
    make([])
    asked = {name: with_gold(data() / name / "questions.jsonl") for name in QUARTERS}
    for name, questions_of in asked.items():
        quality(name, quarter(name), questions_of)
    archive(cache() / TOGETHER, asked[QUARTERS[0]])


if __name__ == "__main__":
    main()
