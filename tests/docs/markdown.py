"""The repository's documents, taken apart as far as the tests need it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT

DOCUMENTS = sorted(ROOT.glob("*.md"))
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
_SHELL = {"sh", "console"}


def read(path: Path) -> str:
    """The document's text."""
    return path.read_text(encoding="utf-8")


def blocks(path: Path, *languages: str) -> list[str]:
    """The fenced blocks of these languages, in order."""
    return [body for language, body in _FENCE.findall(read(path)) if language in languages]


def prose(path: Path) -> str:
    """The document without its fenced blocks."""
    return _FENCE.sub("", read(path))


def commands(path: Path, program: str) -> Iterator[list[str]]:
    """The arguments of every call of ``program`` shown, in shell blocks and in code within sentences."""
    for block in blocks(path, *_SHELL):
        for line in block.replace("\\\n", " ").splitlines():
            yield from _call(line.removeprefix("$ "), program)
    for code in re.findall(r"`([^`\n]+)`", prose(path)):
        yield from _call(code, program)


def _call(line: str, program: str) -> Iterator[list[str]]:
    if re.match(rf"{program}\s", line):
        yield shlex.split(line, comments=True)[1:]


def anchors(path: Path) -> set[str]:
    """The anchors that the document's headings have where it is shown as a page."""
    titles = re.findall(r"^#+ (.+)$", prose(path), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
