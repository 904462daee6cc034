"""``dateline status``: what the collection holds, and whether its parts agree."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.options import (
    DebugOption,
    HomeOption,
    JsonOption,
    RemoteOption,
    examples,
    existing,
    settings_for,
)
from api.errors import FAILED
from qa.errors import UsageError

if TYPE_CHECKING:
    from api.cli.origins import Origin
    from api.schemas import Reembedding, Status
    from qa.library.index import CheckReport, LibraryStatus, ReembeddingStatus
    from qa.settings import Settings

EXAMPLES = examples(
    "dateline status",
    "dateline status --check",
    "dateline status --repair --json",
    "dateline status --server http://127.0.0.1:8000",
)

_SHOWN = 10


def status(
    check: Annotated[bool, typer.Option("--check", help="Check that catalogue, word index and vectors agree.")] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Check, and bring back in step what does not agree.")
    ] = False,
    server: RemoteOption = None,
    json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Show what the collection holds, who holds it, and which settings are in force.

    With --check or --repair the exit code is 1 when something is amiss and not repaired.
    """
    from api.cli.origins import origins
    from api.cli.output import print_json

    given = {"home": home, "server_url": server}
    settings = settings_for(home, debug, server_url=server)
    in_force = origins(settings, given)
    if settings.server_url:
        if check or repair:
            raise UsageError("--check and --repair look into a home", hint="Run them on the machine that has it.")
        there = asyncio.run(_ask(settings))
        if json:
            print_json({**there.to_json(), "settings": [asdict(one) for one in in_force]})
            return
        _tell(there, there.model, None)
        _tell_settings(in_force)
        return
    report, left, found, holder = _look(settings, check=check, repair=repair)
    if json:
        checked = {"problems": report.problems, "repaired": report.repaired, "left": left} if report else None
        more = {"model": settings.model, "lock": holder, "settings": [asdict(one) for one in in_force]}
        print_json({**found.to_json(), **more, "check": checked})
    else:
        _tell(found, settings.model, holder)
        _tell_settings(in_force)
        _tell_check(report, left)
    if left:
        raise typer.Exit(FAILED)


def _look(
    settings: Settings, *, check: bool, repair: bool
) -> tuple[CheckReport | None, Sequence[str], LibraryStatus, dict[str, Any] | None]:
    """What a check found, what is left of it, what the home holds, and who holds the home besides this command."""
    from qa.library.home import WriterLock, open_home

    report: CheckReport | None = None
    left: Sequence[str] = ()
    with open_home(existing(settings), write="repair" if repair else None, any_model=not repair) as opened:
        if check or repair:
            report = opened.index.check(repair=repair)
            left = opened.index.check().problems if repair else report.problems
        holder = None if repair else WriterLock(settings.home).held_by()
        return report, left, opened.index.status(), holder


async def _ask(settings: Settings) -> Status:
    from api.remote import Remote

    async with Remote(settings) as remote:
        return await remote.status()


def _tell(found: LibraryStatus | Status, model: str, holder: Mapping[str, Any] | None) -> None:
    from rich.text import Text

    from api.cli.histogram import histogram
    from api.cli.output import one_line, stdout

    facts = {
        "home": f"{found.home} ({found.disk_bytes / 1_000_000:.1f} MB)",
        "articles": f"{found.articles} in {found.versions} versions, {found.duplicates} of them copies of others",
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
        "in use by": _holder(holder) if holder else "nobody who writes",
    }
    console = stdout()
    for name, value in facts.items():
        console.print(Text.assemble((f"{name}: ", "bold"), one_line(value)))
        if name == "dates":
            for line in histogram(found.by_month):
                console.print(f"    {line}")


def _holder(holder: Mapping[str, Any]) -> str:
    return f"`dateline {holder.get('command')}` (process {holder.get('pid')} since {holder.get('since')})"


def _tell_settings(settings: Sequence[Origin]) -> None:
    """Those that are not as they come; the others are counted."""
    from rich.text import Text

    from api.cli.output import one_line, stdout

    console = stdout()
    changed = [one for one in settings if one.source != "default"]
    console.print(Text("settings:", "bold"))
    for one in changed:
        console.print(one_line(f"{one.variable}={one.value} ({one.source})"))
    console.print(f"{len(settings) - len(changed)} others have their defaults; --json lists them")


def _largest(counts: Mapping[str, int], nameless: str) -> str:
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    shown = ", ".join(f"{name or nameless} {count}" for name, count in ranked[:_SHOWN])
    more = f" and {len(ranked) - _SHOWN} more" if len(ranked) > _SHOWN else ""
    return shown + more or "none"


def _told(change: ReembeddingStatus | Reembedding) -> str:
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
