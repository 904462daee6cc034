"""How good the embedded reader's answers are, and how well it knows when to abstain; in one run.

Usage: ``python -m tests.bench.answers [--plot FILE.svg]``; ``make bench-answers`` runs it. The data is that
of DATELINE_BENCH_DATA, the collections are those of :mod:`tests.bench.retrieval_homes`. A question counts as answered
rightly when the answer's text holds the answer's words (lower-cased, letters and digits only, a leading article
dropped). Questions that cannot be answered are the other quarter's for which no article here holds the answer's words,
as many as there are with gold.

Confidence is judged by the risk-coverage curve (El-Yaniv and Wiener 2010): of the surest c of all questions, the share
whose best three sentences are wrong, averaged over c. It is compared with that of thresholding the cosine of the
nearest passage, on the same sentences; intervals are 95%, by bootstrap over questions.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa.engine import Engine
from qa.evaluation.abstaining import accuracy_by_coverage, area
from qa.evaluation.items import holds, plain
from qa.library.home import Home, open_home
from qa.models import Ask
from qa.reader import ExtractiveReader
from qa.settings import load_settings
from tests.bench import retrieval_homes

RESAMPLES = 2_000
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """One question: whether it can be answered, whether it was, how sure the reader was, and how near the passages."""

    answerable: bool
    right: bool
    abstained: bool
    confidence: float
    nearest: float
    seconds: float


def questions(quarter: str) -> list[dict[str, Any]]:
    """All questions of a quarter."""
    lines = (retrieval_homes.data() / quarter / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def unanswerable(quarter: str, other: str, n: int) -> list[dict[str, Any]]:
    """``n`` questions of the other quarter that no article of this one answers, asked when all of those were out."""
    with gzip.open(retrieval_homes.data() / quarter / "articles.jsonl.gz", "rt", encoding="utf-8") as file:
        texts = [f" {plain(json.loads(line)['text'])} " for line in file]
    last = max(one["as_of"] for one in questions(quarter))
    found = [
        {**one, "as_of": max(one["as_of"], last)}
        for one in questions(other)
        if one["answers"] and not any(f" {plain(answer)} " in text for answer in one["answers"] for text in texts)
    ]
    random.Random(3).shuffle(found)
    return found[:n]


async def ask_all(home: Home, asked: Sequence[tuple[dict[str, Any], bool]]) -> list[Outcome]:
    """Every question to the engine, and its confidence read off the same passages."""
    engine = Engine(home)
    reader = ExtractiveReader(home.embedder, abstain_below=0)
    outcomes = []
    for question, answerable in asked:
        begun = time.perf_counter()
        answer = await engine.answer(Ask(question["question"], as_of=date.fromisoformat(question["as_of"])))
        seconds = time.perf_counter() - begun
        retrieved = await engine.search(
            Ask(question["question"], as_of=date.fromisoformat(question["as_of"])), k=home.settings.top_k
        )
        reading = reader.read(question["question"], retrieved.passages)
        said = " ".join(picked.quote.text for picked in reading.picked)
        outcomes.append(
            Outcome(
                answerable=answerable,
                right=answerable and holds(said, question["answers"]),
                abstained=answer.abstained,
                confidence=reading.confidence,
                nearest=max((hit.similarity or 0.0 for hit in retrieved.hits), default=0.0),
                seconds=seconds,
            )
        )
    return outcomes


def interval(values: Sequence[float]) -> str:
    """A 95% interval of resampled ``values``."""
    low, high = np.percentile(values, [2.5, 97.5])
    return f"{low:+.3f} to {high:+.3f}"


def compare(outcomes: Sequence[Outcome], right: Floats, what: str) -> None:
    """Print both areas and how far they are apart."""
    # In an order that has nothing to do with the answers, lest ties be broken by it.
    order = np.random.default_rng(0).permutation(len(outcomes))
    confidence = np.array([one.confidence for one in outcomes])[order]
    nearest = np.array([one.nearest for one in outcomes])[order]
    right = right[order]
    draws = np.random.default_rng(1).integers(0, len(right), size=(RESAMPLES, len(right)))
    gains = [area(nearest[draw], right[draw]) - area(confidence[draw], right[draw]) for draw in draws]
    print(
        f"Area under risk-coverage, {what}: {area(confidence, right):.3f} by confidence, {area(nearest, right):.3f} by"
        f" the nearest passage's cosine; less by {np.mean(gains):.3f} ({interval(gains)})"
    )


def report(name: str, outcomes: Sequence[Outcome]) -> None:
    """Print what came of one quarter."""
    can = [one for one in outcomes if one.answerable]
    cannot = [one for one in outcomes if not one.answerable]
    held = np.array([one.right for one in can], dtype=float)
    draws = np.random.default_rng(2).choice(held, size=(RESAMPLES, len(held))).mean(axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])
    spent = sorted(one.seconds for one in outcomes)
    print(f"\n{name}: {len(can)} questions with gold, {len(cannot)} that cannot be answered here")
    print(
        f"Best sentences (at most three) hold the answer: {held.mean():.3f} ({low:.3f} to {high:.3f});"
        " target 0.50, aim 0.60"
    )
    p95 = spent[int(0.95 * len(spent))]
    print(f"A question takes p50 {statistics.median(spent):.3f} s, p95 {p95:.3f} s; target p50 0.12")
    print(
        f"Abstains on {sum(one.abstained for one in cannot)} of {len(cannot)} it cannot answer and on"
        f" {sum(one.abstained for one in can)} of {len(can)} it might"
    )


def plot(outcomes: Sequence[Outcome], path: Path) -> None:
    """Coverage against accuracy, for confidence and for the nearest passage's cosine."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "dateline"
    from matplotlib import pyplot

    order = np.random.default_rng(0).permutation(len(outcomes))
    right = np.array([one.right for one in outcomes], dtype=float)[order]
    figure, axes = pyplot.subplots(figsize=(6.4, 4.2))
    for label, values, style in (
        ("confidence", [one.confidence for one in outcomes], "-"),
        ("cosine of the nearest passage", [one.nearest for one in outcomes], "--"),
    ):
        accuracy = accuracy_by_coverage(np.array(values)[order], right)
        axes.plot(np.arange(1, len(right) + 1) / len(right), accuracy, style, label=label)
    axes.set(xlabel="coverage: share of questions answered", ylabel="accuracy of those", xlim=(0, 1), ylim=(0, 1.02))
    axes.set_title(f"Embedded reader, {len(outcomes)} questions, half of them without an answer")
    axes.legend()
    axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.answers")
    parser.add_argument("--plot", type=Path, help="where to write the plot of coverage against accuracy")
    told = parser.parse_args()
    retrieval_homes.make(())
    print(f"{os.cpu_count()} processors, load averages {', '.join(f'{one:.2f}' for one in os.getloadavg())}")
    together: list[Outcome] = []
    for quarter, other in (retrieval_homes.QUARTERS, retrieval_homes.QUARTERS[::-1]):
        gold = [one for one in questions(quarter) if one.get("gold_urls")]
        asked = [(one, True) for one in gold] + [(one, False) for one in unanswerable(quarter, other, len(gold))]
        with open_home(load_settings(home=retrieval_homes.quarter(quarter))) as home:
            outcomes = asyncio.run(ask_all(home, asked))
        report(quarter, outcomes)
        compare(outcomes, np.array([one.right for one in outcomes], dtype=float), "wrong is what lacks the answer")
        together += outcomes
    print()
    compare(together, np.array([one.right for one in together], dtype=float), "both, wrong is what lacks the answer")
    compare(together, np.array([one.answerable for one in together], dtype=float), "both, wrong is what has no answer")
    if told.plot:
        plot(together, told.plot)


if __name__ == "__main__":
    main()
