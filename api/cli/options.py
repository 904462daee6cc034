"""The options that commands share, and what is made of them. Names and meaning are the contract's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.invocation import Invocation
from qa.errors import FilterError, HomeError

if TYPE_CHECKING:
    from qa.models import Ask
    from qa.settings import Settings

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ASKING = "What may be seen"


def parse_day(text: str) -> date:
    """A day as it is written in options: YYYY-MM-DD and nothing else. Raises ``BadParameter``."""
    if not _DAY.fullmatch(text):
        raise typer.BadParameter(f"{text!r} is not a date; write it as YYYY-MM-DD.")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"there is no day {text}.") from None


def _home(context: typer.Context, value: Path | None) -> Path | None:
    invocation: Invocation = context.ensure_object(Invocation)
    invocation.home = value or invocation.home
    return invocation.home


def _debug(context: typer.Context, value: bool) -> bool:
    invocation: Invocation = context.ensure_object(Invocation)
    invocation.debug = value or invocation.debug
    return invocation.debug


HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        callback=_home,
        help="Directory of the collection (default: DATELINE_HOME, else .dateline).",
    ),
]
DebugOption = Annotated[bool, typer.Option("--debug", callback=_debug, help="Log more, and show tracebacks.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
ServerOption = Annotated[
    str | None,
    typer.Option("--server", metavar="URL", help="Ask the `dateline serve` at this URL instead of the home."),
]
RemoteOption = Annotated[
    str | None,
    typer.Option("--server", metavar="URL", help="The collection of the `dateline serve` at this URL."),
]
AsOfOption = Annotated[
    date | None,
    typer.Option(
        "--as-of",
        metavar="DATE",
        parser=parse_day,
        rich_help_panel=_ASKING,
        help="Answer as on this day (YYYY-MM-DD): nothing published later is seen. Default: today.",
    ),
]
FromOption = Annotated[
    date | None,
    typer.Option(
        "--from", metavar="DATE", parser=parse_day, rich_help_panel=_ASKING, help="First publication day, inclusive."
    ),
]
ToOption = Annotated[
    date | None,
    typer.Option(
        "--to", metavar="DATE", parser=parse_day, rich_help_panel=_ASKING, help="Last publication day, inclusive."
    ),
]
SourceOption = Annotated[
    list[str] | None,
    typer.Option("--source", metavar="NAME", rich_help_panel=_ASKING, help="Only this source; may be repeated."),
]
ArticleOption = Annotated[
    str | None,
    typer.Option(
        "--article", metavar="ID", rich_help_panel=_ASKING, help="Only this article; see `dateline articles list`."
    ),
]
TopKOption = Annotated[
    int | None,
    typer.Option(
        "--top-k", min=1, max=50, metavar="N", help="Passages an answer is made from (default: DATELINE_TOP_K, else 6)."
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", metavar="NAME", help="Who answers: extractive, or PROVIDER:NAME such as openai:gpt-5-mini."
    ),
]


def examples(*lines: str) -> str:
    """The end of a command's help: lines to copy."""
    return "\n".join(["[bold]Examples[/bold]", "", *(f"$ {line}".replace("[", "\\[") for line in lines)])


def check_range(start: date | None, end: date | None, as_of: date | None) -> None:
    """Raise ``FilterError`` for days between which nothing can be."""
    if start and end and start > end:
        raise FilterError(f"--from {start} is after --to {end}")
    if start and as_of and start > as_of:
        raise FilterError(f"--from {start} is after --as-of {as_of}")


def ask_of(
    question: str,
    *,
    as_of: date | None,
    start: date | None,
    end: date | None,
    source: Sequence[str] | None,
    article: str | None = None,
    top_k: int | None = None,
    model: str | None = None,
) -> Ask:
    """The question with the options given. Raises ``FilterError`` for a range that is empty."""
    from qa.models import Ask

    check_range(start, end, as_of)
    return Ask(
        question,
        as_of=as_of,
        start=start,
        end=end,
        sources=tuple(source or ()),
        article=article or None,
        top_k=top_k,
        model=model or None,
    )


def settings_for(home: Path | None = None, debug: bool = False, **overrides: Any) -> Settings:
    """The settings of this run, with logging set up as they say; an override that is None is ignored."""
    from api.cli.logs import log_to_stderr
    from qa.settings import load_settings

    settings = load_settings(home=home, **overrides)
    log_to_stderr("debug" if debug else settings.log_level, as_json=settings.log_format == "json")
    return settings


def existing(settings: Settings) -> Settings:
    """The same settings. Raises ``HomeError`` when there is no home yet, which opening for writing would make."""
    if not settings.home.is_dir():
        raise HomeError(
            f"there is no collection in {settings.home}",
            hint="Make one with `dateline ingest PATH`, or name another with --home.",
        )
    return settings
