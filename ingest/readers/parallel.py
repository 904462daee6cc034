"""Work that fills a core, done in processes beside this one, its results in the order asked for."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

_AHEAD = 4
"""Tasks a process may be ahead of what was taken: it has work while a batch is stored, and few results are held."""


class Workers(Generic[Task, Result]):
    """Up to ``count`` processes that run ``work``, started when there is work. A context manager.

    They are started afresh rather than forked: this process has threads, and locks that a copy of it would never see
    opened. ``work``, tasks and results must be picklable, ``work`` a function of a module. A task that kills its
    process is done by nobody: ``died`` says what its result is.
    """

    def __init__(self, count: int, work: Callable[[Task], Result], died: Callable[[Task], Result]) -> None:
        self._count = count
        self._work = work
        self._died = died
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Workers[Task, Result]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def map(self, tasks: Iterable[Task | Callable[[], Result]]) -> Iterator[Result]:
        """The result of each task, in order; what is callable is called here, when its turn comes.

        Takes a few tasks a process ahead of the results that were taken, so that both stay few.
        """
        waiting: deque[Callable[[], Result] | _Asked[Task, Result]] = deque()
        for task in tasks:
            waiting.append(task if callable(task) else _Asked(task, self._ask(task)))
            if len(waiting) > self._count * _AHEAD:
                yield self._next(waiting)
        while waiting:
            yield self._next(waiting)

    def _next(self, waiting: deque[Callable[[], Result] | _Asked[Task, Result]]) -> Result:
        first = waiting.popleft()
        if not isinstance(first, _Asked):
            return first()
        with suppress(BrokenExecutor):
            if first.future is not None:
                return first.future.result()
        # One task took all processes with it. It need not be this one: by itself it will show.
        result = self._by_itself(first.task)
        for other in waiting:
            if isinstance(other, _Asked):
                other.future = self._ask(other.task)
        return result

    def _by_itself(self, task: Task) -> Result:
        self._stop()
        try:
            return self._submit(task).result()
        except BrokenExecutor:
            self._stop()
            return self._died(task)

    def _ask(self, task: Task) -> Future[Result] | None:
        """None when the processes have just died."""
        try:
            return self._submit(task)
        except BrokenExecutor:
            return None

    def _submit(self, task: Task) -> Future[Result]:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self._count, mp_context=multiprocessing.get_context("spawn"), initializer=_begin
            )
        return self._pool.submit(self._work, task)

    def _stop(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


class _Asked(Generic[Task, Result]):
    def __init__(self, task: Task, future: Future[Result] | None) -> None:
        self.task = task
        self.future = future


def _begin() -> None:
    """How a process of the pool begins: it is to end with the one that started it, however that ends."""
    # Ctrl-C reaches all processes of a terminal; here it needs no traceback. Whoever starts us may have it ignored.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
