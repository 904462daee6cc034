"""MRR@10 and hit@k over answer passages, dense search alone and Dateline side by side, in one run.

Usage: ``python -m tests.bench.retrieval HOME QUESTIONS.jsonl``. HOME holds the ingested articles; both retrievers use
its vectors. A passage is an answer passage when its article is among the question's ``gold_urls`` and it holds the
answer's words (lower-cased, letters and digits only, a leading article dropped). Figures are means over the questions
that have ``gold_urls``, with 95% intervals by bootstrap over questions; the difference is taken pair by pair.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from ingest.clean import canonical_url
from qa.dates import read_range
from qa.library.home import Home, open_home
from qa.models import Filters
from qa.retrieve import Retriever
from qa.settings import load_settings
from qa.weighting import Weighting

DEPTH = 10
RESAMPLES = 2_000


@dataclass(frozen=True)
class Found:
    """One retrieved passage, as much of it as scoring needs."""

    url: str
    text: str


def plain(text: str) -> str:
    """Lower-cased letters and digits, words apart by one space, a leading article dropped."""
    words = re.findall(r"[^\W_]+", text.lower())
    return " ".join(words[1:] if words[:1] and words[0] in {"a", "an", "the"} and len(words) > 1 else words)


def reciprocal_rank(question: dict[str, Any], found: Sequence[Found]) -> float:
    """1 / rank of the first answer passage among the first ten, 0 when there is none."""
    gold = {canonical_url(url) for url in question["gold_urls"]}
    answers = [f" {plain(answer)} " for answer in question["answers"]]
    for rank, one in enumerate(found[:DEPTH], start=1):
        text = f" {plain(one.text)} "
        if one.url and canonical_url(one.url) in gold and any(answer in text for answer in answers):
            return 1.0 / rank
    return 0.0


def dense(home: Home) -> Callable[[str, date], list[Found]]:
    """What a tutorial builds: the nearest chunks, whatever their date."""

    def search(question: str, _as_of: date) -> list[Found]:
        vector = home.embedder.embed([question], query=True)[0]
        nearest = home.store.nearest(vector, DEPTH)
        chunks = home.catalog.chunks_by_id([one for one, _ in nearest])
        return [Found(chunks[one].url or "", chunks[one].text) for one, _ in nearest]

    return search


def dateline(home: Home) -> Callable[[str, date], list[Found]]:
    """Dateline's own retrieval with the settings in force."""
    settings = home.settings
    retriever = Retriever(
        home,
        candidates=settings.candidates,
        per_article=settings.passages_per_article,
        weighting=Weighting(half_life=settings.half_life, floor=settings.age_floor),
    )

    def search(question: str, as_of: date) -> list[Found]:
        filters = Filters(as_of=as_of, as_of_given=True)
        found = retriever.retrieve(question, filters, DEPTH, asked=read_range(question, as_of))
        return [Found(passage.url or "", passage.text) for passage in found.passages]

    return search


def measure(
    search: Callable[[str, date], list[Found]], questions: Sequence[dict[str, Any]]
) -> tuple[list[float], list[float]]:
    """Reciprocal ranks and milliseconds, one each a question, in order."""
    ranks, times = [], []
    for question in questions:
        begun = time.perf_counter()
        found = search(question["question"], date.fromisoformat(question["as_of"]))
        times.append((time.perf_counter() - begun) * 1000)
        ranks.append(reciprocal_rank(question, found))
    return ranks, times


def interval(values: Sequence[float]) -> tuple[float, float]:
    """95% bootstrap interval of the mean."""
    draws = np.random.default_rng(0).choice(np.array(values), size=(RESAMPLES, len(values))).mean(axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(low), float(high)


def row(name: str, ranks: Sequence[float], times: Sequence[float]) -> str:
    """One line of the table."""
    low, high = interval(ranks)
    hits = [sum(rank >= 1 / k for rank in ranks) / len(ranks) for k in (1, 5, 10)]
    p95 = statistics.quantiles(times, n=20)[-1]
    figures = " | ".join(f"{hit:.3f}" for hit in hits)
    mean = statistics.mean(ranks)
    return f"| {name} | {mean:.3f} ({low:.3f} to {high:.3f}) | {figures} | {statistics.median(times):.1f} | {p95:.1f} |"


def main(home_path: str, questions_path: str) -> None:
    """Print the table."""
    lines = Path(questions_path).read_text(encoding="utf-8").splitlines()
    questions = [question for question in map(json.loads, lines) if question.get("gold_urls")]
    with open_home(load_settings(home=Path(home_path))) as home:
        searches = {"dense": dense(home), "dateline": dateline(home)}
        for search in searches.values():
            search(questions[0]["question"], date.max)
        results = {name: measure(search, questions) for name, search in searches.items()}
    print(f"{len(questions)} questions, embeddings by {home.embedder.backend}")
    print("| retriever | MRR@10 (95% interval) | hit@1 | hit@5 | hit@10 | p50 ms | p95 ms |")
    print("|---|---|---|---|---|---|---|")
    for name, (ranks, times) in results.items():
        print(row(name, ranks, times))
    ours, theirs = results["dateline"][0], results["dense"][0]
    low, high = interval([a - b for a, b in zip(ours, theirs, strict=True)])
    ratio = statistics.mean(ours) / statistics.mean(theirs)
    print(f"MRR@10 of dateline / dense: {ratio:.2f}; paired difference {low:+.3f} to {high:+.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
