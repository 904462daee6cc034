"""Retrieval and answers on the sample articles, held against the scores recorded beside this file.

Usage: ``python -m tests.bench.smoke [--record]``; ``make bench-smoke`` runs it, in about half a minute. Exits with 1
where a score fell by more than noise: where no difference at all lies outside the 95% interval of the paired bootstrap
over the sample's questions (see ``qa.evaluation.resampling``). ``--record`` writes the scores anew, after a change that
was meant.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qa.evaluation.comparing import Change, compare

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "tests" / "data" / "sample"
RECORDED = Path(__file__).with_name("smoke.json")
METRICS = ("mrr@10", "articles.ndcg@10", "holds_answer", "citation_precision", "citation_recall", "failed", "leaks")


def evaluated() -> dict[str, Any]:
    """The sample's evaluation, by the commands a user would give, in a home that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="dateline-smoke-") as folder:
        home = ["--home", str(Path(folder) / "home")]
        _dateline("ingest", str(SAMPLE / "articles"), *home)
        journal = ["--journal", str(Path(folder) / "journal")]
        told: dict[str, Any] = json.loads(_dateline("eval", str(SAMPLE / "questions.jsonl"), "--json", *home, *journal))
    return told


def recorded_form(told: Mapping[str, Any]) -> dict[str, Any]:
    """What is recorded: the scores of each question, without what differs from run to run."""
    rows = [{"id": row["id"], **{name: row[name] for name in METRICS}} for row in told["rows"]]
    return {"rows": rows}


def fallen(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The scores that fell by more than noise. Raises ``InputError`` when the two have no question in common."""
    return [one for one in compare(before, after).changes if one.verdict == "worse"]


def _dateline(*arguments: str) -> str:
    command = [sys.executable, "-m", "api.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> int:
    """Print the comparison; the exit code."""
    now = recorded_form(evaluated())
    if "--record" in sys.argv[1:]:
        lines = ",\n".join(json.dumps(row) for row in now["rows"])
        RECORDED.write_text(f'{{"rows": [\n{lines}\n]}}\n', encoding="utf-8")
        return 0
    before = json.loads(RECORDED.read_text(encoding="utf-8"))
    for one in compare(before, now).changes:
        print(f"{one.name}: {one.before:.3f} recorded, {one.after:.3f} now ({one.verdict})")
    lost = fallen(before, now)
    if lost:
        print(f"fell by more than noise: {', '.join(one.name for one in lost)}", file=sys.stderr)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
