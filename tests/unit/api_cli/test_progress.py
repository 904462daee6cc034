"""How far a run is: a bar on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from api.cli import progress
from api.cli.progress import meter


def test_plain_lines_come_now_and_then(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with meter("Asking", "questions") as shown:
        shown.show(1, 9, "none failed")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "PLAIN_SECONDS", 0.0)
    with meter("Asking", "questions") as shown:
        shown.show(2, 9, "none failed")
        shown.show(3, None)
        shown.say("[stopping]")
    assert capsys.readouterr().err == ("Asking: 2 of 9 questions, none failed\nAsking: 3 questions\n[stopping]\n")


def test_a_terminal_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(
        progress, "stderr", lambda: Console(file=screen, force_terminal=True, width=100, markup=False, highlight=False)
    )
    with meter("Asking", "questions") as shown:
        shown.show(3, 9, "[none] failed")
        shown.say("[stopping]")
    for part in ("Asking", "3/9", "[none] failed", "[stopping]"):
        assert part in screen.getvalue()
