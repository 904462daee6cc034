"""Runs the parts of ``tests.bench.peers.harness`` for every peer. A peer that fails keeps its rows, with the reason."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Nothing heavy is imported here: a child's peak of memory starts at its parent's.
from tests.bench.peers.environments import REQUIREMENTS, folder, python_of
from tests.bench.peers.protocol import Failed

ROOT = Path(__file__).resolve().parents[3]
RUNNERS = Path(__file__).with_name("runners")
PEERS = ("langchain", "llamaindex", "haystack", "txtai", "newsrag", "dateline")
MODEL = "all-MiniLM-L6-v2"
LONGEST = 3_600
"""Seconds after which a part is given up."""

_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "ANONYMIZED_TELEMETRY": "False",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
}


@dataclass
class Peer:
    """A peer, what it said of itself, and why it cannot go on, if so."""

    name: str
    python: Path = field(default_factory=Path)
    about: dict[str, Any] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    """Variant to the reason; every variant fails where the peer does."""
    cosine: float | None = None
    """The lowest of its ready vectors to float32; None until they are there."""

    @property
    def source(self) -> str:
        """The runner's source."""
        return (RUNNERS / f"{self.name}.py").read_text(encoding="utf-8")

    def variants(self) -> list[str]:
        """Those that have not failed, in order."""
        return [one for one in self.about.get("variants", ()) if one not in self.failed]

    def ingests(self) -> dict[str, str]:
        """Each way of ingesting to the first variant that has it, of those that have not failed."""
        found: dict[str, str] = {}
        for variant in self.variants():
            found.setdefault(self.ingest_of(variant), variant)
        return found

    def ingest_of(self, variant: str) -> str:
        """The name of the function by which a variant ingests."""
        return str(self.about["variants"][variant][0])

    def fail(self, reason: str, *variants: str) -> None:
        """Give the variants up, all of them when none is named."""
        # It is to fit into a cell of a table.
        reason = " ".join(reason.replace("|", "/").split())
        for variant in variants or self.about.get("variants", (self.name,)):
            self.failed.setdefault(variant, reason)
        said(f"{self.name} failed: {reason}")


def said(words: str) -> None:
    """Progress."""
    print(f"[{time.strftime('%H:%M:%S')}] {words}", file=sys.stderr, flush=True)


def run(peer: Peer, part: str, **told: Any) -> list[dict[str, Any]]:
    """The lines of a part in the peer's environment. Raises ``Failed`` with the last line of what it said."""
    command = [str(peer.python), "-m", "tests.bench.peers.harness", peer.name, part, json.dumps(told)]
    return _lines(command, part)


def _lines(command: Sequence[str], part: str) -> list[dict[str, Any]]:
    # Each library chooses for itself how many threads it uses.
    inherited = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=inherited | _ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST,
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"{part}: not done after {LONGEST} s") from None
    if done.returncode:
        words = done.stderr.strip().splitlines()
        raise Failed(f"{part}: {words[-1][:200] if words else f'exit code {done.returncode}'}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def prepared(names: Sequence[str]) -> list[Peer]:
    """The peers with their environments, and with what they say of themselves."""
    peers = []
    for name in names:
        peer = Peer(name)
        peers.append(peer)
        try:
            peer.python = python_of(name)
            (peer.about,) = run(peer, "about")
        except Failed as error:
            peer.fail(str(error))
    return peers


def index(peer: Peer, articles: Path, variant: str) -> tuple[Path, float]:
    """The peer's index of the articles, made with ready vectors unless it is there, and their lowest cosine to float32.

    Raises ``Failed``.
    """
    made = folder() / f"index-{peer.name}-{peer.ingest_of(variant)}-{_digest(peer, articles)}"
    if (made / "whole").exists():
        return made / "index", float((made / "whole").read_text(encoding="utf-8"))
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    vectors = folder() / "vectors.sqlite"
    if peer.cosine is None:
        said(f"{peer.name}: vectors of its chunks")
        peer.cosine = _embedded(peer, articles, vectors)
    said(f"{peer.name}: index ({peer.ingest_of(variant)})")
    told = {"articles": str(articles), "folder": str(made / "index"), "vectors": str(vectors), "model": MODEL}
    run(peer, "build", variant=variant, **told)
    (made / "whole").write_text(str(peer.cosine), encoding="utf-8")
    return made / "index", peer.cosine


def _embedded(peer: Peer, articles: Path, vectors: Path) -> float:
    with tempfile.TemporaryDirectory() as name:
        texts = Path(name) / "texts.jsonl"
        wanted = run(peer, "texts", articles=str(articles))
        texts.write_text("".join(json.dumps(one) + "\n" for one in wanted), encoding="utf-8")
        command = [sys.executable, "-m", "tests.bench.peers.embed", str(texts), str(vectors)]
        (done,) = _lines(command, "embed")
    return float(done["cosine"])


def _digest(peer: Peer, articles: Path) -> str:
    """Of everything that an index depends on."""
    listed = REQUIREMENTS / f"{peer.name}.txt"
    if listed.exists():
        sources = [listed]
    else:
        sources = sorted(path for package in ("qa", "ingest") for path in (ROOT / package).rglob("*.py"))
    digest = hashlib.blake2b(peer.source.encode(), digest_size=6)
    for path in (*sources, articles):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def ingested(peers: Sequence[Peer], articles: Path, rounds: int) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Figures of every way of ingesting, by peer and function, a round after another."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}

    def once(peer: Peer) -> None:
        for how, variant in peer.ingests().items():
            with tempfile.TemporaryDirectory() as name, _failing(peer, how):
                told = {"articles": str(articles), "folder": str(Path(name) / "ingested")}
                figures = run(peer, "ingest", variant=variant, **told)[0]
                found.setdefault((peer.name, how), []).append(figures)
                said(f"{peer.name}, {how}: {figures['seconds']:.1f} s, {figures['peak'] / 1e6:.0f} MB")

    _in_turn(peers, rounds, once)
    return found


def retrieved(
    peers: Sequence[Peer], articles: Path, questions: Path, depth: int, rounds: int
) -> tuple[dict[tuple[str, str], list[list[dict[str, Any]]]], float]:
    """What every variant found, by peer and variant, a round after another; and the lowest cosine of ready vectors."""
    indexes: dict[tuple[str, str], Path] = {}
    cosines = [1.0]
    for peer in peers:
        for how, variant in peer.ingests().items():
            with _failing(peer, how):
                indexes[peer.name, how], cosine = index(peer, articles, variant)
                cosines.append(cosine)
    found: dict[tuple[str, str], list[list[dict[str, Any]]]] = {}

    def once(peer: Peer) -> None:
        for variant in peer.variants():
            with _failing(peer, None, variant):
                where = indexes[peer.name, peer.ingest_of(variant)]
                told = {"folder": str(where), "questions": str(questions), "depth": depth}
                lines = run(peer, "retrieve", variant=variant, **told)
                found.setdefault((peer.name, variant), []).append(lines)
                said(f"{peer.name}, {variant}: {sum(line['ms'] for line in lines) / len(lines):.0f} ms a question")

    _in_turn(peers, rounds, once)
    return found, min(cosines)


def _in_turn(peers: Sequence[Peer], rounds: int, once: Callable[[Peer], None]) -> None:
    """Every peer once a round, so that what else the machine does falls on all; every other round backwards."""
    for number in range(rounds):
        for peer in peers if number % 2 == 0 else reversed(peers):
            once(peer)


class _failing(contextlib.AbstractContextManager[None]):
    """What fails within is given up: one variant, or all that ingest in one way."""

    def __init__(self, peer: Peer, how: str | None, *variants: str) -> None:
        self._peer = peer
        self._variants = variants or tuple(one for one in peer.variants() if peer.ingest_of(one) == how)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, Failed):
            return False
        self._peer.fail(str(error), *self._variants)
        return True
