"""Dateline's ingest and a plain LangChain pipeline side by side, on the same articles, in one run.

Usage: ``python -m tests.bench.ingest [ARTICLES.jsonl.gz] [--n 300] [--rounds 2] [--unchanged N] [--memory FEW MANY]``.
Without a path the articles are ``realtimeqa-2024q1/articles.jsonl.gz`` in the directory that DATELINE_BENCH_DATA
names. The ``n`` articles are taken evenly from the file. Every measurement runs in a process of its own, the two
pipelines alternating; each is loaded before its clock starts, and what loading takes is shown beside. Needs the
``bench`` extra and langchain-huggingface; ``make bench-ingest`` installs both.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

# Nothing heavy is imported here: a child's peak of memory starts at its parent's.
Figures = dict[str, Any]

MB = 1_000_000
DATA = "realtimeqa-2024q1/articles.jsonl.gz"
WORDS = tuple(
    f"{a}{b}{c}" for a in ("bel", "cor", "dun", "far", "hal") for b in "aeiou" for c in ("ster", "mond", "ver")
)


def measured(part: str, **told: Any) -> Figures:
    """Run one part of ``tests.bench.ingest_parts`` in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.ingest_parts", part, json.dumps(told)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{part} failed:\n{done.stderr[-2_000:]}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def lines_of(path: Path) -> Iterator[str]:
    """The lines of a file that may be gzipped."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        yield from file


def chosen(path: Path, n: int | None) -> list[str]:
    """``n`` lines taken evenly from all, in order; all for None or when there are no more."""
    lines = list(lines_of(path))
    if n is None or n >= len(lines):
        return lines
    return [lines[i * len(lines) // n] for i in range(n)]


def invented(n: int, to: Path) -> Path:
    """``n`` generated articles of about 2,500 characters."""
    dice = random.Random(n)
    with to.open("w", encoding="utf-8") as file:
        for number in range(n):
            sentences = [" ".join(dice.choices(WORDS, k=14)).capitalize() + f" {dice.random()}." for _ in range(22)]
            day = f"2024-{1 + number % 12:02}-{1 + number % 28:02}"
            file.write(json.dumps({"id": f"made-{number}", "text": " ".join(sentences), "published": day}) + "\n")
    return to


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def side_by_side(lines: Sequence[str], rounds: int, folder: Path) -> Figures:
    """Both pipelines in turn; prints their table and returns Dateline's last run."""
    articles = folder / "articles.jsonl"
    articles.write_text("".join(lines), encoding="utf-8")
    runs: dict[str, list[Figures]] = {"plain LangChain": [], "Dateline": []}
    for number in range(rounds):
        runs["plain LangChain"].append(measured("plain", articles=str(articles), folder=str(folder / f"plain{number}")))
        runs["Dateline"].append(measured("dateline", articles=str(articles), home=str(folder / f"home{number}")))
    header = ("pipeline", "articles/s", "seconds", "loading", "chunks", "chunks/s", "peak MB", "disk MB")
    rows = []
    for name, figures in runs.items():
        for one in figures:
            speed, chunks = one["read"] / one["seconds"], one["chunks"]
            rows.append((
                name, f"{speed:.2f}", f"{one['seconds']:.1f}", f"{one['load']:.1f}", chunks,
                f"{chunks / one['seconds']:.1f}", f"{one['peak'] / MB:.0f}", f"{one['disk'] / MB:.1f}",
            ))  # fmt: skip
    print(table(header, rows))
    plain, ours = ([one["read"] / one["seconds"] for one in figures] for figures in runs.values())
    last = runs["Dateline"][-1]
    ratio = statistics.median(ours) / statistics.median(plain)
    print(f"\nDateline / plain, medians of {rounds}: {ratio:.2f} times the articles/s (target 3, aim 4)")
    heavier = max(one["peak"] for one in runs["Dateline"]) / max(one["peak"] for one in runs["plain LangChain"])
    print(f"Peak memory, Dateline / plain: {heavier:.2f} (target: at most 1)")
    spent = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in last["stages"].items())
    print(f"Dateline's stages, seconds: {spent}; {last['failed']} records failed")
    found = measured("findable", articles=str(articles), home=str(folder / "watched"), wanted=last["articles"])
    print(f"All {last['articles']} articles findable by their words, from another process: {found['seconds']:.1f} s"
          " (target for 300: 3)")  # fmt: skip
    return last


def exactness(last: Figures, home: Path) -> None:
    """Prints how near the vectors are to float32, and how near the embedder to the machine's limit."""
    near = measured("exactness", home=str(home), sample=200)
    print(f"Cosine to float32 over {near['n']} chunks: mean {near['mean']:.4f}, lowest {near['lowest']:.4f}"
          " (targets 0.99, 0.97)")  # fmt: skip
    limit = measured("matrix_limit")
    kind = next((name for name in limit if name in last["backend"]), "float32")
    embedding = last["stages"].get("embed") or last["seconds"]
    used = last["embedded"] * near["flops"] / embedding
    speeds = ", ".join(f"{name} {most / 1e9:.0f}" for name, most in limit.items())
    print(f"Matrix products here, 1e9 operations/s: {speeds}")
    print(
        f"Embedder {last['backend']}: {last['embedded'] / embedding:.1f} chunks/s of {near['tokens']:.0f} tokens on"
        f" average, {used / 1e9:.0f}e9 operations/s: {used / limit[kind]:.0%} of the limit for {kind}, which is"
        f" {limit[kind] / near['flops']:.0f} chunks/s"
    )


def unchanged(lines: Sequence[str], folder: Path) -> None:
    """Prints how long it takes to ingest again what is there. A stand-in embeds it the first time."""
    articles, home = folder / "unchanged.jsonl", folder / "unchanged"
    articles.write_text("".join(lines), encoding="utf-8")
    measured("standing_in", articles=str(articles), home=str(home))
    again = measured("standing_in", articles=str(articles), home=str(home))
    print(f"Ingesting {again['read']} articles again, {again['unchanged']} of them unchanged: {again['seconds']:.1f} s"
          " (target for 2,450: 5)")  # fmt: skip


def memory(small: int, large: int, folder: Path) -> None:
    """Prints how the peak of memory grows from few articles to many, without Chroma and with it."""
    peaks: dict[bool, list[Figures]] = {False: [], True: []}
    for count in (small, large):
        articles = invented(count, folder / f"made{count}.jsonl")
        for chroma, figures in peaks.items():
            home = folder / f"made{count}-{chroma}"
            figures.append(measured("standing_in", articles=str(articles), home=str(home), chroma=chroma))
    few, many = peaks[False]
    growth = many["peak"] / few["peak"] - 1
    print(f"Peak with a stand-in embedder and no Chroma: {few['peak'] / MB:.0f} MB for {small} articles,"
          f" {many['peak'] / MB:.0f} MB for {large}: {growth:+.1%} (target: at most 10%)")  # fmt: skip
    few, many = peaks[True]
    growth = (many["peak"] - few["peak"]) / (many["chunks"] - few["chunks"])
    print(f"With Chroma: {few['peak'] / MB:.0f} MB ({few['chunks']} chunks), {many['peak'] / MB:.0f} MB"
          f" ({many['chunks']} chunks): {growth / 1000:.2f} kB a chunk (target: at most 2.5)")  # fmt: skip


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.ingest", description="Dateline beside plain LangChain")
    parser.add_argument("articles", nargs="?", type=Path, help=f"default: {DATA} in DATELINE_BENCH_DATA")
    parser.add_argument("--n", type=int, default=300, help="articles both pipelines ingest")
    parser.add_argument("--rounds", type=int, default=2, help="how often each pipeline runs")
    parser.add_argument("--unchanged", type=int, help="articles ingested twice (default: all in the file)")
    parser.add_argument("--memory", type=int, nargs=2, default=(1_000, 10_000), help="generated articles, few and many")
    told = parser.parse_args()
    if told.articles is None:
        data = os.environ.get("DATELINE_BENCH_DATA")
        if not data:
            parser.error("name a file of articles, or the directory of the data in DATELINE_BENCH_DATA")
        told.articles = Path(data) / DATA
    if not told.articles.is_file():
        parser.error(f"there is no file {told.articles}")
    return told


def load() -> str:
    """How busy the machine is."""
    return ", ".join(f"{average:.2f}" for average in os.getloadavg())


def main() -> None:
    """Print every figure."""
    told = arguments()
    print(f"{os.cpu_count()} processors, load averages {load()} before", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        last = side_by_side(chosen(told.articles, told.n), told.rounds, folder)
        exactness(last, folder / f"home{told.rounds - 1}")
        unchanged(chosen(told.articles, told.unchanged), folder)
        memory(told.memory[0], told.memory[1], folder)
    print(f"Load averages after: {load()}")


if __name__ == "__main__":
    main()
