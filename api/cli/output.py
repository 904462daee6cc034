"""Writing to people: results on stdout, everything else on stderr, and nothing in either that a terminal would obey."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

# Escape sequences whole, so that no remains of them are left: CSI, then OSC and the other strings, then the short ones.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
)
# Every other control character but line feed and tab; and those that turn the direction of what follows.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_UNPRINTED = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def safe(text: str) -> str:
    """``text`` without anything a terminal would obey: escape sequences, control characters, direction overrides."""
    return _CONTROL.sub("", _SEQUENCE.sub("", text.replace("\r\n", "\n")))


def one_line(text: str) -> str:
    """``text``, made safe, with every run of white space as one space."""
    return " ".join(safe(text).split())


def as_json(value: Any) -> str:
    """``value`` as an indented JSON document, in which no character but line feeds controls anything."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return _UNPRINTED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def print_json(value: Any) -> None:
    """Print ``value`` on stdout as one JSON document."""
    sys.stdout.write(as_json(value) + "\n")


def stdout() -> Console:
    """Where results go. Interprets no markup; colours only for a terminal, unless NO_COLOR is set."""
    return _console(stderr=False)


def stderr() -> Console:
    """Where progress, warnings and errors go."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    class Untrusting(Console):
        def on_broken_pipe(self) -> None:
            # Rich would end the process here with a code of its own.
            raise BrokenPipeError

    return Untrusting(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=True)


def complain(message: str, hint: str = "") -> None:
    """Say on stderr what went wrong, on one line, and on another what to do about it."""
    _say("Error", "bold red", message)
    if hint:
        _say("Hint", "bold", hint)


def warn(message: str) -> None:
    """Say on stderr what deserves attention."""
    _say("Warning", "bold yellow", message)


def note(message: str, *, keep_spaces: bool = False) -> None:
    """Say something on stderr that is neither a result nor an error; on one line, unless spaces are to be kept."""
    stderr().print(safe(message) if keep_spaces else one_line(message))


def _say(label: str, style: str, message: str) -> None:
    from rich.text import Text

    stderr().print(Text.assemble((f"{label}:", style), " ", one_line(message)))
