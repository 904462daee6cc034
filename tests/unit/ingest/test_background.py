"""Work done in a thread beside the one that asks for it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from ingest.background import Background

WAIT = 10.0


def test_leaving_waits_for_what_was_asked_for() -> None:
    begun, go_on, done = threading.Event(), threading.Event(), []

    def work(_stopped: Callable[[], bool]) -> None:
        begun.set()
        assert go_on.wait(WAIT)
        done.append(threading.current_thread().name)

    with Background(work) as background:
        background.ask()
        assert begun.wait(WAIT)
        background.ask()
        go_on.set()
    assert done == ["dateline-background"] * 2


def test_nothing_is_done_that_nobody_asked_for() -> None:
    with Background(lambda _stopped: pytest.fail("nobody asked")):
        pass


def test_its_failure_is_raised_where_it_is_waited_for() -> None:
    def work(_stopped: Callable[[], bool]) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"), Background(work) as background:
        background.ask()


def test_an_exception_tells_the_work_to_stop_and_is_not_hidden() -> None:
    begun, stopped_early = threading.Event(), []

    def work(stopped: Callable[[], bool]) -> None:
        begun.set()
        while not stopped():
            threading.Event().wait(0.001)
        stopped_early.append(True)

    def interrupted() -> None:
        with Background(work) as background:
            background.ask()
            assert begun.wait(WAIT)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert stopped_early == [True]
