"""``dateline search``: passages and their scores, no answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.options import (
    ArticleOption,
    AsOfOption,
    DebugOption,
    FromOption,
    HomeOption,
    JsonOption,
    ModelOption,
    ServerOption,
    SourceOption,
    ToOption,
    ask_of,
    examples,
    settings_for,
)

if TYPE_CHECKING:
    from qa.models import Retrieved

EXAMPLES = examples(
    'dateline search "bridge cost"',
    'dateline search "bridge cost" -k 3 --explain --as-of 2025-04-30',
    'dateline search "ferry fares" --source "Harbour Post" --json',
)


def search(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="A question or words, in quotes.")],
    k: Annotated[int, typer.Option("-k", "--top-k", min=1, max=100, metavar="N", help="Passages wanted.")] = 10,
    explain: Annotated[bool, typer.Option("--explain", help="Show how each score came about.")] = False,
    as_of: AsOfOption = None,
    start: FromOption = None,
    end: ToOption = None,
    source: SourceOption = None,
    article: ArticleOption = None,
    model: ModelOption = None,
    server: ServerOption = None,
    json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Find the passages an answer would be made from, best first."""
    from api.cli.output import note, print_json, stdout, warn
    from api.cli.show import show_hits
    from api.client import asker_for
    from api.search_schemas import SearchResponse

    asked = ask_of(query, as_of=as_of, start=start, end=end, source=source, article=article, model=model)
    settings = settings_for(home, debug, server_url=server, model=model)

    async def run() -> Retrieved:
        async with asker_for(settings) as asker:
            return await asker.search(asked, k=k)

    found = asyncio.run(run())
    if json:
        print_json(SearchResponse.of(query, found, explain=explain).to_json())
        return
    show_hits(stdout(), found, explain=explain)
    if not found.hits:
        note("Nothing found.")
    for warning in found.notes:
        warn(warning)
