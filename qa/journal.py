"""A batch's memory: one line on disk for each question answered, in the order they were finished.

Lines are JSON objects. A header says under which terms questions are asked; every other line is the outcome of one
question under its key. A line counts once it is complete: what a killed process left half written is cut off when the
journal is next opened. The last line of a key is the one that holds.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from filelock import FileLock, Timeout

from qa.budget import Spent
from qa.errors import InputError

FORMAT = 1
"""Version of the lines; a journal of a newer one is not touched."""

Outcome = Literal["answered", "abstained", "failed"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a question is asked under when it says nothing else: the as-of date, the model; and the prompt's version."""

    as_of: date
    model: str
    prompt_version: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a key's line begins, in bytes, and how its question came out."""

    offset: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Contents:
    """A journal as read: the last header (None: there is none yet), the entries by key, the length in bytes of the
    complete lines, and what all answers ever recorded took."""

    terms: Terms | None
    entries: dict[str, Entry]
    size: int
    spent: Spent


def read_journal(path: Path) -> Contents:
    """What the journal at ``path`` holds; nothing when there is no such file. Writes nothing.

    Raises ``InputError`` for a file that is no journal, is damaged elsewhere than at its end, or is of a newer format.
    """
    terms: Terms | None = None
    entries: dict[str, Entry] = {}
    size = 0
    spent = Spent()
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                record = _parsed(line)
                if record is None:
                    if file.read(1):
                        raise InputError("this line is damaged, or the file is no journal", where=f"{path}:{number}")
                    break
                if "journal" in record:
                    terms = _terms(record, f"{path}:{number}")
                elif terms is None:
                    raise InputError("the file is no journal: it has no header", where=str(path))
                else:
                    entries[str(record["key"])] = Entry(size, _outcome(record))
                    spent.add(record.get("answer"))
                size += len(line)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    return Contents(terms, entries, size, spent)


class Journal:
    """A journal open for writing, by one process at a time. Made by :meth:`open`; a context manager.

    ``terms`` are those of this run; ``begun`` those of the header found, None in a new journal. ``spent`` is what all
    answers recorded took, those of earlier runs too.
    """

    def __init__(self, path: Path, terms: Terms, found: Contents, lock: FileLock) -> None:
        self.path = path
        self.terms = terms
        self.begun = found.terms
        self.entries = dict(found.entries)
        self.spent = found.spent
        self._lock = lock
        self._size = found.size
        try:
            self._file = path.open("r+b" if path.exists() else "w+b", buffering=0)
            self._file.truncate(found.size)
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror}", where=str(path)) from error

    @classmethod
    def open(cls, path: Path, terms: Terms) -> Journal:
        """Open or begin the journal at ``path``; a line left half written is cut off.

        The as-of date of the first header holds for good: a batch resumed tomorrow asks what it asked today. A change
        of model or prompt is noted in a header of its own. Raises ``InputError`` as :func:`read_journal` does, and
        when another process has the journal open.
        """
        lock = FileLock(path.with_name(path.name + ".lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise InputError(
                "another batch is writing to it", where=str(path), hint="Wait for it to end, or choose another output."
            ) from None
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror}", where=str(path)) from error
        try:
            found = read_journal(path)
            terms = replace(terms, as_of=found.terms.as_of) if found.terms else terms
            journal = cls(path, terms, found, lock)
            if found.terms != terms:
                journal._append({"journal": FORMAT, **asdict(terms), "as_of": terms.as_of.isoformat()})
            return journal
        except BaseException:
            _release(lock)
            raise

    def record(self, key: str, question: str, answer: dict[str, Any] | None, error: dict[str, str] | None) -> Outcome:
        """Keep the outcome of one question: it is on the disk when this returns. Exactly one of the two is None."""
        line = {"key": key, "question": question, "answer": answer, "error": error}
        self.entries[key] = Entry(self._append(line), _outcome(line))
        self.spent.add(answer)
        return self.entries[key].outcome

    def line(self, key: str) -> dict[str, Any]:
        """The line of ``key``: ``key``, ``question``, ``answer``, ``error``. Raises ``KeyError`` when it has none."""
        with self.path.open("rb") as file:
            file.seek(self.entries[key].offset)
            line: dict[str, Any] = json.loads(file.readline())
        return line

    def close(self) -> None:
        """Close the file and let other processes have it."""
        self._file.close()
        _release(self._lock)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _append(self, record: dict[str, Any]) -> int:
        """Write one line through to the disk; returns the offset it begins at."""
        # ASCII, so that no character of an article can pass for the end of a line or fail to encode.
        data = json.dumps(record, separators=(",", ":")).encode("ascii") + b"\n"
        offset = self._size
        try:
            self._file.seek(offset)
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            # Half a line in the middle of the file would make what follows unreadable.
            self._file.truncate(offset)
            raise InputError(f"cannot be written: {error.strerror}", where=str(self.path)) from error
        self._size = offset + len(data)
        return offset


def _parsed(line: bytes) -> dict[str, Any] | None:
    """The object on a complete line, None for anything else."""
    if not line.endswith(b"\n"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and ("journal" in record or "key" in record) else None


def _terms(record: dict[str, Any], where: str) -> Terms:
    if record["journal"] != FORMAT:
        raise InputError(
            f"written in format {record['journal']!r}, this Dateline knows {FORMAT}",
            where=where,
            hint="Upgrade Dateline.",
        )
    try:
        return Terms(date.fromisoformat(record["as_of"]), str(record["model"]), str(record["prompt_version"]))
    except (KeyError, TypeError, ValueError):
        raise InputError("the journal's header is damaged", where=where) from None


def _outcome(record: dict[str, Any]) -> Outcome:
    if record.get("error") is not None:
        return "failed"
    answer = record.get("answer")
    return "abstained" if isinstance(answer, dict) and answer.get("abstained") else "answered"


def _release(lock: FileLock) -> None:
    # Removed while it is still held: whoever waits for it notices that it is gone and makes a new one.
    Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()
