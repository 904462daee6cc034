"""A conversation line by line, without a terminal: questions, commands, and what goes with the next question."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from api.cli.chat_session import HELP, Session
from qa.errors import DatelineError, ModelTimeoutError, UsageError
from qa.events import StatusEvent
from qa.models import Ask, Turn
from tests.unit.api.fakes import ANSWER, FakeEngine
from tests.unit.api_cli.conftest import Run


def test_every_line_is_answered_and_knows_those_before_it(dateline: Run, url: str, engine: FakeEngine) -> None:
    ran = dateline("chat", "--server", url, "--as-of", "2025-04-01", stdin="How many died?\n\n  And who says so?\n")
    assert ran.code == 0
    assert ran.out.count(ANSWER.text) == 2
    assert "“The flood killed four people.”" in ran.out
    assert engine.asks == [
        Ask("How many died?", as_of=date(2025, 4, 1)),
        Ask(
            "And who says so?",
            history=(Turn("user", ANSWER.question), Turn("assistant", ANSWER.text)),
            as_of=date(2025, 4, 1),
        ),
    ]


def test_commands_change_what_may_be_seen(dateline: Run, url: str, engine: FakeEngine) -> None:
    lines = "/as-of 2025-03-25\n/from 2025-03-01\n/to 2025-03-24\n/source A\n/source B\none\n"
    lines += "/as-of off\n/from off\n/to off\n/source off\n/new\ntwo\n"
    ran = dateline("chat", "--server", url, stdin=lines)
    assert ran.code == 0
    first, second = engine.asks
    assert (first.as_of, first.start, first.end) == (date(2025, 3, 25), date(2025, 3, 1), date(2025, 3, 24))
    assert first.sources == ("A", "B")
    assert second == Ask("two")
    assert "Answering as of 2025-03-25, from 2025-03-01, to 2025-03-24, only A, B." in ran.err
    assert "Answering as of today." in ran.err


def test_the_answers_are_saved_and_cited_again(dateline: Run, url: str) -> None:
    lines = "/citations\nHow many died?\n/citations\n/save talk.md\nAnd now?\n/save talk.md\n/quit\nnot asked\n"
    ran = dateline("chat", "--server", url, stdin=lines)
    assert ran.code == 0
    assert "There is no answer yet." in ran.err
    assert ran.out.count("“A bridge will be built.”") == 3
    assert "2 answers are written to talk.md" in ran.err
    assert Path("talk.md").read_text().count("### ") == 2


def test_what_goes_wrong_is_told_and_the_conversation_goes_on(dateline: Run, url: str, engine: FakeEngine) -> None:
    engine.scripts.append([StatusEvent("retrieve"), ModelTimeoutError("late")])
    ran = dateline("chat", "--server", url, stdin="one\n/nonsense\n/as-of May\n/from 2026-01-01\n/to 2025-01-01\ntwo\n")
    assert ran.code == 3
    for told in ("late", "there is no command /nonsense", "'May' is not a date", "--from 2026-01-01 is after"):
        assert told in ran.err
    assert ran.out.startswith(ANSWER.text)


def test_when_nothing_was_answered_the_code_says_why(dateline: Run, url: str, engine: FakeEngine) -> None:
    engine.scripts.append([ModelTimeoutError("late")])
    assert dateline("chat", "--server", url, stdin="one\n").code == 5
    assert dateline("chat", "--home", "nowhere", stdin="one\n").code == 4


def test_json_is_a_list_of_answers_and_nothing_else(dateline: Run, url: str) -> None:
    ran = dateline("chat", "--server", url, "--json", stdin="one\n/citations\n/help\ntwo\n")
    assert ran.document == [ANSWER.to_json(), ANSWER.to_json()]


def test_help_lists_every_command(dateline: Run, url: str) -> None:
    ran = dateline("chat", "--server", url, stdin="/help\n")
    assert ran.err == HELP + "\n"
    listed = {line.split()[0] for line in HELP.splitlines()}
    assert listed == {*Session(Ask("")).commands, "/citations"}


@pytest.mark.parametrize("line", ["/save", "/save talk.doc", "/save there.md", "/source"])
def test_commands_that_cannot_be_done_say_why(line: str) -> None:
    Path("there.md").write_text("mine")
    with pytest.raises(UsageError):
        Session(Ask("")).command(line)
    assert Path("there.md").read_text() == "mine"


def test_a_range_that_is_empty_changes_nothing() -> None:
    session = Session(Ask("", start=date(2025, 2, 1)))
    with pytest.raises(DatelineError):
        session.command("/to 2025-01-01")
    assert session.options == Ask("", start=date(2025, 2, 1))
