"""Work done again and again in a thread beside the one that asks for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType


class Background:
    """Runs ``work`` in one thread of its own, once for each :meth:`ask` or for several asked meanwhile.

    A context manager: leaving it waits until everything asked for is done, and raises what ``work`` raised; leaving it
    by an exception tells ``work`` to stop, by the callable it is given, and waits only for that. After a failure
    nothing more is run, and the next ``ask`` raises it.
    """

    def __init__(self, work: Callable[[Callable[[], bool]], None]) -> None:
        self._work = work
        self._changed = threading.Condition()
        self._asked = False
        self._leaving = False
        self._stopping = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="dateline-background", daemon=True)

    def ask(self) -> None:
        """Have the work done, now or when the present run of it ends. Raises what an earlier run raised."""
        with self._changed:
            self._raise()
            self._asked = True
            self._changed.notify()

    def __enter__(self) -> Background:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._stopping.set()
        with self._changed:
            self._leaving = True
            self._changed.notify()
        try:
            self._thread.join()
        except BaseException:
            # Interrupted while waiting: let the work stop at its next safe point, then go.
            self._stopping.set()
            self._thread.join()
            raise
        if error is None:
            self._raise()

    def _run(self) -> None:
        while self._next():
            try:
                self._work(self._stopping.is_set)
            except BaseException as error:  # noqa: BLE001  handed to the asking thread, which raises it
                with self._changed:
                    self._error = error
                return

    def _next(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._asked or self._leaving)
            again, self._asked = self._asked and not self._stopping.is_set(), False
            return again

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error
