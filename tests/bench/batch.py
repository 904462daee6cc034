"""What `dateline batch` survives, and how fast it is: ``python -m tests.bench.batch [limits|kills|reader]...``.

``limits``: 2,000 questions against a server that limits requests and fails as servers do; ``kills``: one batch killed
at 25 random moments; ``reader``: 300 questions of the first quarter answered by the embedded reader. Each prints its
figures and whether its target was met; the exit code is 1 when one was not. The last takes DATELINE_BENCH_DATA and the
collections of ``tests.bench.retrieval_homes``. Every command runs in a process of its own, against this machine alone.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

from tests.bench.batch_server import LimitedOpenAI, question
from tests.conftest import ROOT, SAMPLE

COMMAND = [sys.executable, "-m", "api.cli"]
PER_MINUTE = 900
WITHIN = 0.15
"""Of what the server's limits allow, throughput may fall short by so much."""
AT_LEAST = 10.0
"""Questions a second of the embedded reader."""


def dateline(*arguments: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, in a process of its own."""
    told = [*COMMAND, *map(str, arguments)]
    return subprocess.run(told, env=environment(**env), capture_output=True, encoding="utf-8", check=False)


def environment(**more: str) -> dict[str, str]:
    """The variables of a process of the command's own."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **more}


def of(server: LimitedOpenAI) -> dict[str, str]:
    """The variables that lead to ``server``."""
    return {
        "DATELINE_MODEL": "openai:scripted",
        "DATELINE_MODEL_BASE_URL": server.base_url,
        "DATELINE_MODEL_API_KEY": "none",
        "DATELINE_MODEL_FIRST_TIMEOUT": "5",
    }


def sample_home(folder: Path) -> Path:
    """A home of the sample articles."""
    home = folder / "home"
    made = dateline("ingest", SAMPLE / "articles", "--home", home)
    if made.returncode:
        raise SystemExit(made.stderr)
    return home


def numbered(path: Path, count: int) -> Path:
    """A file of so many questions."""
    path.write_text("\n".join(map(question, range(count))) + "\n", encoding="utf-8")
    return path


def rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a file of answers, without what differs from run to run."""
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in found:
        if row["answer"]:
            del row["answer"]["timings_ms"]
    return found


def limits(folder: Path, count: int) -> bool:
    """A server of 900 requests a minute, of which 5% get 429, 2% hang and 1% fail."""
    home, output = sample_home(folder), folder / "answers.jsonl"
    with LimitedOpenAI(per_minute=PER_MINUTE, refusals=0.05, hangs=0.02, errors=0.01, latency=0.3) as server:
        ran = dateline(
            "batch", numbered(folder / "questions.txt", count), "-o", output, "--home", home, "--concurrency", "24",
            "--requests-per-minute", str(PER_MINUTE), "--as-of", "2025-06-30", **of(server),
        )  # fmt: skip
        seconds = server.times[-1] - server.times[0]
    answered = sum(row["error"] is None for row in rows(output))
    rate = len(server.times) / seconds * 60
    print(f"limits: {ran.stdout.strip()} (exit {ran.returncode})")
    print(f"  {answered} of {count} answered; answered questions asked again: {len(server.asked_again)}")
    print(f"  the server's outcomes: {dict(server.outcomes)}")
    print(
        f"  {len(server.times)} requests in {seconds:.1f} s: {rate:.0f} a minute, {rate / PER_MINUTE:.1%} of its limit"
    )
    return answered == count and not server.asked_again and rate >= PER_MINUTE * (1 - WITHIN)


def kills(folder: Path, count: int, times: int = 25, seed: int = 1) -> bool:
    """One batch, killed (SIGKILL) at random moments of its life, begin and end included."""
    home, chance = sample_home(folder), random.Random(seed)
    questions = numbered(folder / "questions.txt", count)
    output, undisturbed = folder / "answers.jsonl", folder / "undisturbed.jsonl"
    told: list[str | Path] = ["--home", home, "--as-of", "2025-06-30", "--concurrency", "4"]
    with LimitedOpenAI(latency=0.5) as server:
        begun = perf_counter()
        dateline("batch", questions, "-o", undisturbed, *told, **of(server))
        alone = perf_counter() - begun
    with LimitedOpenAI(latency=0.5) as server:
        done, recorded, recorded_twice = 0, 0, 0
        for _ in range(times):
            command = [*COMMAND, "batch", str(questions), "-o", str(output), *map(str, told)]
            with subprocess.Popen(
                command, env=environment(**of(server)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            ) as process:
                # From the start of Python to some questions in.
                sleep(chance.uniform(0.0, alone / 4))
                done += process.poll() is None
                process.kill()
                process.wait()
            known = _recorded(output)
            recorded_twice += len(known) - len(set(known))
            recorded = len(set(known))
        ran = dateline("batch", questions, "-o", output, *told, **of(server))
        known = _recorded(output)
    same = rows(output) == rows(undisturbed)
    print(f"kills: an undisturbed run of {count} questions takes {alone:.1f} s; killed {done} times in {times}")
    print(f"  {recorded} recorded before the last run, which said: {ran.stdout.strip()} (exit {ran.returncode})")
    print(f"  the same file: {same}; keys recorded twice: {len(known) - len(set(known))}")
    print(f"  asked {server.asked.total()} times for {count} questions: in flight at a kill, asked again")
    return same and done == times and len(known) == len(set(known)) == count


def _recorded(output: Path) -> list[str]:
    """The keys in the journal, in order; a torn last line is none."""
    journal = output.with_name(output.name + ".journal")
    if not journal.exists():
        return []
    lines = journal.read_bytes().split(b"\n")[:-1]
    return [record["key"] for line in lines if "key" in (record := json.loads(line))]


def reader(folder: Path, count: int) -> bool:
    """Questions of the first quarter by the embedded reader, the start of Python and of the models included."""
    from tests.bench.retrieval_homes import QUARTERS, data, quarter

    home = quarter(QUARTERS[0])
    if not home.exists():
        raise SystemExit("make the collections first: python -m tests.bench.retrieval_homes")
    source = data() / QUARTERS[0] / "questions.jsonl"
    questions = folder / "questions.jsonl"
    questions.write_text("\n".join(source.read_text(encoding="utf-8").splitlines()[:count]) + "\n", encoding="utf-8")
    begun = perf_counter()
    ran = dateline("batch", questions, "-o", folder / "answers.jsonl", "--home", home, "--json")
    seconds = perf_counter() - begun
    document = json.loads(ran.stdout)
    asked = document["asked"]
    print(f"reader: {asked} questions in {seconds:.1f} s, start-up included: {asked / seconds:.1f} a second")
    print(f"  {document['answered']} answered, {document['abstained']} abstained, {document['failed']} failed")
    return not document["failed"] and asked / seconds >= AT_LEAST


def main() -> None:
    """Run what was named, or all three."""
    targets: dict[str, tuple[Callable[[Path, int], bool], int]] = {
        "limits": (limits, 2000),
        "kills": (kills, 200),
        "reader": (reader, 300),
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", nargs="*", choices=[*targets, []], default=[])
    parser.add_argument("--n", type=int, help="questions, instead of the target's own number")
    told = parser.parse_args()
    missed = []
    for name in told.target or targets:
        run, count = targets[name]
        with tempfile.TemporaryDirectory(prefix="dateline-batch-") as folder:
            if not run(Path(folder), told.n or count):
                missed.append(name)
            print(f"  target {'missed' if name in missed else 'met'}", flush=True)
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
