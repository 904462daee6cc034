"""What users see when a chat model fails, one transcript for each way to fail: ``python -m tests.bench.failures``.

Every command runs in a process of its own over the sample articles, against a scripted OpenAI-compatible server on this
machine. Names of failures as arguments choose among them. Needs nothing else, and takes about ten seconds for each.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from time import perf_counter

from tests.conftest import ROOT, SAMPLE
from tests.fakes import Reply, ScriptedOpenAI

QUESTION = "How many people did the flood in Brannick kill?"
DAY = "2025-03-26"
TOLD = "The flood in Brannick killed four people [1]."
MORE = f"{TOLD} Rescuers are still looking for others along the river [1]."
MODEL = "openai:scripted"
_LONGEST_SHOWN = 1200


@dataclass(frozen=True)
class Failure:
    """One way to fail: what the server does, and with which settings the command runs.

    ``named``: the question names its model (``--model``). ``url``: another server than the scripted one.
    """

    name: str
    what: str
    replies: Sequence[Reply]
    env: dict[str, str] = field(default_factory=dict)
    named: bool = True
    url: str | None = None


def _in(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


def failures() -> Iterator[Failure]:
    """Every failure, in the order of the transcript."""
    quick = {"DATELINE_MODEL_FIRST_TIMEOUT": "2", "DATELINE_MODEL_IDLE_TIMEOUT": "2", "DATELINE_MODEL_RETRIES": "0"}
    once = {"DATELINE_MODEL_RETRIES": "0"}
    hang = [Reply(TOLD, delay=60)]
    yield Failure("hang", "the server takes the question and says nothing", hang, quick)
    yield Failure("hang-open", "the same, asked without naming a model", hang, quick, named=False)
    drip = [Reply(MORE * 9, piece_size=1, piece_delay=0.1)]
    yield Failure("slow-drip", "a letter every tenth of a second", drip, {"DATELINE_MODEL_TIMEOUT": "3"})
    late_drip = {"DATELINE_MODEL_TIMEOUT": "8"}
    yield Failure(
        "slow-drip-open", "the same, after a sentence was shown, no model named", drip, late_drip, named=False
    )
    silence = [Reply(MORE, piece_size=60, piece_delay=30)]
    yield Failure("silence", "the first words, and then nothing", silence, quick)
    yield Failure("429", "429 with Retry-After: 2, then an answer", [Reply(status=429, headers={"retry-after": "2"})])
    yield Failure("429-date", "429 with Retry-After as a date", [Reply(status=429, headers={"retry-after": _in(2)})])
    yield Failure("429-long", "429 with Retry-After: 3600", [Reply(status=429, headers={"retry-after": "3600"})])
    tries = {"DATELINE_MODEL_RETRIES": "3"}
    yield Failure("500-thrice", "500 thrice, then an answer", [Reply(status=500)] * 3, tries)
    yield Failure("500", "500 every time", [Reply(status=500)] * 3)
    yield Failure("cut", "the stream is cut before the first sentence is whole", [Reply(MORE, cut_after=4)])
    shown = [Reply(MORE, cut_after=12)]
    yield Failure("cut-late", "the stream is cut after a sentence was shown", shown)
    yield Failure("cut-late-open", "the same, asked without naming a model", shown, named=False)
    yield Failure("invalid-json", "events that are no JSON", [Reply(body="data: {broken\n\n")], once)
    yield Failure("empty", "an empty answer", [Reply("")])
    yield Failure("long", "an answer of 200,000 characters", [Reply(f"{TOLD} " * 4348, piece_size=500)])
    yield Failure(
        "length", "an answer that reached the model's limit", [Reply(f"{TOLD} Rescuers are", finish="length")]
    )
    yield Failure("401", "401: the key is refused", [Reply(status=401)])
    yield Failure("401-open", "the same, asked without naming a model", [Reply(status=401)], named=False)
    yield Failure("404", "404: the model is unknown", [Reply(status=404)])
    nowhere = "http://127.0.0.1:9/v1"
    yield Failure("refused", "nobody listens there", [], once, url=nowhere)
    yield Failure("refused-open", "the same, asked without naming a model", [], once, named=False, url=nowhere)
    second = {"DATELINE_FALLBACK_MODELS": "openai:second", **once}
    yield Failure("fallback", "500, with another model to follow", [Reply(status=500)], second)
    reader = {"DATELINE_FALLBACK_MODELS": "extractive", **once}
    yield Failure("fallback-reader", "401, with the embedded reader to follow", [Reply(status=401)], reader)


def _dateline(arguments: Sequence[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("DATELINE_", "OPENAI_"))}
    everything = {**mine, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "NO_COLOR": "1", **env}
    command = [sys.executable, "-m", "api.cli", *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", env=everything, timeout=300, check=False)


def transcript(failure: Failure, home: Path) -> str:
    """What was run, and what came of it."""
    arguments = ["ask", QUESTION, "--as-of", DAY]
    with ScriptedOpenAI(*failure.replies, default=TOLD) as server:
        env = {"DATELINE_MODEL_BASE_URL": failure.url or server.base_url, **failure.env}
        if failure.named:
            arguments += ["--model", MODEL]
        else:
            env["DATELINE_MODEL"] = MODEL
        begun = perf_counter()
        ran = _dateline(arguments, {"DATELINE_HOME": str(home), **env})
        took, asked = perf_counter() - begun, len(server.requests)
    env.pop("DATELINE_MODEL_BASE_URL")
    shown = " ".join(
        [*(f"{name}={shlex.quote(value)}" for name, value in env.items()), "dateline", shlex.join(arguments)]
    )
    return "\n".join(
        [
            f"== {failure.name}: {failure.what}",
            f"$ {shown}",
            *(f"  {line}" for line in _shortened(ran.stdout).splitlines()),
            *(f"! {line}" for line in _shortened(ran.stderr).splitlines()),
            f"# exit code {ran.returncode}, {took:.1f} s, asked {asked} times",
            "",
        ]
    )


def _shortened(text: str) -> str:
    left_out = len(text) - _LONGEST_SHOWN
    return text if left_out <= 0 else f"{text[:_LONGEST_SHOWN]}\n... {left_out} characters more"


def main(names: Sequence[str]) -> int:
    """Print the transcripts of ``names``, of all when there are none. Returns 2 for a name that does not exist."""
    all_failures = {failure.name: failure for failure in failures()}
    if unknown := [name for name in names if name not in all_failures]:
        print(f"no such failure: {', '.join(unknown)}; there are: {', '.join(all_failures)}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "home"
        made = _dateline(["ingest", str(SAMPLE / "articles")], {"DATELINE_HOME": str(home)})
        if made.returncode:
            print(made.stderr, file=sys.stderr)
            return 1
        for name in names or all_failures:
            print(transcript(all_failures[name], home), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
