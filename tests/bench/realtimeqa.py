"""Builds the benches' data from a clone of the public RealTime QA repository (github.com/realtimeqa/realtimeqa_public).

Usage: ``python -m tests.bench.realtimeqa CLONE DIR [QUARTER...]``; ``make bench-data BENCH="CLONE DIR"`` runs it. For
each quarter, by default 2024q1 and 2024q2, the weekly files ``*_qa.jsonl`` and ``*_gcs.jsonl`` dated within it become
``DIR/realtimeqa-QUARTER/articles.jsonl.gz`` and ``questions.jsonl``; then set DATELINE_BENCH_DATA to DIR.

Articles are what a web search returned in those weeks: one for each URL, with text of at least 200 characters and a
known day of publication no later than the last search. Of each question ``answers`` are the words of the right
choice; ``lenient_urls`` all articles that hold them (lower-cased, letters and digits only, leading article dropped);
``gold_urls`` those of them published from 30 days before to 2 days after the question.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from qa.evaluation.items import holds

QUARTERS = ("2024q1", "2024q2")
BEFORE, AFTER = timedelta(days=30), timedelta(days=2)
LEAST_TEXT = 200

_WEEK = re.compile(r"(\d{4})(\d\d)(\d\d)_(qa|gcs)\.jsonl")
_DAY = re.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})")


def weeks(clone: Path, quarter: str, kind: str) -> list[Path]:
    """The weekly files of that kind dated within a quarter, oldest first, wherever in the clone they are."""
    year, number = quarter.split("q")
    found = []
    for path in clone.rglob(f"*_{kind}.jsonl"):
        named = _WEEK.fullmatch(path.name)
        if named and named[1] == year and (int(named[2]) + 2) // 3 == int(number):
            found.append(path)
    return sorted({path.name: path for path in sorted(found)}.values(), key=lambda path: path.name)


def articles(files: Sequence[Path]) -> list[dict[str, Any]]:
    """What was found by the searches, each URL once, in the order of the URLs."""
    found: dict[str, dict[str, Any]] = {}
    for record in _records(files):
        latest = _day(record.get("search_time"))
        for one in record.get("search_result") or ():
            url, text, published = one.get("url"), (one.get("text") or "").strip(), _day(one.get("publish_date"))
            late = latest is not None and published is not None and published > latest
            if not url or not published or late or len(text) < LEAST_TEXT:
                continue
            source = (urlsplit(url).hostname or "").removeprefix("www.")
            told = {"url": url, "title": one.get("title"), "text": text, "published": published.isoformat()}
            found.setdefault(url, {**told, "source": source, "authors": one.get("authors") or []})
    return [found[url] for url in sorted(found)]


def questions(files: Sequence[Path], among: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The questions in the evaluation-set format, with the articles of ``among`` that hold their answers."""
    for record in _records(files):
        asked = _day(record.get("question_date"))
        choices = record["choices"]
        answers = [choices[int(number)] for number in record["answer"]]
        if asked is None or not answers:
            continue
        held = [one for one in among if holds(one["text"], answers)]
        near = [one for one in held if asked - BEFORE <= date.fromisoformat(one["published"]) <= asked + AFTER]
        yield {
            "id": record["question_id"],
            "question": record["question_sentence"],
            "as_of": asked.isoformat(),
            "answers": answers,
            "choices": choices,
            "gold_urls": [one["url"] for one in near],
            "lenient_urls": [one["url"] for one in held],
        }


def build(clone: Path, folder: Path, quarter: str) -> tuple[int, int]:
    """Write one quarter's files; returns how many articles and questions. Exits saying so when there are none."""
    there = articles(weeks(clone, quarter, "gcs"))
    asked = list(questions(weeks(clone, quarter, "qa"), there))
    if not there or not asked:
        raise SystemExit(f"{clone} has no weekly *_qa.jsonl and *_gcs.jsonl of {quarter}")
    target = folder / f"realtimeqa-{quarter}"
    target.mkdir(parents=True, exist_ok=True)
    with gzip.open(target / "articles.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(one, ensure_ascii=False) + "\n" for one in there)
    lines = [json.dumps(one, ensure_ascii=False) + "\n" for one in asked]
    (target / "questions.jsonl").write_text("".join(lines), encoding="utf-8")
    return len(there), len(asked)


def _records(files: Sequence[Path]) -> Iterator[dict[str, Any]]:
    for path in files:
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
            if line.strip():
                try:
                    yield json.loads(line)
                except ValueError as error:
                    raise SystemExit(f"{path}:{number}: not JSON: {error}") from None


def _day(told: str | None) -> date | None:
    """2024/01/12, with whatever stands behind it; None for anything else."""
    match = _DAY.match(told or "")
    try:
        return date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        return None


def main() -> None:
    """Build the quarters named."""
    if len(sys.argv) < 3:
        raise SystemExit("usage: python -m tests.bench.realtimeqa CLONE DIR [QUARTER...]")
    clone, folder = Path(sys.argv[1]), Path(sys.argv[2])
    for quarter in sys.argv[3:] or QUARTERS:
        found, asked = build(clone, folder, quarter)
        print(f"realtimeqa-{quarter}: {found} articles, {asked} questions")


if __name__ == "__main__":
    main()
