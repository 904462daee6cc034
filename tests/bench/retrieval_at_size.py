"""How long retrieval takes in large collections, by kind of filter, beside Chroma's own ``where`` on the same vectors.

Usage: ``python -m tests.bench.retrieval_at_size [SIZE ...]``, sizes in chunks, by default 100,000 and 400,000. The
collections are those of ``tests.bench.retrieval_homes``, the questions those of the first quarter. What is timed is the
whole of ``Retriever.retrieve`` in a process that is warm, the embedding of the question and the reading of its time
included, each time with another question and the kinds of filters in turn, so that what else the machine does meanwhile
falls on all alike.
Each size is measured in a process of its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

# Nothing heavy is imported here: a child's peak of memory starts at its parent's.
from tests.bench.ingest import MB, load, table
from tests.bench.ingest_parts import Figures, peak, size_of
from tests.bench.retrieval_homes import COLLECTION, FEW, LAST, MOST, QUARTERS, at_size, data, plain_chroma

if TYPE_CHECKING:
    from qa.models import Filters

SIZES = (100_000, 400_000)
DEPTH = 10
ROUNDS = 60
WHERE_ROUNDS = 12
WARM_ROUNDS = 3

FROM, TO = date(2024, 2, 1), date(2024, 3, 1)
MONTH = {"start": FROM, "end": TO}
KINDS: dict[str, dict[str, Any]] = {
    "unfiltered": {},
    "30 days": MONTH,
    "a source with 5%": {"sources": (FEW,)},
    "a source with 75%": {"sources": (MOST,)},
    "30 days of the source with 75%": {**MONTH, "sources": (MOST,)},
    "30 days of the source with 5%": {**MONTH, "sources": (FEW,)},
    "as of half the time": {"as_of": date(2023, 12, 31), "as_of_given": True},
}
"""Each kind's filters; where they do not say, the as-of date is the last day there is."""

UNFILTERED = "unfiltered"
EMBEDDING = "embedding of the question alone"
LEAST_LIMIT = 50.0
"""Milliseconds a filtered search may always take; more when unfiltered ones take more than half of it."""


class Clock:
    """Milliseconds of wall and of CPU time, by name."""

    def __init__(self) -> None:
        self.wall: dict[str, list[float]] = {}
        self.cpu: dict[str, list[float]] = {}

    @contextmanager
    def timing(self, name: str) -> Iterator[None]:
        """Adds what the block takes."""
        begun, cpu_begun = time.perf_counter(), time.process_time()
        yield
        self.cpu.setdefault(name, []).append((time.process_time() - cpu_begun) * 1000)
        self.wall.setdefault(name, []).append((time.perf_counter() - begun) * 1000)

    def figures(self) -> Figures:
        """Median and 95th percentile of the wall time, and the median of the CPU time, by name."""
        return {
            name: {
                "p50": statistics.median(times),
                "p95": statistics.quantiles(times, n=20, method="inclusive")[-1],
                "cpu": statistics.median(self.cpu[name]),
            }
            for name, times in self.wall.items()
        }


def filters_of(kind: str) -> Filters:
    """The filters of one of ``KINDS``."""
    from qa.models import Filters

    return Filters(**{"as_of": LAST, **KINDS[kind]})


def questions() -> list[str]:
    """The first quarter's questions."""
    lines = (data() / QUARTERS[0] / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["question"] for line in lines]


def in_turn(rounds: int, names: Sequence[str], ask: Callable[[str, str], None]) -> None:
    """Call ``ask(name, question)`` for each name, ``rounds`` times over, always with the next question."""
    asked = questions()
    for count in range(rounds * len(names)):
        # Round by round the names meet other questions.
        ask(names[(count + count // len(names)) % len(names)], asked[count % len(asked)])


def retrieving(size: int) -> Figures:
    """Times of ``Retriever.retrieve`` by kind; ``admits``: the share of the chunks that each kind admits."""
    from qa.dates import read_range
    from qa.library.home import open_home
    from qa.settings import load_settings
    from tests.bench.retrieval import retriever_of

    clock = Clock()
    with open_home(load_settings(home=at_size(size))) as home:
        home.warm()
        retriever = retriever_of(home)

        def ask(kind: str, question: str) -> None:
            filters = filters_of(kind)
            with clock.timing(kind):
                found = retriever.retrieve(question, filters, DEPTH, asked=read_range(question, filters.as_of))
            if not found.hits or not all(filters.admits(one.published, one.source) for one in found.passages):
                raise SystemExit(f"{kind}: {question!r} found nothing, or what it should not")
            with clock.timing(EMBEDDING):
                home.embedder.embed([question], query=True)

        in_turn(WARM_ROUNDS, list(KINDS), ask)
        clock = Clock()
        in_turn(ROUNDS, list(KINDS), ask)
        total = home.catalog.chunk_count()
        admits = {kind: home.catalog.visible_chunk_count(filters_of(kind)) / total for kind in KINDS}
    disk = {name: size_of(at_size(size) / name) for name in ("chroma", "lexical")}
    disk["catalogue"] = size_of(at_size(size)) - sum(disk.values())
    return {"times": clock.figures(), "admits": admits, "peak": peak(), "disk": disk}


def where(size: int) -> Figures:
    """Times of Chroma's own filtered search for as many chunks as Dateline's dense half looks for, by kind."""

    import chromadb
    from chromadb.config import Settings

    from qa.library.encoders import make_embedder
    from qa.settings import load_settings

    settings = load_settings()
    embedder = make_embedder(settings.embedding_model)
    client: Any = chromadb.PersistentClient(path=str(plain_chroma(size)), settings=Settings(anonymized_telemetry=False))
    collection = client.get_collection(COLLECTION, embedding_function=None)
    clock = Clock()

    def ask(kind: str, question: str) -> None:
        vector = embedder.embed([question], query=True)[0]
        with clock.timing(kind):
            collection.query(
                query_embeddings=[vector], n_results=settings.candidates, where=condition(kind), include=["distances"]
            )

    in_turn(1, list(KINDS), ask)
    clock = Clock()
    in_turn(WHERE_ROUNDS, list(KINDS), ask)
    client.close()
    return {"times": clock.figures(), "peak": peak(), "disk": size_of(plain_chroma(size))}


def condition(kind: str) -> Any:
    """The filters of one of ``KINDS`` as Chroma's ``where``; None for none."""
    filters = filters_of(kind)
    parts: list[dict[str, Any]] = []
    if filters.start:
        parts.append({"day": {"$gte": filters.start.toordinal()}})
    if filters.latest != LAST:
        parts.append({"day": {"$lte": filters.latest.toordinal()}})
    parts += [{"source": source} for source in filters.sources]
    if len(parts) > 1:
        return {"$and": parts}
    return parts[0] if parts else None


def measured(part: str, size: int) -> Figures:
    """Run ``retrieving`` or ``where`` in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.retrieval_at_size", part, str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{part} failed:\n{done.stderr[-2_000:]}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def shown(size: int) -> dict[str, float]:
    """Measure one size and print its table; returns the medians by kind."""
    print(f"\n{size:,} chunks; load averages {load()} before", flush=True)
    ours = measured("retrieving", size)
    print(f"load averages {load()} between", flush=True)
    theirs = measured("where", size)
    times, plain = ours["times"], theirs["times"]
    limit = max(LEAST_LIMIT, 2 * times[UNFILTERED]["p50"])
    rows = []
    for kind in (*KINDS, EMBEDDING):
        one, other = times[kind], plain.get(kind)
        share = f"{ours['admits'][kind]:.2%}" if kind in KINDS else ""
        beside = f"{other['p50']:.0f} ({other['cpu']:.0f})" if other else ""
        rows.append((kind, share, f"{one['p50']:.1f}", f"{one['p95']:.1f}", f"{one['cpu']:.1f}", beside))
    print(table(("filter", "admits", "p50 ms", "p95 ms", "CPU ms", "Chroma's where, p50 (CPU) ms"), rows))
    slowest = max((kind for kind in KINDS), key=lambda kind: float(times[kind]["p50"]))
    print(f"Slowest: {slowest}, {times[slowest]['p50']:.1f} ms (limit here: {limit:.0f})")
    disk = ", ".join(f"{name} {taken / MB:,.0f}" for name, taken in ours["disk"].items())
    print(f"Peak of memory {ours['peak'] / MB:,.0f} MB (Chroma alone with metadata: {theirs['peak'] / MB:,.0f});"
          f" disk, MB: {disk} (Chroma alone with metadata: {theirs['disk'] / MB:,.0f})")  # fmt: skip
    return {kind: float(times[kind]["p50"]) for kind in KINDS}


def main(sizes: Sequence[int]) -> None:
    """Print a table for each size, and how the largest compares with the smallest."""
    # In a process of its own, too.
    subprocess.run([sys.executable, "-m", "tests.bench.retrieval_homes", *map(str, sizes)], check=True)
    print(f"{os.cpu_count()} processors")
    medians = [shown(size) for size in sizes]
    if len(sizes) > 1:
        ratios = {kind: medians[-1][kind] / medians[0][kind] for kind in KINDS}
        told = ", ".join(f"{kind} {ratio:.1f}" for kind, ratio in ratios.items())
        print(f"\nTimes the p50 at {sizes[0]:,} (target: at most 3): {told}")
    print(f"Load averages after: {load()}")


PARTS = {"retrieving": retrieving, "where": where}

if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in PARTS:
        print(json.dumps(PARTS[sys.argv[1]](int(sys.argv[2]))))
    else:
        main([int(size) for size in sys.argv[1:]] or SIZES)
