"""Standard input, its format told by how it begins."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from ingest.readers.decoding import READ_ERRORS, detect
from ingest.readers.items import Item, Reader, ReadFailure, Source
from ingest.readers.json_file import read_json
from ingest.readers.jsonl import read_jsonl
from ingest.readers.page import read_page
from ingest.readers.parquet import read_parquet
from ingest.readers.pdf import read_pdf
from ingest.readers.plain import read_plain
from qa.errors import InputError

STDIN = Path("-")
"""The path that stands for standard input."""

_SAMPLE = 64 * 1024
_GZIP = b"\x1f\x8b"
_PAGE = re.compile(
    r"(?:<\?xml[^>]*>|<!--.*?-->|\s)*<(?:!doctype\s+html|html|head|body|title|meta)\b", re.IGNORECASE | re.DOTALL
)
_JSON = re.compile(r"\[\s*[{\]]|\{\s*[\"}]")


def read_stdin(make: Callable[[str, Callable[[], BinaryIO]], Source], stream: BinaryIO | None = None) -> Iterator[Item]:
    """The articles in ``stream`` (standard input unless given): JSON, JSON Lines, a web page, PDF, Parquet, else text.

    Packed by gzip is fine. CSV cannot be told from text and has to be a file.
    """
    # Kept on disk: some formats are read from their end, and undecided dates make a second reading necessary.
    with tempfile.NamedTemporaryFile(prefix="dateline-") as kept:
        try:
            shutil.copyfileobj(stream or sys.stdin.buffer, kept)
            kept.flush()
            path = Path(kept.name)

            def reopen() -> BinaryIO:
                with path.open("rb") as file:
                    packed = file.read(2) == _GZIP
                return cast(BinaryIO, gzip.open(path)) if packed else path.open("rb")

            with reopen() as file:
                reader = sniff(file.read(_SAMPLE))
            yield from reader(make("-", reopen))
        except READ_ERRORS as error:
            yield ReadFailure("-", f"cannot be read: {error}")


def sniff(sample: bytes) -> Reader:
    """The reader for what begins with ``sample``; that of plain text when nothing tells."""
    if sample.startswith(b"%PDF-"):
        return read_pdf
    if sample.startswith(b"PAR1"):
        return read_parquet
    try:
        encoding = detect(sample, whole=len(sample) < _SAMPLE)
    except InputError:
        return read_plain
    text = sample.decode(encoding.name, "replace").lstrip("\ufeff \t\r\n")
    if _JSON.match(text):
        return read_jsonl if text.startswith("{") and _is_line(text) else read_json
    return read_page if _PAGE.match(text) else read_plain


def _is_line(text: str) -> bool:
    """Whether the first line is JSON by itself, or too long to tell."""
    line, end, _ = text.partition("\n")
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return not end
    return True
