"""How far a long run is, on stderr: a bar on a terminal, elsewhere a plain line now and then."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from api.cli.output import stderr

PLAIN_SECONDS = 10.0
"""Least time between two plain lines."""


class Meter(Protocol):
    """Shows one run. A context manager."""

    @property
    def tells_time(self) -> bool:
        """Whether the time left is shown anyway."""

    def __enter__(self) -> Meter: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, done: int, total: int | None, note: str = "") -> None:
        """``done`` of ``total`` (None: not known yet), and what else is worth saying."""

    def say(self, message: str) -> None:
        """Say something without disturbing what is shown."""


def meter(doing: str, unit: str) -> Meter:
    """A meter for stderr: ``doing`` as in "Asking", ``unit`` as in "questions"."""
    console = stderr()
    return _Bar(console, doing) if console.is_terminal else _Lines(console, doing, unit)


class _Bar:
    tells_time = True

    def __init__(self, console: Console, doing: str) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=console,
        )
        self._task = self._progress.add_task(doing, total=None, note="")

    def __enter__(self) -> Meter:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, done: int, total: int | None, note: str = "") -> None:
        self._progress.update(self._task, completed=done, total=total, note=note)

    def say(self, message: str) -> None:
        self._progress.console.print(message)


class _Lines:
    tells_time = False

    def __init__(self, console: Console, doing: str, unit: str) -> None:
        self._console = console
        self._doing = doing
        self._unit = unit
        self._due = time.monotonic() + PLAIN_SECONDS

    def __enter__(self) -> Meter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left behind."""

    def show(self, done: int, total: int | None, note: str = "") -> None:
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + PLAIN_SECONDS
        of = "" if total is None else f" of {total}"
        self.say(f"{self._doing}: {done}{of} {self._unit}" + (f", {note}" if note else ""))

    def say(self, message: str) -> None:
        self._console.print(message)
