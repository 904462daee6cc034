"""Ingest jobs, run one after another beside the questions, and everything else that writes while the service runs."""

from __future__ import annotations

import asyncio
import logging
import shutil
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa.errors import DatelineError
from qa.library.jobs import Job, JobStore

if TYPE_CHECKING:
    from ingest.readers.items import Fetched, Web
    from qa.library.home import Home

_LOOK_AGAIN = 1.0
"""Seconds after which jobs are looked for that another process was given."""
_NOTE_EVERY = 0.5
_ABANDONED = 86_400.0
"""Seconds after which files without a job belong to a request that a killed process was receiving."""

_log = logging.getLogger("dateline.http")


class _StoppedError(BaseException):
    """Leaves the pipeline where it is; no ``Exception``, so that nothing on the way takes it for a bad file."""


@dataclass
class Progress:
    """How far a job is: articles ``read`` of ``total`` (None: not known yet), chunks ``embedded``, and the ``backlog``.

    See :class:`ingest.pipeline.Progress`.
    """

    read: int = 0
    total: int | None = None
    embedded: int = 0
    backlog: int = 0


class _Noting:
    """Keeps a job's progress where everybody can read it, and ends the job when the service stops."""

    def __init__(self, note: Callable[[Mapping[str, Any]], None], stopping: threading.Event) -> None:
        self._note = note
        self._stopping = stopping
        self._known = Progress()
        self._noted = 0.0

    def found(self, total: int | None) -> None:
        """See :class:`ingest.pipeline.Progress`."""
        self._known.total = total
        self._tell()

    def article(self, where: str) -> None:
        """One more."""
        self._known.read += 1
        self._tell()

    def chunks(self, done: int, backlog: int) -> None:
        """Embedding goes on."""
        self._known.embedded, self._known.backlog = done, backlog
        self._tell()

    def flush(self) -> None:
        """Keep the last of it."""
        self._note(asdict(self._known))

    def _tell(self) -> None:
        if self._stopping.is_set():
            raise _StoppedError
        if time.monotonic() - self._noted >= _NOTE_EVERY:
            self._noted = time.monotonic()
            self.flush()


class _StoppableWeb:
    """Fetches until the service stops."""

    def __init__(self, web: Web, stopping: threading.Event) -> None:
        self._web = web
        self._stopping = stopping

    def get(self, address: str, *, accept: Collection[str] | None = None) -> Fetched:
        """See :class:`ingest.readers.items.Web`."""
        if self._stopping.is_set():
            raise _StoppedError
        return self._web.get(address, accept=accept)


class Ingestion:
    """The one writer of a service. On a home that this process may only read, jobs wait for the process that writes."""

    def __init__(self, home: Home, *, job_days: int) -> None:
        self._home = home
        self._days = job_days
        self._writing = threading.Lock()
        self._stopping = threading.Event()
        self._wake = asyncio.Event()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dateline-ingest")
        self._task: asyncio.Task[None] | None = None

    @property
    def jobs(self) -> JobStore:
        """All jobs, whoever was given them."""
        return self._home.jobs

    @property
    def stopping(self) -> bool:
        """Whether the service is about to end: who watches a job need not wait for more."""
        return self._stopping.is_set()

    def folder(self, job_id: str) -> Path:
        """Where a job's files lie until it has ended."""
        return self._home.path / "jobs" / job_id

    def start(self) -> None:
        """Take up what was interrupted, then run jobs as they come."""
        if self._home.writable:
            self._task = asyncio.create_task(self._run())

    def wake(self) -> None:
        """A job waits."""
        self._wake.set()

    def announce_stop(self) -> None:
        """The service is about to end."""
        self._stopping.set()
        self._wake.set()

    async def stop(self) -> None:
        """End the running job where it is: what it stored is kept, and the next start goes on with it."""
        self.announce_stop()
        if self._task is not None:
            await asyncio.wait({self._task})
        self._pool.shutdown()

    def delete(self, article_id: str) -> None:
        """Delete an article, even while a job runs. Raises ``NotFoundError``."""
        self._home.index.bury(article_id)
        # The catalogue has the last word on what may be seen. What else there is of it goes when the writer has time.
        if self._home.writable and self._writing.acquire(blocking=False):
            try:
                self._home.index.catch_up()
            finally:
                self._writing.release()

    async def _run(self) -> None:
        inside = partial(asyncio.get_running_loop().run_in_executor, self._pool)
        await inside(self._guarded, self._recover)
        while not self.stopping:
            self._wake.clear()
            if not await inside(self._guarded, self._next):
                try:
                    async with asyncio.timeout(_LOOK_AGAIN):
                        await self._wake.wait()
                except TimeoutError:
                    pass

    def _guarded(self, step: Callable[[], bool]) -> bool:
        """Whether ``step`` did something. A database that is away for a while must not end the runner."""
        try:
            return step()
        except Exception as error:  # noqa: BLE001 - the edge of a thread: there is nobody else to hear of it
            _log.error("ingest jobs cannot be run: %s", error, exc_info=not isinstance(error, DatelineError))
            return False

    def _recover(self) -> bool:
        for job_id in self.jobs.recover():
            _log.error("job %s was interrupted too often and is given up", job_id)
            self._forget_files(job_id)
        self.jobs.forget(self._days)
        for folder in self._home.path.joinpath("jobs").glob("*"):
            # What is younger may be on its way in, through another worker.
            if time.time() - folder.stat().st_mtime > _ABANDONED and not self._is_wanted(folder.name):
                self._forget_files(folder.name)
        return True

    def _is_wanted(self, job_id: str) -> bool:
        try:
            return not self.jobs.get(job_id).ended
        except DatelineError:
            return False

    def _next(self) -> bool:
        job = self.jobs.claim()
        if job is not None:
            self._work(job)
            return True
        if self._home.index.removals_wait():
            with self._writing:
                self._home.index.catch_up()
        return False

    def _work(self, job: Job) -> None:
        try:
            report = self._ingested(job)
        except _StoppedError:
            self.jobs.interrupt(job.id)
            return
        except DatelineError as error:
            _log.warning("job %s failed: %s", job.id, error)
            self.jobs.fail(job.id, error.code, str(error))
        except Exception:  # noqa: BLE001 - one job's fault must not end the runner
            _log.error("job %s failed", job.id, exc_info=True)
            self.jobs.fail(job.id, "internal", "The service failed in a way it does not know; its log has the details.")
        else:
            self.jobs.finish(job.id, report)
        self.jobs.forget(self._days)
        self._forget_files(job.id)

    def _ingested(self, job: Job) -> dict[str, Any]:
        from ingest.fetch import fetcher
        from ingest.pipeline import Pipeline
        from ingest.readers import Url

        folder, asked = self.folder(job.id), job.request
        sources: list[Path | Url] = [folder / name for name in asked["files"]]
        sources += [Url(address) for address in asked["urls"]]
        sources += [Url(address, feed=True) for address in asked["feeds"]]
        noting = _Noting(partial(self.jobs.note, job.id), self._stopping)
        web = _StoppableWeb(fetcher(self._home.settings), self._stopping)
        with self._writing:
            pipeline = Pipeline(self._home, web=web)
            report = pipeline.run(sources, restore=asked["restore"], fields=asked["fields"], progress=noting)
            self._home.index.catch_up()
        noting.flush()
        return _by_given_name(report.to_json(), folder)

    def _forget_files(self, job_id: str) -> None:
        shutil.rmtree(self.folder(job_id), ignore_errors=True)


def _by_given_name(report: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The report with files called as they were sent: ``FOLDER/3/desk.csv:7`` -> ``desk.csv:7``."""
    inside = f"{folder}/"
    for name in ("failed", "warnings"):
        for item in report[name]:
            if item["where"].startswith(inside):
                item["where"] = item["where"].removeprefix(inside).partition("/")[2]
    return report
