"""Dateline beside its peers, each set up as its own documentation advises, in one run.

Usage: ``python -m tests.bench.peers [--peers a,b] [--n 300] [--questions N] [--rounds 2] [--json FILE] [--write]``.
Each peer runs in an environment of its own (``environments``), driven through one small face (``protocol``,
``harness``); how each is set up and why stands in its module under ``runners``. Ingest is timed on ``n`` articles of
the first quarter, each peer embedding with the same weights. Retrieval is measured on all articles of the second
quarter and its questions with gold, over indexes with ready-made vectors of each peer's own chunks; questions are
embedded by the peer. Environments, vectors and indexes are kept in DATELINE_BENCH_CACHE; the data are those of
DATELINE_BENCH_DATA.

``--write`` puts the tables into ARCHITECTURE.md and README.md; with ``--from FILE`` they are those of an earlier run.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# Nothing heavy is imported here: a child's peak of memory starts at its parent's.
from tests.bench.ingest import chosen, lines_of, load
from tests.bench.peers import report
from tests.bench.peers.environments import folder
from tests.bench.peers.lines import count
from tests.bench.peers.machine import machine
from tests.bench.peers.protocol import Failed
from tests.bench.peers.running import PEERS, ROOT, Peer, ingested, prepared, retrieved
from tests.bench.retrieval_homes import QUARTERS, data

DEPTH = 10


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.peers", description="Dateline beside its peers")
    parser.add_argument("--peers", default=",".join(PEERS), help="which, by comma (default: all)")
    parser.add_argument("--n", type=int, default=300, help="articles ingested")
    parser.add_argument("--questions", type=int, help="so many questions only, for a trial")
    parser.add_argument("--rounds", type=int, default=2, help="how often each is measured")
    parser.add_argument("--json", type=Path, help="write all figures there")
    parser.add_argument("--from", type=Path, dest="earlier", help="measure nothing: the figures are in this file")
    parser.add_argument("--write", action="store_true", help="put the tables into ARCHITECTURE.md and README.md")
    told = parser.parse_args()
    told.names = told.peers.split(",")
    if unknown := set(told.names) - set(PEERS):
        parser.error(f"no such peer: {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    if min(told.n, told.rounds, told.questions or 1) < 1:
        parser.error("--n, --questions and --rounds are at least 1")
    if told.write and told.earlier is None and (told.questions or set(told.names) != set(PEERS)):
        parser.error("--write wants all peers and all questions")
    return told


def measure(told: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Measure everything; see ``tests.bench.peers.report`` for what comes of it."""
    first, second = (data() / name for name in QUARTERS)
    few, many, asked = scratch / "few.jsonl", scratch / "many.jsonl", scratch / "questions.jsonl"
    taken = chosen(first / "articles.jsonl.gz", told.n)
    few.write_text("".join(taken), encoding="utf-8")
    with many.open("w", encoding="utf-8") as file:
        articles = sum(1 for line in lines_of(second / "articles.jsonl.gz") if file.write(line))
    questions = [one for one in map(json.loads, lines_of(second / "questions.jsonl")) if one["gold_urls"]]
    questions = questions[: told.questions]
    asked.write_text("".join(json.dumps(one) + "\n" for one in questions), encoding="utf-8")
    before = load()
    peers = prepared(told.names)
    finds, cosine = retrieved(peers, many, asked, DEPTH, told.rounds)
    ingests = ingested(peers, few, told.rounds)
    rows = [_row(peer, variant, ingests, finds, questions, len(taken)) for peer in peers for variant in _variants(peer)]
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "told": {"n": len(taken), "questions": len(questions), "articles": articles, "rounds": told.rounds},
        "loads": [before, load()],
        "versions": {peer.about.get("title", peer.name): peer.about.get("versions", {}) for peer in peers},
        "cosine": cosine,
        "rows": rows,
        "against": _against(rows),
    }


def _variants(peer: Peer) -> list[str]:
    return list(peer.about.get("variants", (peer.name,)))


def _row(
    peer: Peer, variant: str, ingests: dict[Any, Any], finds: dict[Any, Any], questions: Sequence[Any], n: int
) -> dict[str, Any]:
    """All figures of a variant, or why it has none."""
    from tests.bench.peers.judging import judged

    row = {"title": peer.about.get("title", peer.name), "variant": variant, "failed": peer.failed.get(variant)}
    if row["failed"]:
        return row
    functions = peer.about["variants"][variant]
    try:
        found = judged(finds[peer.name, variant], questions)
    except Failed as error:
        return row | {"failed": str(error)}
    return row | {
        "embeds": peer.about["embeds"],
        "ingest": [{"articles": n, **one} for one in ingests[peer.name, functions[0]]],
        "lines": count(peer.source, [*functions, *(["embedder"] if peer.about["embeds"] else [])]),
        **found,
    }


def _against(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The peer with the best MRR@10, and how ours compares; None where there is only one of the two."""
    from tests.bench.peers.judging import ratio

    measured = [row for row in rows if not row["failed"]]
    ours = next((row for row in measured if row["title"] == report.OURS), None)
    others = [row for row in measured if row["title"] != report.OURS]
    if ours is None or not others:
        return None
    best = max(others, key=lambda row: float(row["mrr@10"]))
    return {"name": report.name(best), **ratio(ours["ranks"], best["ranks"])}


def main() -> None:
    """Measure, print the table, and write what was asked for."""
    told = arguments()
    if told.earlier:
        figures = json.loads(told.earlier.read_text(encoding="utf-8"))
    else:
        folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as name:
            figures = measure(told, Path(name))
    if told.json:
        told.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(report.full(figures))
    if told.write:
        report.write(figures, ROOT)
    if any(row["failed"] for row in figures["rows"]):
        sys.exit("Not all peers could be measured.")


if __name__ == "__main__":
    main()
