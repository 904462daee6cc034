"""Ingests in processes that are there to be killed: ``python -m tests.integration.victims`` is their nursery.

The nursery imports what an ingest needs once and forks a process for each order it reads (``Order``, a JSON line), so
that a kill falls into the work and not into seconds of imports. It answers each with one line, a ``Fate``.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tests.conftest import ROOT

if TYPE_CHECKING:
    from tests.fakes import FakeEmbedder

IMPORTS = (
    "alembic.command",
    "chromadb",
    "datasketch",
    "tantivy",
    "ingest.pipeline",
    "ingest.reembed",
    "qa.library.home",
    "tests.fakes",
)
"""Lazy imports of an ingest, made ahead of the fork. None of them leaves a thread running, which a fork would lose."""

BATCH = 32
"""Chunks embedded and stored together; few, so that a few articles make many batches."""

LOG = "progress.log"
"""Beside the home: a line for each batch embedded, with how many chunks of this process that makes in all."""


@dataclass(frozen=True)
class Order:
    """One ingest of ``files`` into ``home``, or (``reembed``) a re-embedding of it with :func:`other_embedder`.

    After ``after`` seconds (None: never) it is sent ``signal``. ``file_limit`` is the most bytes any one file may
    have, as on a disk that is full.
    """

    home: str
    files: tuple[str, ...]
    after: float | None = None
    signal: int = signal.SIGKILL
    file_limit: int | None = None
    reembed: bool = False


@dataclass(frozen=True)
class Fate:
    """How it ended: ``code`` as ``subprocess`` has it (-9: killed), after ``seconds``; how many chunks it embedded."""

    code: int
    seconds: float
    embedded: int


class Nursery:
    """The parent's end."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, order: Order) -> Fate:
        """One ingest, waited for."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(asdict(order)) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the nursery is gone"
        return Fate(**json.loads(answer))


@contextmanager
def nursery(errors: IO[str]) -> Iterator[Nursery]:
    """A running nursery; what its processes write to stderr goes to ``errors``."""
    with subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        cwd=ROOT,
        # A pool of threads made by an import would not survive the fork. Nor is coverage measured: interrupted within
        # its lock it waits for itself for ever.
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "COVERAGE_PROCESS_CONFIG": ""},
    ) as process:
        yield Nursery(process)
        assert process.stdin
        process.stdin.close()
        process.wait(timeout=60)


def persist_often(every: int = 50) -> None:
    """Let Chroma write its index every 50 vectors, as it does every 1,000: a few articles then meet that, too."""
    import chromadb

    connect: Any = chromadb.PersistentClient

    def connecting(*args: Any, **options: Any) -> Any:
        client = connect(*args, **options)
        make = client.get_or_create_collection

        def get_or_create(name: str, *, configuration: Any, **more: Any) -> Any:
            often = {**configuration["hnsw"], "batch_size": every // 2, "sync_threshold": every}
            return make(name, configuration={**configuration, "hnsw": often}, **more)

        client.get_or_create_collection = get_or_create
        return client

    chromadb.PersistentClient = connecting


def other_embedder() -> FakeEmbedder:
    """Another model: other vectors, which are shorter, and it reads less."""
    from tests.fakes import FakeEmbedder

    return FakeEmbedder("other", dimension=40, max_tokens=33, backend="other")


def log_to(file: IO[str]) -> Any:
    """Progress of an ingest or of a re-embedding, written down."""
    from ingest.pipeline import Silent

    class Log(Silent):
        first: int | None = None

        def chunks(self, done: int, backlog: int) -> None:
            file.write(f"{done}\n")
            file.flush()

        def cut(self, done: int, total: int) -> None:
            """Not of interest."""

        def embedded(self, done: int, total: int) -> None:
            self.first = done if self.first is None else self.first
            self.chunks(done - self.first, total - done)

    return Log()


def ingest(order: Order) -> int:
    """The forked process: an ingest or a re-embedding as anybody's; returns its exit code."""
    from ingest.pipeline import Pipeline
    from ingest.reembed import reembed
    from qa.errors import DatelineError
    from qa.library.home import open_home
    from qa.settings import Settings
    from tests.fakes import FakeEmbedder

    # Whoever runs the tests in the background may have made them deaf to it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if order.file_limit is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.file_limit, order.file_limit))
    home = Path(order.home)
    with (home.parent / LOG).open("w") as log:
        try:
            embedder = other_embedder() if order.reembed else FakeEmbedder()
            with open_home(Settings(home=home), write="ingest", embedder=embedder, any_model=order.reembed) as opened:
                if order.reembed:
                    reembed(opened, log_to(log))
                else:
                    Pipeline(opened, batch_size=8).run([Path(file) for file in order.files], progress=log_to(log))
        except KeyboardInterrupt:
            return 130
        except DatelineError as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            return 1
    return 0


def raise_one(order: Order) -> Fate:
    """Fork, ingest, strike when it is time, and bury."""
    began = time.monotonic()
    log = Path(order.home).parent / LOG
    log.unlink(missing_ok=True)
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            code = ingest(order)
        except BaseException:  # noqa: BLE001 - the child must not return into the nursery's loop
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    struck = order.after is None
    while not (ended := os.waitpid(pid, os.WNOHANG))[0]:
        if not struck and time.monotonic() - began >= (order.after or 0):
            os.kill(pid, order.signal)
            struck = True
        time.sleep(0.002)
    embedded = log.read_text().split("\n")[:-1] if log.exists() else []
    return Fate(os.waitstatus_to_exitcode(ended[1]), time.monotonic() - began, int(embedded[-1]) if embedded else 0)


def main() -> None:
    """Take orders until stdin is closed."""
    for name in IMPORTS:
        __import__(name)
    persist_often()
    import qa.library.embedding

    qa.library.embedding.EMBED_BATCH = BATCH
    for line in sys.stdin:
        told: dict[str, Any] = json.loads(line)
        fate = raise_one(Order(**{**told, "files": tuple(told["files"])}))
        sys.stdout.write(json.dumps(asdict(fate)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
