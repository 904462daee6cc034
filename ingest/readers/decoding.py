"""Bytes to text: which encoding, and lines of bounded length."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from ingest.clean import REPLACEMENT
from qa.errors import InputError

SAMPLE_BYTES = 256 * 1024
"""How much of a stream its encoding is judged by."""

READ_ERRORS = (OSError, EOFError, zlib.error)
"""What reading a damaged or vanishing file can raise (gzip's own errors are among them)."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MOST_CONTROL = 0.01
_ESCAPED_BYTE = re.compile(r"[\udc80-\udcff]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_SINGLE = re.compile(rb"[\x00-\x2f]")
_LAST_SINGLE = re.compile(rb"[\x00-\x2f][^\x00-\x2f]*\Z")

_MADE_FOR = {
    "cp1250": "Polish Czech Slovak Hungarian Croatian Slovene Romanian Serbian",
    "cp1251": "Russian Ukrainian Bulgarian Serbian Macedonian Belarusian",
    "cp1253": "Greek",
    "cp1254": "Turkish",
    "cp1255": "Hebrew",
    "cp1256": "Arabic Farsi",
    "cp1257": "Lithuanian Latvian Estonian",
    "koi8_r": "Russian",
    "koi8_u": "Ukrainian",
}
"""Code pages and the languages they are used for. charset-normalizer often finds several that fit a short text equally
well and then names the first by the alphabet; the language tells them apart."""
_WESTERN = "cp1252"
_LOOK_WESTERN = ("cp1250", "cp1257")
_CANDIDATES = [*_MADE_FOR, _WESTERN, "cp932", "euc_jp", "gb18030", "big5", "cp949", "cp874"]


@dataclass(frozen=True, slots=True)
class Encoding:
    """A codec's name, and whether it was ``guessed`` rather than declared or proved."""

    name: str
    guessed: bool = False


def read_as(encoding: str) -> str:
    """What to say of a text whose bytes were not UTF-8 and were read by this ``encoding``."""
    if encoding == "utf-8":
        return f"damaged UTF-8; bytes that are no character became {REPLACEMENT}"
    return f"not UTF-8; read as {encoding}"


def open_binary(path: Path) -> BinaryIO:
    """The file's content, decompressed when its name ends in ``.gz`` (or ``.tgz``).

    Reading may raise any of ``READ_ERRORS``.
    """
    return cast(BinaryIO, gzip.open(path)) if path.suffix.lower() in (".gz", ".tgz") else path.open("rb")


def has_mark(data: bytes) -> bool:
    """Whether ``data`` begins with a byte-order mark."""
    return any(data.startswith(mark) for mark, _ in _MARKS)


def detect(sample: bytes, *, whole: bool) -> Encoding:
    """The encoding of a text that begins with ``sample`` (or is it, when ``whole``).

    A byte-order mark decides; else UTF-8 if the bytes are that, but for a few; else the likeliest old code page.
    Raises ``InputError`` for what is no text: too many control characters, or bytes no code page makes sense of.
    """
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return Encoding(name)
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(sample, final=whole)
        found = Encoding("utf-8")
    except UnicodeDecodeError:
        if b"\x00" in sample:
            raise InputError("looks like a binary file (holds NUL bytes)") from None
        name, text = _guess(sample if whole else _between_characters(sample))
        # Damaged UTF-8 is proved all the same: what is damaged in it is said where it is met.
        found = Encoding(name, guessed=name != "utf-8")
    if len(_CONTROL.findall(text)) > _MOST_CONTROL * len(text):
        raise InputError("looks like a binary file (holds control characters)")
    return found


def is_utf8(data: bytes) -> bool:
    """Whether ``data`` is UTF-8 all in all: plain ASCII, or with at least twice as many characters as stray bytes.

    Texts in old code pages have three stray bytes and more for each pair that happens to be a character.
    """
    text = data.decode("utf-8", "surrogateescape")
    stray = len(_ESCAPED_BYTE.findall(text))
    return not stray or len(_BEYOND_ASCII.findall(text)) - stray >= 2 * stray


def _guess(sample: bytes) -> tuple[str, str]:
    if is_utf8(sample):
        return "utf-8", sample.decode("utf-8", "replace")
    from charset_normalizer import CharsetMatch, from_bytes

    # Plain English around the lines in question would only blur their language.
    telling = b"\n".join(line for line in sample.split(b"\n") if not line.isascii())
    matches = list(from_bytes(telling, cp_isolation=_CANDIDATES))
    if not matches:
        raise InputError("no known text encoding fits its bytes")
    best = matches[0]
    close = [one for one in matches if one.chaos <= best.chaos + 0.1 and one.coherence >= best.coherence - 0.1]
    western = next((one for one in close if one.encoding == _WESTERN), None)

    def fits(match: CharsetMatch) -> bool:
        languages = _MADE_FOR.get(match.encoding, match.language).split()
        # Italian read as cp1250 passes for Czech; but Czech passes for Czech in cp1252, too.
        passes = western is None or match.encoding not in _LOOK_WESTERN or western.language in languages
        return match.language in languages and passes

    fitting = [one for one in close if one is not western and fits(one)]
    chosen = fitting[0] if fitting else western or best
    return chosen.encoding, str(chosen)


def _between_characters(sample: bytes) -> bytes:
    """``sample`` less what it may hold of a cut-off character at either end, in any encoding."""
    # Bytes below 0x30 are never the second half of anything.
    first, last = _SINGLE.search(sample), _LAST_SINGLE.search(sample)
    return sample[first.end() : last.start()] if first and last and first.end() < last.start() else sample


def decode(data: bytes) -> tuple[str, Encoding]:
    """The text of a whole file, and its encoding. Raises ``InputError`` as ``detect`` does."""
    encoding = detect(data[:SAMPLE_BYTES], whole=len(data) <= SAMPLE_BYTES)
    try:
        return data.decode(encoding.name), encoding
    except UnicodeDecodeError as error:
        if not encoding.name.startswith("utf-8"):
            return data.decode(encoding.name, "replace"), encoding
        # The sample was UTF-8 (or plain ASCII) and what follows is not.
        if b"\x00" in data:
            raise InputError(f"is neither UTF-8 (byte {error.start}) nor, holding NUL bytes, any other text") from None
        if is_utf8(data):
            return data.decode(encoding.name, "replace"), Encoding("utf-8", guessed=True)
        name, _ = _guess(_between_characters(data[max(0, error.start - SAMPLE_BYTES // 2) :][:SAMPLE_BYTES]))
        return data.decode(name, "replace"), Encoding(name, guessed=True)


def open_lines(stream: BinaryIO) -> tuple[TextIO, Encoding]:
    """A seekable binary stream as text, line ends as ``\\n``, its encoding judged by its beginning.

    Bytes that are not in a proved UTF-8 come out as lone surrogates: :func:`mend` reads them. Raises ``InputError``
    as ``detect`` does.
    """
    sample = stream.read(SAMPLE_BYTES)
    encoding = detect(sample, whole=len(sample) < SAMPLE_BYTES)
    stream.seek(0)
    errors = "surrogateescape" if encoding.name.startswith("utf-8") else "replace"
    return io.TextIOWrapper(stream, encoding=encoding.name, errors=errors), encoding


def mend(line: str) -> tuple[str, str | None]:
    """A line of ``open_lines`` with its bytes that are not UTF-8 read as what they likely are.

    Returns the line and the encoding guessed, None when there was nothing to mend. Raises ``InputError`` when no
    encoding fits.
    """
    if line.isascii() or not _ESCAPED_BYTE.search(line):
        return line, None
    raw = line.encode("utf-8", "surrogateescape")
    name, _ = _guess(raw)
    return raw.decode(name, "replace"), name


def bounded_lines(stream: TextIO, limit: int) -> Iterator[tuple[int, str | None]]:
    """(number from 1, line without its end) for each line; None instead of a line longer than ``limit`` code points.

    Holds one line at a time, and of an over-long one only ``limit`` code points.
    """
    number = 0
    while line := stream.readline(limit + 1):
        number += 1
        if len(line) > limit and not line.endswith("\n"):
            while line and not line.endswith("\n"):
                line = stream.readline(limit)
            yield number, None
        else:
            yield number, line.removesuffix("\n")
