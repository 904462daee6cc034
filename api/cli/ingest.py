"""``dateline ingest``: articles in."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.options import (
    DebugOption,
    HomeOption,
    JsonOption,
    ServerOption,
    examples,
    existing,
    settings_for,
)
from api.errors import FAILED, INTERRUPTED, PARTIAL
from qa.errors import UsageError

if TYPE_CHECKING:
    from api.cli.progress import Meter
    from ingest.pipeline import IngestReport
    from ingest.readers import Url
    from ingest.reembed import ReembedReport
    from qa.library.home import Home

EXAMPLES = examples(
    "dateline ingest news/",
    "dateline ingest 2025-05-19.txt wire.jsonl.gz --home newsroom",
    "dateline ingest export.csv --map text=body --map published=date",
    "dateline ingest https://news.example/story --feed https://news.example/rss",
    "dateline ingest news/ --restore --json",
    "dateline ingest news/ --server http://127.0.0.1:8000",
    "DATELINE_EMBEDDING_MODEL=intfloat/e5-small-v2 dateline ingest --reembed",
)


def _existing(paths: list[str] | None) -> list[str]:
    """``paths``; a usage error for one that does not exist. Typer's own check takes ``-`` and URLs for files' names."""
    for path in paths or []:
        if path != "-" and not _is_url(path) and not Path(path).exists():
            raise typer.BadParameter(f"path {path!r} does not exist.")
    return paths or []


def _sources(paths: list[str], feeds: list[str], *, reembed: bool, discard: bool) -> list[Path | Url]:
    from ingest.readers import Url

    if discard and not reembed:
        raise typer.BadParameter("--discard goes with --reembed.")
    if not paths and not feeds and not reembed:
        raise typer.BadParameter("name a path, a URL or a --feed.")
    return [Url(path) if _is_url(path) else Path(path) for path in paths] + [Url(feed, feed=True) for feed in feeds]


def _is_url(path: str) -> bool:
    return path.lower().startswith(("http://", "https://"))


JobsOption = Annotated[
    int,
    typer.Option("--jobs", metavar="N", min=1, max=64, help="Processes that read texts, pages and PDF."),
]


PathsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PATH|URL]...",
        callback=_existing,
        help="Files (.txt, .md, .html, .pdf, .jsonl, .json, .csv, .tsv, .parquet, .xml, .nitf, .rss, .atom, .warc,"
        " each also .gz), .zip, .tar, .tar.gz, folders of them, URLs, or - for standard input.",
    ),
]
FeedOption = Annotated[
    list[str] | None,
    typer.Option("--feed", metavar="URL", help="An RSS or Atom feed to read with its pages. Repeat for more."),
]
MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="FIELD=NAME",
        help="What a field is called in JSON and tables, e.g. text=body. Repeat for more.",
    ),
]
ReembedOption = Annotated[
    bool,
    typer.Option(
        "--reembed",
        help="First embed all articles anew, if the settings name another embedding model, backend or size of"
        " chunk than the vectors were made with.",
    ),
]
DiscardOption = Annotated[
    bool,
    typer.Option("--discard", help="With --reembed: give up one that is half-done and whose settings were others."),
]


def ingest(
    paths: PathsArgument = None,
    feeds: FeedOption = None,
    fields: MapOption = None,
    restore: Annotated[bool, typer.Option("--restore", help="Bring back articles that were deleted.")] = False,
    jobs: JobsOption = 1,
    reembed: ReembedOption = False,
    discard: DiscardOption = False,
    server: ServerOption = None,
    json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Take articles in: read, dated, cut into passages, and made searchable.

    What is there already is not taken in twice; a changed article becomes a new version of it.

    --reembed makes passages and vectors what an ingest with the settings of today would make them:

    cut so that DATELINE_EMBEDDING_MODEL reads them in full, of up to DATELINE_CHUNK_TOKENS tokens;

    embedded by DATELINE_EMBEDDING_BACKEND, where auto takes what was used before with that model.

    The old ones answer, asked with the old settings, until the new ones are complete and take their place.

    Interrupted, the same command goes on where it stopped. Where nothing differs nothing is embedded.
    """
    from api.cli.output import complain
    from ingest.readers import parse_map
    from qa.library.home import open_home

    sources = _sources(paths or [], feeds or [], reembed=reembed, discard=discard)
    names = parse_map(fields or [])
    settings = settings_for(home, debug, server_url=server)
    if settings.server_url:
        if reembed:
            raise UsageError("--reembed changes a home", hint="Run it on the machine that has it, without a service.")
        from api.cli.ingest_there import ingest_there

        _end(ingest_there(settings, sources, restore=restore, fields=names), None, json=json)
        return
    command = "ingest --reembed" if reembed else "ingest"
    try:
        with open_home(settings if sources else existing(settings), write=command, any_model=reembed) as opened:
            done = _reembed(opened, discard=discard) if reembed else None
            report = _run(opened, sources, restore=restore, fields=names, jobs=jobs)
    except KeyboardInterrupt:
        complain("interrupted", "What was stored is kept. Run the same command again to go on.")
        raise typer.Exit(INTERRUPTED) from None
    _end(report, done, json=json, silent=not sources)


def _end(report: IngestReport, reembedded: ReembedReport | None, *, json: bool, silent: bool = False) -> None:
    """Say what was done, and end with the code that says how it went."""
    from api.cli.output import print_json

    if json:
        print_json({**report.to_json(), "reembedded": reembedded.to_json() if reembedded else None})
    else:
        _tell_all(reembedded, None if silent else report)
    if report.failed:
        raise typer.Exit(PARTIAL if report.read else FAILED)


def _run(home: Home, sources: list[Path | Url], **told: Any) -> IngestReport:
    from api.cli.progress import meter
    from ingest.pipeline import Pipeline

    with meter("Ingesting", "articles") if sources else nullcontext() as shown:
        return Pipeline(home).run(sources, progress=_Shown(shown) if shown else None, **told)


def _tell_all(reembedded: ReembedReport | None, report: IngestReport | None) -> None:
    if reembedded is not None:
        tell_reembedding(reembedded)
    if report is not None:
        _tell(report)


def _reembed(home: Home, *, discard: bool) -> ReembedReport:
    from api.cli.progress import meter
    from ingest.reembed import reembed

    with meter("Re-embedding", "passages") as shown:
        return reembed(home, _Watched(shown), discard=discard)


class _Watched:
    """A re-embedding's progress on a meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def cut(self, done: int, total: int) -> None:
        """Quick; how many passages there will be is not known yet."""
        self._meter.show(0, None, f"{done} of {total} articles cut into passages")

    def embedded(self, done: int, total: int) -> None:
        """What takes the time."""
        self._meter.show(done, total)


class _Shown:
    """The pipeline's progress on a meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._read = 0
        self._total: int | None = None
        self._note = ""

    def found(self, total: int | None) -> None:
        """See :class:`ingest.pipeline.Progress`."""
        self._total = total
        self._show()

    def article(self, where: str) -> None:
        """One more."""
        self._read += 1
        self._show()

    def chunks(self, done: int, backlog: int) -> None:
        """Embedding is what takes the time."""
        self._note = f"{done} of {done + backlog} passages embedded"
        self._show()

    def _show(self) -> None:
        self._meter.show(self._read, self._total, self._note)


def tell_reembedding(report: ReembedReport) -> None:
    """Print what a re-embedding did."""
    from api.cli.output import note, stdout

    if report.discarded is not None:
        note(f"A half-done re-embedding with {report.discarded} was given up.")
    now = report.model + (f" by {report.backend}" if report.backend else "")
    if not report.changed:
        stdout().print(f"Nothing to re-embed: the vectors are of {now}, of passages as the settings say.")
        return
    before = report.model_before + (f" by {report.backend_before}" if report.backend_before else "")
    stdout().print(
        f"Re-embedded: {report.chunks} passages with {now}, before {before}; {report.embedded} of them in this run, "
        f"{report.seconds:.1f} s."
    )
    if report.recut:
        stdout().print(f"{report.recut} versions of articles are cut into other passages than before.")


def _tell(report: IngestReport) -> None:
    from api.cli.output import complain, stdout, warn

    for where, reason in report.warnings:
        warn(f"{where}: {reason}")
    for where, reason in report.failed:
        complain(f"{where}: {reason}")
    copies = f" ({report.duplicates} of them copies of other articles)" if report.duplicates else ""
    counts = {
        f"stored{copies}": report.stored,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "deleted earlier, not restored": report.deleted,
        "failed": len(report.failed),
    }
    always = (f"stored{copies}", "updated", "unchanged")
    console = stdout()
    console.print(", ".join(f"{count} {name}" for name, count in counts.items() if count or name in always) + ".")
    stages = ", ".join(f"{stage} {spent:.1f}" for stage, spent in report.seconds.items())
    console.print(
        f"{report.read} articles in {report.elapsed:.1f} s ({report.articles_per_second:.1f} a second; "
        f"seconds by stage: {stages}), {report.chunks_embedded} passages embedded."
    )
