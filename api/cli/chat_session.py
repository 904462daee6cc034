"""A conversation on the command line: what was said, what may be seen, and the commands that change either."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import typer

from api.cli.options import check_range, parse_day
from api.files.answers import check_answers_path, write_answers
from qa.batch import Result
from qa.errors import UsageError
from qa.models import Answer, Ask, Turn

_LONGEST_HISTORY = 40
"""Turns that go with a question; what was said before them is hardly meant any more."""

HELP = """\
/as-of DATE     answer as on this day; /as-of off for today
/from DATE      only what was published from this day on; /from off
/to DATE        only what was published up to this day; /to off
/source NAME    only this source; again for more; /source off
/citations      the quotes of the last answer once more
/save FILE      write the answers so far to FILE (.md, .html, .csv, .xlsx, .jsonl)
/new            forget what was said
/help           this list
/quit           leave (or Ctrl-D)"""


@dataclass
class Session:
    """``options`` are what every question is asked with. ``answers`` are in the order given."""

    options: Ask
    answers: list[Answer] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    ended: bool = False
    _saved: set[Path] = field(default_factory=set)

    @property
    def commands(self) -> dict[str, Callable[[str], str]]:
        """What each command does with the rest of its line, and says."""
        return {
            "/as-of": lambda told: self._see(as_of=_day(told)),
            "/from": lambda told: self._see(start=_day(told)),
            "/to": lambda told: self._see(end=_day(told)),
            "/source": self._source,
            "/save": self._save,
            "/new": self._new,
            "/help": lambda _: HELP,
            "/quit": self._quit,
        }

    def command(self, line: str) -> str:
        """Do what a line that begins with a slash says; returns what to tell. Raises ``UsageError``."""
        name, _, told = line.strip().partition(" ")
        act = self.commands.get(name.lower())
        if act is None:
            raise UsageError(f"there is no command {name}", hint="/help lists them.")
        return act(told.strip())

    def ask(self, question: str) -> Ask:
        """The question with what was said before it."""
        return replace(self.options, question=question, history=tuple(self.turns[-_LONGEST_HISTORY:]))

    def add(self, answer: Answer) -> None:
        """Remember an answer."""
        self.answers.append(answer)
        self.turns += [Turn("user", answer.question), Turn("assistant", answer.text)]

    def _see(self, **changes: date | None) -> str:
        options = replace(self.options, **changes)  # type: ignore[arg-type]  # days alone
        check_range(options.start, options.end, options.as_of)
        self.options = options
        return seen(options)

    def _source(self, name: str) -> str:
        if not name:
            raise UsageError("name a source, or off")
        sources: Sequence[str] = () if name == "off" else (*self.options.sources, name)
        self.options = replace(self.options, sources=tuple(dict.fromkeys(sources)))
        return seen(self.options)

    def _save(self, name: str) -> str:
        if not name:
            raise UsageError("name a file", hint="For example /save conversation.md")
        path = Path(name).expanduser()
        check_answers_path(path)
        if path.exists() and path.resolve() not in self._saved:
            raise UsageError(f"{path} exists", hint="Name another file.")
        rows = [Result(str(n), one.question, one.to_json(), None, one.id) for n, one in enumerate(self.answers, 1)]
        write_answers(path, rows)
        self._saved.add(path.resolve())
        return f"{len(rows)} answers are written to {path}"

    def _new(self, _: str) -> str:
        self.turns.clear()
        return "What was said is forgotten."

    def _quit(self, _: str) -> str:
        self.ended = True
        return ""


def _day(told: str) -> date | None:
    if told == "off":
        return None
    try:
        return parse_day(told)
    except typer.BadParameter as error:
        raise UsageError(str(error)) from None


def seen(options: Ask) -> str:
    """What may be seen, in words."""
    parts = [f"as of {options.as_of or 'today'}"]
    if options.start:
        parts.append(f"from {options.start}")
    if options.end:
        parts.append(f"to {options.end}")
    if options.sources:
        parts.append("only " + ", ".join(options.sources))
    return "Answering " + ", ".join(parts) + "."
