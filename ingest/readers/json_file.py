"""``.json``: an array of objects, one object, or several one after the other; read object by object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TextIO

from ingest.readers.decoding import open_lines, read_as
from ingest.readers.items import Item, ReadFailure, ReadWarning, Source
from ingest.readers.jsonl import MAX_RECORD, as_row, load
from ingest.readers.rows import Row, read_rows
from qa.errors import InputError

_BLOCK = 64 * 1024
_SPACE = re.compile(r"\s*")
_DECODER = json.JSONDecoder()


def read_json(source: Source) -> Iterator[Item]:
    """The articles of a JSON file, holding one object of it at a time.

    Damage ends the file with a failure. Articles of a file that has several are at ``PATH#1``, ``PATH#2`` and so on.
    """
    yield from read_rows(source, _rows)


def _rows(source: Source) -> Iterator[Row | ReadFailure | ReadWarning]:
    with source.open() as stream:
        number = 0
        try:
            text, encoding = open_lines(stream)
            if encoding.guessed:
                yield ReadWarning(source.where, read_as(encoding.name))
            values = _Values(text)
            for number, raw in enumerate(values, 1):
                value, guessed = load(raw)
                alone = number == 1 and not values.array and values.peek() is None
                yield as_row(value, source.where if alone else f"{source.where}#{number}", guessed)
        except InputError as error:
            where = source.where + (f"#{number}" if number else "")
            yield ReadFailure(where, f"{error.reason}; the rest of the file was not read")


class _Values:
    """The JSON texts of the values in a stream: the elements of an array, or values one after the other."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._buffer = ""
        self._at = 0
        self._ended = False
        self.array = self.peek() == "["
        if self.array:
            self._at += 1

    def __iter__(self) -> Iterator[str]:
        first = True
        while (mark := self.peek()) is not None:
            if self.array and mark == "]":
                self._at += 1
                if self.peek() is not None:
                    raise InputError("something follows the array")
                return
            if self.array and not first:
                if mark != ",":
                    raise InputError("a comma is missing between two objects")
                self._at += 1
                self.peek()
            yield self._value()
            first = False
        if self.array:
            raise InputError("the array is never closed")

    def peek(self) -> str | None:
        """The next character that is not white space, made the current one; None at the end."""
        while True:
            space = _SPACE.match(self._buffer, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more(_BLOCK):
                return None

    def _value(self) -> str:
        while True:
            try:
                _, end = _DECODER.raw_decode(self._buffer, self._at)
                whole = end < len(self._buffer) or not self._more(_BLOCK)
            except json.JSONDecodeError as error:
                # Broken, or cut off by the end of the buffer: twice as much of it will tell.
                have = len(self._buffer) - self._at
                if have > MAX_RECORD:
                    raise InputError(f"no JSON object of at most {MAX_RECORD:,} characters: {error.msg}") from None
                if not self._more(max(_BLOCK, have)):
                    raise InputError(f"not valid JSON: {error.msg}") from None
                continue
            except (ValueError, RecursionError):
                raise InputError("not JSON that can be read: a number too long or brackets too deep") from None
            if whole:
                raw, self._at = self._buffer[self._at : end], end
                return raw

    def _more(self, size: int) -> bool:
        """Reads on, forgetting what has been used; False at the end of the stream."""
        read = "" if self._ended else self._stream.read(size)
        self._ended = not read
        if read:
            self._buffer, self._at = self._buffer[self._at :] + read, 0
        return bool(read)
