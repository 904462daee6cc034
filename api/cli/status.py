"""``dateline status``: what the collection holds, and whether its parts agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.options import DebugOption, HomeOption, JsonOption, examples, existing, settings_for
from api.errors import FAILED

if TYPE_CHECKING:
    from qa.library.index import CheckReport, LibraryStatus, ReembeddingStatus

EXAMPLES = examples("dateline status", "dateline status --check", "dateline status --repair --json")

_SHOWN = 10


def status(
    check: Annotated[bool, typer.Option("--check", help="Check that catalogue, word index and vectors agree.")] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Check, and bring back in step what does not agree.")
    ] = False,
    json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Show what the collection holds.

    With --check or --repair the exit code is 1 when something is amiss and not repaired.
    """
    from api.cli.output import print_json
    from qa.library.home import open_home

    settings = settings_for(home, debug)
    report: CheckReport | None = None
    left: Sequence[str] = ()
    with open_home(existing(settings), write="repair" if repair else None, any_model=not repair) as opened:
        if check or repair:
            report = opened.index.check(repair=repair)
            left = opened.index.check().problems if repair else report.problems
        found = opened.index.status()
    if json:
        checked = {"problems": report.problems, "repaired": report.repaired, "left": left} if report else None
        print_json({**found.to_json(), "model": settings.model, "check": checked})
    else:
        _tell(found, settings.model)
        _tell_check(report, left)
    if left:
        raise typer.Exit(FAILED)


def _tell(found: LibraryStatus, model: str) -> None:
    from rich.text import Text

    from api.cli.output import one_line, stdout

    facts = {
        "home": f"{found.home} ({found.disk_bytes / 1_000_000:.1f} MB)",
        "articles": f"{found.articles} in {found.versions} versions",
        "dates": f"{found.first} to {found.last}" if found.first else "none",
        "undated": str(found.undated),
        "sources": _largest(found.by_source, "(none)"),
        "languages": _largest(found.by_language, "(not certain)"),
        "passages": f"{found.chunks}, {found.backlog} of them not embedded yet",
        "embedding model": found.embedding_model,
        "embedding backend": found.embedding_backend or "none yet",
        "re-embedding": _told(found.reembedding) if found.reembedding else "none under way",
        "model": model,
        "revision": str(found.revision),
    }
    for name, value in facts.items():
        stdout().print(Text.assemble((f"{name}: ", "bold"), one_line(value)))


def _largest(counts: Mapping[str, int], nameless: str) -> str:
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    shown = ", ".join(f"{name or nameless} {count}" for name, count in ranked[:_SHOWN])
    more = f" and {len(ranked) - _SHOWN} more" if len(ranked) > _SHOWN else ""
    return shown + more or "none"


def _told(change: ReembeddingStatus) -> str:
    return f"with {change.model}: {change.done} of {change.of} passages done; goes on with `dateline ingest --reembed`"


def _tell_check(report: CheckReport | None, left: Sequence[str]) -> None:
    from api.cli.output import complain, stdout, warn

    if report is None:
        return
    for problem in report.problems:
        if problem not in left:
            warn(problem)
    for problem in left:
        complain(problem, "Run `dateline status --repair`, and if that was it, ingest the articles into a new home.")
    if not report.problems:
        stdout().print("check: catalogue, word index and vectors agree")
    elif report.repaired:
        stdout().print(f"check: {report.repaired} passages brought back in step")
