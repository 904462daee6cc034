"""The command line in this process, against a service over fakes on a real socket."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from api.cli import main
from api.cli.logs import OWN, StderrHandler
from api.server import listening, server_of
from qa.settings import Settings
from tests.unit.api.fakes import FakeEngine, make_app


@dataclass(frozen=True)
class Ran:
    """What one command line came to."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def dateline(capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Runs a command line: ``dateline("ask", "Who?")``; ``stdin`` is what it reads there."""
    loggers = [logging.getLogger(name) for name in (None, *OWN)]
    before = [(logger, logger.level) for logger in loggers]
    root = loggers[0]
    had = set(root.handlers)

    def run(*arguments: str, stdin: str | bytes = b"") -> Ran:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
            code = main(arguments)
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    yield run
    for logger, level in before:
        logger.setLevel(level)
    # pytest has handlers of its own there, which come and go.
    for handler in [one for one in root.handlers if isinstance(one, StderrHandler) and one not in had]:
        root.removeHandler(handler)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def url(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A service that asks ``engine``. Its log goes nowhere: it would come out on the stderr of the command."""
    monkeypatch.setattr(logging.getLogger("dateline.http"), "disabled", True)
    urls: list[str] = []
    ready = threading.Event()

    def on_ready(url: str) -> None:
        urls.append(url)
        ready.set()

    with listening("127.0.0.1", 0) as listener:
        server = server_of(make_app(engine), Settings(), listener, on_ready)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            assert ready.wait(10)
            yield urls[0]
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()
