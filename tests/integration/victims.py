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
from typing import IO, Any

from tests.conftest import ROOT

IMPORTS = ("alembic.command", "chromadb", "datasketch", "tantivy", "ingest.pipeline", "qa.library.home", "tests.fakes")
"""Lazy imports of an ingest, made ahead of the fork. None of them leaves a thread running, which a fork would lose."""

LOG = "progress.log"
"""Beside the home: a line for each batch embedded, with how many chunks of this process that makes in all."""


@dataclass(frozen=True)
class Order:
    """One ingest of ``files`` into ``home``.

    After ``after`` seconds (None: never) it is sent ``signal``. ``file_limit`` is the most bytes any one file may
    have, as on a disk that is full.
    """

    home: str
    files: tuple[str, ...]
    after: float | None = None
    signal: int = signal.SIGKILL
    file_limit: int | None = None


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


def persist_often() -> None:
    """Let Chroma write its index every 50 vectors, as it does every 1,000: a few articles then meet that, too."""
    import chromadb

    connect: Any = chromadb.PersistentClient

    def connecting(*args: Any, **options: Any) -> Any:
        client = connect(*args, **options)
        make = client.get_or_create_collection

        def get_or_create(name: str, *, configuration: Any, **more: Any) -> Any:
            often = {**configuration["hnsw"], "batch_size": 25, "sync_threshold": 50}
            return make(name, configuration={**configuration, "hnsw": often}, **more)

        client.get_or_create_collection = get_or_create
        return client

    chromadb.PersistentClient = connecting


def ingest(order: Order) -> int:
    """The forked process: an ingest as anybody's; returns its exit code."""
    from ingest.pipeline import Pipeline, Silent
    from qa.errors import DatelineError
    from qa.library.home import open_home
    from qa.settings import Settings
    from tests.fakes import FakeEmbedder

    class Log(Silent):
        def __init__(self, file: IO[str]) -> None:
            self._file = file

        def chunks(self, done: int, backlog: int) -> None:
            self._file.write(f"{done}\n")
            self._file.flush()

    # Whoever runs the tests in the background may have made them deaf to it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if order.file_limit is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.file_limit, order.file_limit))
    home = Path(order.home)
    with (home.parent / LOG).open("w") as log:
        try:
            with open_home(Settings(home=home), write="ingest", embedder=FakeEmbedder()) as opened:
                Pipeline(opened, batch_size=8).run([Path(file) for file in order.files], progress=Log(log))
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
    for line in sys.stdin:
        told: dict[str, Any] = json.loads(line)
        fate = raise_one(Order(**{**told, "files": tuple(told["files"])}))
        sys.stdout.write(json.dumps(asdict(fate)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
