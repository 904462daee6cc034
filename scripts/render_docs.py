"""Writes what the documentation says of settings and commands: ``.env.example``, and two parts of ``README.md``.

Run by ``make docs``; a test fails when one has drifted from ``qa.settings.Settings`` or from what ``--help`` prints.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin
from unittest import mock

import typer.main
from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from api.cli import main as main_of_the_command_line
from api.cli.app import app
from api.cli.output import safe
from qa.service_settings import ServiceSettings
from qa.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parent.parent
BEGIN = "<!-- settings: written by `make docs` -->"
END = "<!-- end of settings -->"
COMMANDS_BEGIN = "<!-- command line: written by `make docs` -->"
COMMANDS_END = "<!-- end of command line -->"
_WIDTH = "100"
_HEAD = """\
# Every setting of Dateline, with its default. Copy this file to .env in the directory you run `dateline` in, and
# uncomment the lines you change. Variables of the environment win over .env, command-line options over both.
"""
_BOUNDS = ((Ge, "ge", "from"), (Gt, "gt", "above"), (Le, "le", "to"), (Lt, "lt", "below"))


@dataclass(frozen=True)
class Row:
    """One setting: its variable, its default as ``.env`` has it ("" = unset), the values it takes, what it is for."""

    variable: str
    default: str
    takes: str
    description: str


def rows() -> Iterator[Row]:
    """Every setting, in the order of the class; those of the service come last, though it inherits them."""
    for name, field in sorted(Settings.model_fields.items(), key=lambda item: item[0] in ServiceSettings.model_fields):
        default = "" if field.default in (None, ()) else str(field.default)
        yield Row(PREFIX + name.upper(), default, _takes(field), field.description or "")


def _takes(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return "one of " + ", ".join(get_args(field.annotation))
    return " ".join(
        f"{word} {getattr(bound, attribute)}"
        for bound in field.metadata
        for kind, attribute, word in _BOUNDS
        if isinstance(bound, kind)
    )


def _sentence(row: Row) -> str:
    return row.description.removesuffix(".") + (f"; {row.takes}." if row.takes else ".")


def env_example() -> str:
    """The text of ``.env.example``: for each setting one line that explains it and one, commented out, that sets it."""
    lines = [_HEAD]
    for row in rows():
        lines += [f"# {_sentence(row)}", f"# {row.variable}={row.default}", ""]
    return "\n".join(lines)


def settings_table() -> str:
    """The README's table of settings, in Markdown, between its two markers."""
    lines = [BEGIN, "| Variable | Default | What it is |", "| --- | --- | --- |"]
    for row in rows():
        default = f"`{row.default}`" if row.default else "unset"
        lines.append(f"| `{row.variable}` | {default} | {_sentence(row)} |")
    return "\n".join([*lines, END])


def command_line() -> str:
    """The README's reference of the command line: what ``--help`` prints for each command, between its two markers."""
    parts = [COMMANDS_BEGIN]
    for words, command in _commands():
        summary = command.get_short_help_str(200)
        parts += [
            "<details>",
            f"<summary><code>{' '.join(('dateline', *words))}</code>: {summary}</summary>",
            "",
            "```text",
            _help(words),
            "```",
            "",
            "</details>",
            "",
        ]
    return "\n".join([*parts, COMMANDS_END])


def _commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command by its words, as they are listed; groups are left out, theirs follow in their place."""
    pending: list[tuple[tuple[str, ...], Any]] = [((), typer.main.get_command(app))]
    while pending:
        words, command = pending.pop(0)
        if found := getattr(command, "commands", None):
            pending[:0] = [((*words, name), below) for name, below in found.items()]
        else:
            yield words, command


def _help(words: Sequence[str]) -> str:
    """What ``--help`` prints on a terminal of 100 columns without colours."""
    out = io.StringIO()
    # Rich looks at these when it prints.
    told = {**os.environ, "COLUMNS": _WIDTH, "NO_COLOR": "1", "TERM": "xterm"}
    with mock.patch.dict(os.environ, told), contextlib.redirect_stdout(out):
        main_of_the_command_line([*words, "--help"])
    lines = [safe(line).rstrip() for line in out.getvalue().splitlines()]
    return "\n".join(lines).strip("\n")


def with_parts(readme: str) -> str:
    """``readme`` with its two written parts replaced. Raises ``ValueError`` when a marker is missing."""
    written = _replaced(readme, BEGIN, END, settings_table())
    return _replaced(written, COMMANDS_BEGIN, COMMANDS_END, command_line())


def _replaced(readme: str, begin: str, end: str, text: str) -> str:
    before, rest = readme.split(begin, 1) if begin in readme else _missing(begin)
    _, after = rest.split(end, 1) if end in rest else _missing(end)
    return before + text + after


def _missing(marker: str) -> tuple[str, str]:
    raise ValueError(f"README.md has no line {marker!r}")


def main() -> None:
    """Write both files."""
    (ROOT / ".env.example").write_text(env_example(), encoding="utf-8")
    readme = ROOT / "README.md"
    readme.write_text(with_parts(readme.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
