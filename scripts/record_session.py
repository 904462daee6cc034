"""Records a session of ``ask``, ``chat`` and ``batch`` on a terminal: ``python -m scripts.record_session``.

Every command runs in a pseudo-terminal of its own, over the sample articles and against a scripted model on this
machine; a batch is interrupted by Ctrl-C and gone on with. What the terminal showed in the end is written to
``docs/session.txt``. What a model would say is scripted; everything else is what Dateline does.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import shlex
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyte

from tests.fakes import Reply, ScriptedOpenAI

ROOT = Path(__file__).resolve().parent.parent
SESSION = ROOT / "docs" / "session.txt"
COLUMNS, LINES = 110, 300
_PATIENCE = 120.0
_REPLIES = {
    "toll": "The Brannick flood killed seven people, not four as authorities first said [1].",
    "minister": "Transport minister Kestle resigned over shares [1].",
    "strike": "The strike ended [1].",
}
QUESTIONS = (
    "What is the toll of the flood in Brannick?",
    "Why did the transport minister resign?",
    "How did the dock strike end?",
    "What is the toll of the flood in Brannick, as corrected?",
    "Which minister resigned in March?",
    "Is the dock strike over?",
    "What is the capital of Portugal?",
    "Which toll did the police confirm in March?",
)


class _Slow(ScriptedOpenAI):
    """A model that takes a second and a half for each reply."""

    def _reply(self, request: object) -> Reply:
        assert isinstance(request, dict)
        asked = str(request["messages"][-1]["content"]).rsplit("\n", 1)[-1].lower()
        text = next((reply for word, reply in _REPLIES.items() if word in asked), "The articles do not say.")
        return Reply(text, delay=1.5)


@dataclass(frozen=True)
class Typed:
    """Something typed once the screen shows ``after``, a regular expression, so many ``times``."""

    after: str
    keys: str
    times: int = 1


class Terminal:
    """A pseudo-terminal that one command runs in at a time, as somebody sees it."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self._folder = folder
        self._env = {**os.environ, **env, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"}
        # The terminal's own size counts, not that of whoever records.
        for name in ("NO_COLOR", "COLUMNS", "LINES"):
            self._env.pop(name, None)
        self.shown: list[str] = []

    def run(self, *words: str, typed: Sequence[Typed] = ()) -> int:
        """Run ``dateline`` with these words, typing what is to be typed; returns its exit code."""
        screen = pyte.Screen(COLUMNS, LINES)
        stream = pyte.ByteStream(screen)
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", *words],
            stdin=slave, stdout=slave, stderr=slave, cwd=self._folder, env=self._env, start_new_session=True,
            preexec_fn=_controlling,
        )  # fmt: skip
        os.close(slave)
        keys = iter(typed)
        wanted = next(keys, None)
        for data in _output(master):
            stream.feed(data)
            if wanted is not None and len(re.findall(wanted.after, _text(screen))) >= wanted.times:
                os.write(master, wanted.keys.encode())
                wanted = next(keys, None)
        os.close(master)
        code = process.wait(_PATIENCE)
        self.shown.append(f"$ dateline {shlex.join(words)}\n{_text(screen)}\n")
        if code:
            self.shown[-1] += f"(exit code {code})\n"
        return code


def _controlling() -> None:
    # So that Ctrl-C reaches the command as it does from a keyboard, even if whoever records it ignores it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _output(master: int) -> Iterator[bytes]:
    """What comes, and nothing now and then while nothing comes, until the other end is closed."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if not select.select([master], [], [], 0.1)[0]:
            yield b""
            continue
        try:
            data = os.read(master, 65536)
        except OSError:
            return
        if not data:
            return
        yield data
    raise TimeoutError("the command does not end")


def _text(screen: pyte.Screen) -> str:
    lines = [line.rstrip() for line in screen.display]
    while lines and not lines[-1]:
        lines.pop()
    return "\n".join(lines)


def record(folder: Path, note: Callable[[str], None] = lambda _: None) -> tuple[str, list[int]]:
    """The session as text, and the exit codes in order. ``folder`` is where it takes place."""
    articles = os.path.relpath(ROOT / "tests" / "data" / "sample" / "articles", folder)
    (folder / "news").symlink_to(articles)
    (folder / "questions.txt").write_text("\n".join(QUESTIONS) + "\n", encoding="utf-8")
    with _Slow() as model:
        prices = {"openai:scripted": {"input": 0.25, "output": 2.0, "currency": "USD"}}
        env = {
            "PYTHONPATH": str(ROOT),
            "DATELINE_MODEL_BASE_URL": model.base_url,
            "DATELINE_MODEL_API_KEY": "none",
            "DATELINE_PRICES": json.dumps(prices),
        }
        terminal = Terminal(folder, env)
        batch = ["batch", "questions.txt", "-o", "answers.jsonl", "--as-of", "2025-06-30", "--model", "openai:scripted"]
        chat = [
            Typed("\n>", "Why did Kestle resign?\r"),
            Typed("\n>", "/as-of 2025-03-10\r", 2),
            Typed("\n>", "Who succeeded him?\r", 3),
            Typed("\n>", "/save talk.md\r", 4),
            Typed("\n>", "/quit\r", 5),
        ]
        steps: list[tuple[list[str], Sequence[Typed]]] = [
            (["ingest", "news"], ()),
            (["ask", "How many people did the flood in Brannick kill?", "--as-of", "2025-06-30"], ()),
            (["chat", "--as-of", "2025-06-30"], chat),
            ([*batch, "--concurrency", "2"], [Typed("[2-5]/8", "\x03")]),
            ([*batch, "--concurrency", "2"], ()),
            (["batch", "answers.jsonl", "--render", "-o", "report.html"], ()),
        ]
        codes = []
        for words, typed in steps:
            note(f"dateline {shlex.join(words)}")
            codes.append(terminal.run(*words, typed=typed))
    return "\n".join(terminal.shown), codes


def main() -> None:
    """Record the session and write it down."""
    with tempfile.TemporaryDirectory(prefix="dateline-session-") as folder:
        text, codes = record(Path(folder), print)
    print(f"exit codes: {codes}")
    SESSION.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
