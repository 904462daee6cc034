"""``dateline articles``: what the collection holds, article by article."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.options import (
    AsOfOption,
    DebugOption,
    HomeOption,
    JsonOption,
    RemoteOption,
    examples,
    existing,
    settings_for,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from api.schemas import ArticleDetail, ArticleSummary, ArticleVersion
    from qa.library.catalog import Catalog
    from qa.settings import Settings

_PAGE = 500

app = typer.Typer(
    no_args_is_help=True,
    help="List, show and delete articles.",
    epilog=examples("dateline articles list", "dateline articles show ID", "dateline articles delete ID"),
)

ArticleId = Annotated[str, typer.Argument(metavar="ID", help="The article's id, as `dateline articles list` shows it.")]


@app.command(
    "list",
    epilog=examples(
        "dateline articles list",
        "dateline articles list --json | jq '.[].id'",
        "dateline articles list --server http://127.0.0.1:8000",
    ),
)
def list_articles(
    server: RemoteOption = None, json: JsonOption = False, home: HomeOption = None, debug: DebugOption = False
) -> None:
    """List the articles: latest publication first, undated last."""
    from api.cli.output import note, print_json
    from qa.library.home import open_home

    settings = settings_for(home, debug, server_url=server)
    if settings.server_url:
        found = asyncio.run(_list_there(settings, json=json))
    else:
        with open_home(settings, any_model=True) as opened:
            articles = _all(opened.catalog)
            found = [one.to_json() for one in articles] if json else [_line(one) for one in articles]
    if json:
        print_json(found)
    elif not found:
        note("The collection holds no articles.")


async def _list_there(settings: Settings, *, json: bool) -> list[object]:
    from api.remote import Remote

    async with Remote(settings) as remote:
        return [one.to_json() if json else _line(one) async for one in remote.articles()]


def _line(article: ArticleSummary) -> str:
    """Print one line of the list; returns the id."""
    from rich.text import Text

    from api.cli.output import one_line, stdout
    from api.cli.show import heading

    line = Text(one_line(article.id), style="cyan")
    stdout().print(line.append(f"  {heading(article.published, article.source, article.title)}", style="default"))
    return article.id


@app.command("show", epilog=examples("dateline articles show ID", "dateline articles show ID --json"))
def show_article(
    article_id: ArticleId,
    as_of: AsOfOption = None,
    server: RemoteOption = None,
    json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Show an article: what is known of it, and its text; with --as-of the version of that day."""
    from rich.text import Text

    from api.cli.output import one_line, print_json, safe, stdout

    settings = settings_for(home, debug, server_url=server)
    article = _fetch(settings, article_id, as_of)
    if json:
        print_json(article.to_json())
        return
    console = stdout()
    facts = {
        "id": article.id,
        "title": article.title,
        "published": _published(article),
        "source": article.source,
        "authors": ", ".join(article.authors),
        "url": article.url,
        "language": article.language,
        "version": f"{article.version} of {len(article.versions)}, ingested {article.ingested_at:%Y-%m-%d %H:%M} UTC",
        "passages": str(article.chunks),
    }
    for name, value in facts.items():
        if value:
            console.print(Text.assemble((f"{name}: ", "bold"), one_line(value)))
    for version in article.versions if len(article.versions) > 1 else ():
        console.print(_told(version), style="dim")
    console.print()
    console.print(Text(safe(article.text)))


def _fetch(settings: Settings, article_id: str, as_of: date | None) -> ArticleDetail:
    from api.schemas import ArticleDetail
    from qa.library.home import open_home

    if not settings.server_url:
        with open_home(settings, any_model=True) as opened:
            return ArticleDetail.of(opened.catalog.article(article_id, as_of=as_of))

    async def there() -> ArticleDetail:
        from api.remote import Remote

        async with Remote(settings) as remote:
            return await remote.article(article_id, as_of.isoformat() if as_of else None)

    return asyncio.run(there())


@app.command("delete", epilog=examples("dateline articles delete ID"))
def delete_article(
    article_id: ArticleId,
    server: RemoteOption = None,
    json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Delete an article. Ingesting it again does not bring it back, unless with --restore."""
    from api.cli.output import one_line, print_json, stdout
    from qa.library.home import open_home

    settings = settings_for(home, debug, server_url=server)
    if settings.server_url:
        asyncio.run(_delete_there(settings, article_id))
    else:
        with open_home(existing(settings), write="delete", any_model=True) as opened:
            opened.index.delete(article_id)
    if json:
        print_json({"deleted": article_id})
        return
    stdout().print(f"Deleted {one_line(article_id)}.")


async def _delete_there(settings: Settings, article_id: str) -> None:
    from api.remote import Remote

    async with Remote(settings) as remote:
        await remote.delete(article_id)


def _published(article: ArticleDetail) -> str:
    if article.published is None:
        return "undated"
    return f"{article.published_at or article.published} (from {article.published_from})"


def _told(version: ArticleVersion) -> str:
    """A version, and the days on which it is the article."""
    days = [f"from {version.valid_from}"] if version.valid_from else []
    # The first day that it is not.
    days += [f"until {version.valid_to}"] if version.valid_to else []
    valid = "never valid, replaced on its day" if _is_replaced(version) else f"valid {' '.join(days) or 'always'}"
    return f"  {version.number}  {version.published or 'undated'}  {valid}"


def _is_replaced(version: ArticleVersion) -> bool:
    return version.valid_from is not None and version.valid_from == version.valid_to


def _all(catalog: Catalog) -> Iterator[ArticleSummary]:
    from api.schemas import ArticleSummary

    cursor = None
    while True:
        page = catalog.articles(cursor=cursor, limit=_PAGE)
        yield from map(ArticleSummary.of, page.items)
        cursor = page.next_cursor
        if cursor is None:
            return
