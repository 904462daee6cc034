"""``.zip`` and ``.tar`` (also ``.tar.gz``, ``.tgz``): each member read by the format its name says.

Members are never written under the names they bear. One at a time is copied into a temporary file without a name of
its own, and counted while it grows, whatever the archive says of its size.
"""

from __future__ import annotations

import io
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, Self, cast

from ingest.readers.decoding import READ_ERRORS
from ingest.readers.items import NOTHING, Item, ReadFailure, ReadWarning, Source

ReadNamed = Callable[[Source, str], Iterator[Item] | None]
"""Reads a source by the format that a file's name says; None when that is no known one."""

ARCHIVES = (".zip", ".tar", ".tgz")
_NESTED = (*ARCHIVES, ".7z", ".rar", ".bz2", ".xz", ".tbz", ".tbz2", ".txz")
_DAMAGED = (
    *READ_ERRORS,
    zipfile.BadZipFile,
    tarfile.TarError,
    LZMAError,
    struct.error,
    ValueError,
    OverflowError,
    RuntimeError,  # NotImplementedError among them: a method of packing that is not known
)
"""What zipfile and tarfile raise for archives that are damaged or packed in an unknown way."""

_BLOCK = 64 * 1024
_DIRECTORY_ENTRY = 300  # bytes, generously: 46 and a name
_DIRECTORY_END = 65_557  # bytes, with the longest comment
_EXTENSIONS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_LONGEST_EXTENSION = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may hold: members, bytes of one and of all, and how many bytes may come of one packed byte.

    ``ratio`` counts only from ``free`` bytes on: little files that compress well harm nobody.
    """

    members: int = 100_000
    member_bytes: int = 1_000_000_000
    total_bytes: int = 20_000_000_000
    ratio: int = 200
    free: int = 20_000_000


LIMITS = Limits()


class _LimitError(Exception):
    """A limit is passed, and nothing more of the archive is read."""


def read_zip(source: Source, read_named: ReadNamed, *, limits: Limits = LIMITS) -> Iterator[Item]:
    """The articles in the members of a zip file, and a failure for every member that cannot be read.

    Folders and hidden files are passed over, members of unknown formats with a warning. ``where`` is
    ``ARCHIVE!MEMBER``, then as the member's format has it.
    """
    try:
        with source.open() as stream:
            _check_directory(stream, limits)
            with zipfile.ZipFile(stream) as archive:
                yield from _Members(source, read_named, limits).zipped(archive)
    except _LimitError as error:
        yield ReadFailure(source.where, f"{error}; the rest of the archive was not read")
    except _DAMAGED as error:
        yield ReadFailure(source.where, f"not a zip file that can be read: {_said(error)}")


def read_tar(source: Source, read_named: ReadNamed, *, limits: Limits = LIMITS) -> Iterator[Item]:
    """The same for a tar file, compressed by gzip or not. Links and devices in it are failures."""
    try:
        with source.open() as stream, tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header) as archive:
            yield from _Members(source, read_named, limits).tarred(archive, partial(_packed, stream))
    except _LimitError as error:
        yield ReadFailure(source.where, f"{error}; the rest of the archive was not read")
    except _DAMAGED as error:
        yield ReadFailure(source.where, f"not a tar file that can be read: {_said(error)}")


def _check_directory(stream: BinaryIO, limits: Limits) -> None:
    """Refuses a zip file whose directory alone would fill the memory: zipfile reads all of it at once."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - _DIRECTORY_END))
    tail = stream.read(_DIRECTORY_END)
    at = tail.rfind(b"PK\x05\x06")
    if 0 <= at <= len(tail) - 22:
        (length,) = struct.unpack_from("<I", tail, at + 12)
        if length > limits.members * _DIRECTORY_ENTRY:
            raise _LimitError(f"more than {limits.members:,} members")


def _packed(stream: BinaryIO) -> int:
    """How many bytes of the file itself have been read, before decompression."""
    return cast(int, getattr(stream, "fileobj", stream).tell())


class _Header(tarfile.TarInfo):
    """A tar header that raises where tarfile would take damage for the archive's end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            header = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            # All zeros, or nothing, is how archives end.
            if not buf.strip(b"\0"):
                raise
            raise tarfile.ReadError(f"damaged or cut off ({error})") from None
        if header.type in _EXTENSIONS and header.size > _LONGEST_EXTENSION:
            # tarfile would read it into memory, whatever size it says.
            raise tarfile.ReadError("a header is too long")
        return header


class _Members:
    """Reads the members of one archive and counts what comes out of it."""

    def __init__(self, source: Source, read_named: ReadNamed, limits: Limits) -> None:
        self._source = source
        self._read_named = read_named
        self._limits = limits
        self._count = 0
        self._total = 0

    def zipped(self, archive: zipfile.ZipFile) -> Iterator[Item]:
        empty = True
        for info in archive.infolist():
            self._counted()
            if info.is_dir() or _hidden(info.filename):
                continue
            empty = False
            if info.flag_bits & 0x1:
                yield ReadFailure(self._where(info.filename), "encrypted")
                continue
            if refused := self._refused(info.filename):
                yield refused
                continue
            with tempfile.NamedTemporaryFile(prefix="dateline-") as copy:
                try:
                    with archive.open(info) as stream:
                        self._copy(stream, copy, partial(getattr, info, "compress_size"), self._total)
                except _DAMAGED as error:
                    yield ReadFailure(self._where(info.filename), f"cannot be unpacked: {_said(error)}")
                    continue
                yield from self._read(info.filename, Path(copy.name))
        if empty:
            yield ReadWarning(self._source.where, NOTHING)

    def tarred(self, archive: tarfile.TarFile, packed: Callable[[], int]) -> Iterator[Item]:
        empty = True
        for info in archive:
            archive.members = []  # type: ignore[attr-defined]  # it would remember all of them
            self._counted()
            if info.isdir():
                continue
            hidden = _hidden(info.name)
            empty = empty and hidden
            if not info.isreg():
                yield ReadFailure(self._where(info.name), "a link or a device, not a file")
                continue
            refused = self._refused(info.name)
            with tempfile.NamedTemporaryFile(prefix="dateline-") as copy:
                # What is passed over has to be unpacked as well to get behind it, so it counts.
                if stream := archive.extractfile(info):
                    self._copy(stream, None if hidden or refused else copy, packed, 0)
                if refused and not hidden:
                    yield refused
                elif not hidden:
                    yield from self._read(info.name, Path(copy.name))
        if empty:
            yield ReadWarning(self._source.where, NOTHING)

    def _counted(self) -> None:
        self._count += 1
        if self._count > self._limits.members:
            raise _LimitError(f"more than {self._limits.members:,} members")

    def _copy(self, stream: IO[bytes], copy: IO[bytes] | None, packed: Callable[[], int], since: int) -> None:
        """Copies a member, or only reads past it.

        ``packed`` is how many bytes all came out of that was unpacked after the first ``since`` bytes.
        """
        size = 0
        while block := stream.read(_BLOCK):
            size += len(block)
            self._total += len(block)
            if size > self._limits.member_bytes:
                raise _LimitError(f"a member is larger than {self._limits.member_bytes:,} bytes")
            if self._total > self._limits.total_bytes:
                raise _LimitError(f"more than {self._limits.total_bytes:,} bytes in all")
            unpacked = self._total - since
            if unpacked > self._limits.free and unpacked > packed() * self._limits.ratio:
                raise _LimitError(f"unpacks to more than {self._limits.ratio} times its size, as zip bombs do")
            if copy is not None:
                copy.write(block)
        if copy is not None:
            copy.flush()

    def _refused(self, name: str) -> Item | None:
        """The verdict on a member that need not be looked into."""
        bare = PurePosixPath(name.lower()).name
        suffix = PurePosixPath(bare.removesuffix(".gz")).suffix
        if suffix in _NESTED:
            return ReadFailure(self._where(name), "an archive within an archive; unpack it first")
        if self._read_named(self._source, bare) is None:
            kind = f"unknown format {suffix!r}" if suffix else "no suffix to tell the format by"
            return ReadWarning(self._where(name), f"{kind}; left out")
        return None

    def _read(self, name: str, copy: Path) -> Iterator[Item]:
        member = replace(self._source, where=self._where(name), open=partial(_open, copy, name))
        yield from self._read_named(member, PurePosixPath(name).name) or ()

    def _where(self, name: str) -> str:
        # A member's name is whatever its maker wrote, terminal commands and line ends included.
        shown = "".join(mark if mark.isprintable() else f"\\x{ord(mark):02x}" for mark in name)
        return f"{self._source.where}!{shown}"


def _open(copy: Path, name: str) -> BinaryIO:
    import gzip

    return cast(BinaryIO, gzip.open(copy)) if name.lower().endswith(".gz") else copy.open("rb")


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) and part not in (".", "..") for part in name.split("/"))


def _said(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
