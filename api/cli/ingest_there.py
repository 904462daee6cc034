"""``dateline ingest --server``: articles into the collection of a running service, by its jobs."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from api.errors import INTERRUPTED
from api.remote import Gathered, Job, Remote, Upload, uploads
from ingest.pipeline import IngestReport
from ingest.readers import SUFFIXES, Url, files_in
from ingest.readers.items import Reader
from ingest.readers.stdin import STDIN

if TYPE_CHECKING:
    from api.cli.progress import Meter
    from qa.settings import Settings

_SAMPLE = 64 * 1024


def ingest_there(
    settings: Settings, sources: Sequence[Path | Url], *, restore: bool, fields: Mapping[str, str]
) -> IngestReport:
    """Send everything there and wait until it is taken in.

    Raises what :class:`api.remote.Remote` raises, and ``JobFailedError``. Interrupted, what was sent is taken in.
    """
    from api.cli.output import complain
    from api.cli.progress import meter

    try:
        with meter("Ingesting there", "articles") as shown, _files(sources) as (files, unread):
            urls = [one.address for one in sources if isinstance(one, Url) and not one.feed]
            feeds = [one.address for one in sources if isinstance(one, Url) and one.feed]
            gathered = asyncio.run(_sent(settings, uploads(files, urls, feeds), shown, restore=restore, fields=fields))
    except KeyboardInterrupt:
        hint = "What was sent is being taken in there. Run the same command again to send the rest."
        complain("interrupted", hint)
        raise typer.Exit(INTERRUPTED) from None
    return _report(gathered, unread)


async def _sent(
    settings: Settings, portions: Iterator[Upload], shown: Meter, *, restore: bool, fields: Mapping[str, str]
) -> Gathered:
    gathered, done = Gathered(), 0
    async with Remote(settings) as remote:
        for portion in portions:
            job = await remote.submit(portion, restore=restore, fields=fields)
            async with aclosing(remote.follow(job)) as told:
                async for job in told:
                    shown.show(done + job.progress.read, None, _note(job))
            done += job.progress.read
            gathered.add(job)
    return gathered


def _note(job: Job) -> str:
    embedded, backlog = job.progress.embedded, job.progress.backlog
    return f"{embedded} of {embedded + backlog} passages embedded" if embedded or backlog else job.state


@contextmanager
def _files(sources: Sequence[Path | Url]) -> Iterator[tuple[list[Path], list[tuple[str, str]]]]:
    """The files to send, and (where, reason) of what cannot be; standard input is kept on disk meanwhile."""
    files: list[Path] = []
    unread: list[tuple[str, str]] = []
    with tempfile.TemporaryDirectory(prefix="dateline-") as folder:
        for source in sources:
            if isinstance(source, Url):
                continue
            if source == STDIN:
                files.append(_kept(Path(folder)))
            elif source.is_dir():
                files += files_in(source)
            elif Path(source.name.lower().removesuffix(".gz")).suffix in SUFFIXES:
                files.append(source)
            else:
                unread.append((str(source), f"unknown format; known are {', '.join(SUFFIXES)}, each also with .gz"))
        yield files, unread


def _kept(folder: Path) -> Path:
    """Standard input in a file whose name tells its format, as its beginning does."""
    from ingest.readers import json_file, jsonl, page, parquet, pdf, plain, stdin

    whole = folder / "whole"
    with whole.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    with whole.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    with gzip.open(whole) if packed else whole.open("rb") as content:
        reader = stdin.sniff(content.read(_SAMPLE))
    suffixes: dict[Reader, str] = {
        pdf.read_pdf: ".pdf",
        parquet.read_parquet: ".parquet",
        jsonl.read_jsonl: ".jsonl",
        json_file.read_json: ".json",
        page.read_page: ".html",
        plain.read_plain: ".txt",
    }
    return whole.rename(folder / f"stdin{suffixes[reader]}{'.gz' if packed else ''}")


def _report(gathered: Gathered, unread: Sequence[tuple[str, str]]) -> IngestReport:
    told = gathered.report

    def count(name: str) -> int:
        return int(told.get(name, 0))

    return IngestReport(
        read=count("read"),
        stored=count("stored"),
        updated=count("updated"),
        unchanged=count("unchanged"),
        deleted=count("deleted"),
        duplicates=count("duplicates"),
        failed=(*unread, *_pairs(told.get("failed"))),
        warnings=_pairs(told.get("warnings")),
        seconds={str(stage): float(spent) for stage, spent in dict(told.get("seconds", {})).items()},
        elapsed=float(told.get("elapsed", 0.0)),
        chunks_embedded=count("chunks_embedded"),
    )


def _pairs(told: object) -> tuple[tuple[str, str], ...]:
    """(where, reason) of each, as far as they have the contract's form."""
    listed = told if isinstance(told, list) else []
    return tuple((str(one.get("where", "")), str(one.get("reason", ""))) for one in listed if isinstance(one, dict))
