"""Pure but for :func:`write`: what was measured as Markdown, and what became of the targets.

A report is the object that ``--json`` writes: ``date``, ``machine``, ``told`` (``n``, ``questions``, ``articles``,
``rounds``), ``loads`` before and after, ``versions`` by title, ``cosine`` (the lowest of ready vectors to float32),
``rows``, and ``against`` (the peer with the best MRR@10, and our ratio to it; or None).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench.ingest import MB, table

Report = Mapping[str, Any]
Row = Mapping[str, Any]

OURS = "Dateline"
BEGIN, END = "<!-- peers: written by `make bench-peers` -->", "<!-- peers: end -->"
BUDGET = 5_000
"""Characters that are read of what was found, about 1,200 tokens: five passages of Dateline's."""

FASTER, BETTER, QUICKER = 2.0, 1.15, 20.0
"""Targets: articles/s, MRR@10 and p50 against the peer that each is about."""

COLUMNS: dict[str, tuple[Callable[[Row], float], bool]] = {
    "ingest": (lambda row: speed(row), True),
    "peak memory": (lambda row: peak(row), False),
    "MRR@10": (lambda row: float(row["mrr@10"]), True),
    "hit@5": (lambda row: float(row["hit@5"]), True),
    f"hit in {BUDGET:,} characters": (lambda row: float(row["hit in budget"]), True),
    "p50": (lambda row: p50(row), False),
    "p95": (lambda row: p95(row), False),
    "disk": (lambda row: disk(row), False),
    "lines of user code": (lambda row: float(row["lines"]), False),
}
"""Each column's figure, and whether more of it is better."""


def speed(row: Row) -> float:
    """Articles a second, in the best round."""
    return float(max(one["articles"] / one["seconds"] for one in row["ingest"]))


def peak(row: Row) -> float:
    """Bytes of memory held at most, in the best round."""
    return float(min(one["peak"] for one in row["ingest"]))


def disk(row: Row) -> float:
    """Bytes on disk after ingest."""
    return float(min(one["disk"] for one in row["ingest"]))


def p50(row: Row) -> float:
    """Median milliseconds a question, in the best round."""
    return float(min(one["p50"] for one in row["times"]))


def p95(row: Row) -> float:
    """The same of the 95th percentile."""
    return float(min(one["p95"] for one in row["times"]))


def measured(report: Report) -> list[Row]:
    """The rows that did not fail, in order."""
    return [row for row in report["rows"] if not row["failed"]]


def name(row: Row) -> str:
    """What a row is called."""
    return row["title"] if row["title"] == OURS else f"{row['title']}, {row['variant']}"


def _all(figures: Sequence[float], digits: int) -> str:
    """The figures of all rounds, the first one first; one where they are shown alike."""
    shown = [f"{figure:,.{digits}f}" for figure in figures]
    return shown[0] if len(set(shown)) == 1 else ", ".join(shown)


def _cells(row: Row) -> list[str]:
    mean, (low, high) = row["mrr@10"], row["interval"]
    note = "" if row["embeds"] else " (embeds nothing)"
    return [
        name(row),
        _all([one["articles"] / one["seconds"] for one in row["ingest"]], 2) + note,
        _all([one["peak"] / MB for one in row["ingest"]], 0),
        _all([one["disk"] / MB for one in row["ingest"]], 1),
        f"{mean:.3f} ({low:.3f} to {high:.3f})",
        f"{row['hit@5']:.3f}",
        f"{row['hit in budget']:.3f}",
        f"{row['characters']:,.0f}",
        _all([one["p50"] for one in row["times"]], 1),
        _all([one["p95"] for one in row["times"]], 1),
        str(row["lines"]),
    ]


def full(report: Report) -> str:
    """The whole table, with what it was measured on and what became of the targets."""
    within = f"hit in {BUDGET:,} characters"
    figures = ("MRR@10 (95% interval)", "hit@5", within, "characters a passage", "p50 ms", "p95 ms")
    header = ("", "articles/s", "peak MB", "disk MB", *figures, "lines")
    rows = [
        _cells(row) if not row["failed"] else [name(row), f"failed: {row['failed']}", *[""] * 9]
        for row in report["rows"]
    ]
    exact = f"Lowest cosine of ready-made vectors to float32 in samples: {report['cosine']:.4f}."
    closing = f"Releases: {_versions(report)}. {exact}"
    return "\n".join([setting(report), "", table(header, rows), "", *targets(report), "", closing])


def short(report: Report) -> str:
    """A few columns, the best round of each."""
    header = ("", "ingest, articles/s", "peak MB", "MRR@10", "hit@5", f"hit in {BUDGET:,} characters", "p50 ms")
    rows: list[list[str]] = []
    for row in report["rows"]:
        if row["failed"]:
            rows.append([name(row), "failed", *[""] * 5])
            continue
        note = "" if row["embeds"] else " (embeds nothing)"
        hits = [f"{row[metric]:.3f}" for metric in ("mrr@10", "hit@5", "hit in budget")]
        rows.append([name(row), f"{speed(row):.1f}{note}", f"{peak(row) / MB:,.0f}", *hits, f"{p50(row):,.1f}"])
    return setting(report) + "\n\n" + table(header, rows)


def setting(report: Report) -> str:
    """When, where and over what, in a sentence."""
    machine, told = report["machine"], report["told"]
    memory = f", {machine['memory'] / 1e9:.0f} GB of memory" if machine["memory"] else ""
    fast = f" with {machine['bfloat16']}" if machine["bfloat16"] else ""
    return (
        f"{report['date']}, {machine['cores']} cores of {machine['cpu']}{fast}{memory}, {machine['system']};"
        f" {told['n']} articles ingested, {told['questions']} questions over {told['articles']:,} articles,"
        f" {told['rounds']} rounds in turn, load averages {report['loads'][0]} before and {report['loads'][1]} after."
    )


def _versions(report: Report) -> str:
    told = [", ".join(f"{one} {version}" for one, version in of.items()) for of in report["versions"].values() if of]
    return "; ".join(told)


def targets(report: Report) -> list[str]:
    """A line for each target: what it asks, what came of it. Empty where Dateline or all peers were not measured."""
    rows = measured(report)
    ours = next((row for row in rows if row["title"] == OURS), None)
    others = [row for row in rows if row["title"] != OURS]
    if ours is None or not others:
        return []
    lines = []
    if embedding := [row for row in others if row["embeds"]]:
        fastest = max(embedding, key=speed)
        times = speed(ours) / speed(fastest)
        who = f"{name(fastest)}, the fastest peer that embeds with the same weights"
        lines.append(_line(times >= FASTER, f"ingest {times:.2f} times as fast as {who} (target: {FASTER:g})"))
    against = report["against"]
    best = next(row for row in others if name(row) == against["name"])
    if against["ratio"] is not None:
        figures = f"{against['ratio']:.2f} times ({against['low']:.2f} to {against['high']:.2f})"
        better = f"MRR@10 {figures} that of {name(best)}, the best peer (target: {BETTER:g})"
        lines.append(_line(against["ratio"] >= BETTER, better))
    times = p50(best) / p50(ours)
    quicker = f"p50 is {p50(ours):.1f} ms, that peer's {times:.1f} times as much (target: {QUICKER:g})"
    lines.append(_line(times >= QUICKER, quicker))
    behind = [f"{column} (first: {name(first)})" for column, first in _ahead(ours, others).items()]
    lines.append(
        "Dateline is first in every column." if not behind else f"Dateline is not first in: {', '.join(behind)}."
    )
    return [f"- {line}" for line in lines]


def _line(met: bool, words: str) -> str:
    return f"{'Met' if met else 'Missed'}: {words}."


def _ahead(ours: Row, others: Sequence[Row]) -> dict[str, Row]:
    """The columns in which another row is ahead of ours, and the first of them there."""
    found = {}
    for column, (figure, more) in COLUMNS.items():
        sign = 1 if more else -1
        first = max(others, key=lambda row: sign * figure(row))
        if sign * figure(first) > sign * figure(ours):
            found[column] = first
    return found


def put(document: str, made: str) -> str:
    """The document with ``made`` between its markers. Raises ``ValueError`` when it has no markers."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"put the lines {BEGIN} and {END} where the table is to stand")
    return f"{before}{begin}\n\n{made}\n\n{end}{after}"


def write(report: Report, root: Path) -> None:
    """Write the full table into ARCHITECTURE.md and the short one into README.md, in ``root``."""
    for document, made in ((root / "ARCHITECTURE.md", full(report)), (root / "README.md", short(report))):
        document.write_text(put(document.read_text(encoding="utf-8"), made), encoding="utf-8")
