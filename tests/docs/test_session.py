"""The session recorded in the documents is one that can be had: it is recorded anew, and does what it shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from scripts import record_session


def commands(session: str) -> list[list[str]]:
    return [shlex.split(line) for line in re.findall(r"^\$ dateline (.*)$", session, re.M)]


@pytest.mark.slow
def test_a_session_recorded_now_shows_what_the_documents_show(tmp_path: Path) -> None:
    text, codes = record_session.record(tmp_path)
    written = record_session.SESSION.read_text(encoding="utf-8")
    assert commands(text) == commands(written), "run python -m scripts.record_session"
    assert codes == [0, 0, 0, 130, 0, 0]
    for shown in (text, written):
        ask, chat, interrupted, resumed = shown.split("$ dateline ")[2:6]
        assert "[1] 2025-03-28  Varren Courier  Brannick flood: toll corrected to seven" in ask
        assert "(searched as: Who succeeded him" in chat
        assert "2 answers are written to talk.md" in chat
        assert "Finishing the questions in flight" in interrupted
        assert "Run the same command again to go on." in interrupted
        assert "0 not asked" in resumed
    rows = (tmp_path / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(rows) == len(record_session.QUESTIONS)
    assert "Answers to 8 questions" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert (tmp_path / "talk.md").exists()
    # What was typed is remembered.
    assert "Who succeeded him?" in (tmp_path / ".dateline" / "chat-history").read_text(encoding="utf-8")
