"""``dateline articles``: what the collection holds, article by article."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.options import AsOfOption, DebugOption, HomeOption, JsonOption, examples, existing, settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qa.library.catalog import Catalog, StoredArticle
    from qa.models import Article

_PAGE = 500

app = typer.Typer(
    no_args_is_help=True,
    help="List, show and delete articles.",
    epilog=examples("dateline articles list", "dateline articles show ID", "dateline articles delete ID"),
)

ArticleId = Annotated[str, typer.Argument(metavar="ID", help="The article's id, as `dateline articles list` shows it.")]


@app.command("list", epilog=examples("dateline articles list", "dateline articles list --json | jq '.[].id'"))
def list_articles(json: JsonOption = False, home: HomeOption = None, debug: DebugOption = False) -> None:
    """List the articles: latest publication first, undated last."""
    from rich.text import Text

    from api.cli.output import note, one_line, print_json, stdout
    from api.cli.show import heading
    from api.schemas import ArticleSummary
    from qa.library.home import open_home

    with open_home(settings_for(home, debug), any_model=True) as opened:
        if json:
            print_json([ArticleSummary.of(one).to_json() for one in _all(opened.catalog)])
            return
        console, found = stdout(), False
        for stored in _all(opened.catalog):
            found, article = True, stored.article
            line = Text(one_line(article.id), style="cyan")
            console.print(
                line.append(f"  {heading(article.published, article.source, article.title)}", style="default")
            )
    if not found:
        note("The collection holds no articles.")


@app.command("show", epilog=examples("dateline articles show ID", "dateline articles show ID --json"))
def show_article(
    article_id: ArticleId,
    as_of: AsOfOption = None,
    json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Show an article: what is known of it, and its text; with --as-of the version of that day."""
    from rich.text import Text

    from api.cli.output import one_line, print_json, safe, stdout
    from api.schemas import ArticleDetail
    from qa.library.home import open_home

    with open_home(settings_for(home, debug), any_model=True) as opened:
        stored = opened.catalog.article(article_id, as_of=as_of)
    if json:
        print_json(ArticleDetail.of(stored).to_json())
        return
    console, article = stdout(), stored.article
    facts = {
        "id": article.id,
        "title": article.title,
        "published": _published(article),
        "source": article.source,
        "authors": ", ".join(article.authors),
        "url": article.url,
        "language": article.language,
        "version": f"{stored.version} of {len(stored.versions)}, ingested {stored.ingested_at:%Y-%m-%d %H:%M} UTC",
        "passages": str(stored.chunks),
    }
    for name, value in facts.items():
        if value:
            console.print(Text.assemble((f"{name}: ", "bold"), one_line(value)))
    console.print()
    console.print(Text(safe(article.text)))


@app.command("delete", epilog=examples("dateline articles delete ID"))
def delete_article(
    article_id: ArticleId, json: JsonOption = False, home: HomeOption = None, debug: DebugOption = False
) -> None:
    """Delete an article. Ingesting it again does not bring it back, unless with --restore."""
    from api.cli.output import one_line, print_json, stdout
    from qa.library.home import open_home

    with open_home(existing(settings_for(home, debug)), write="delete", any_model=True) as opened:
        opened.index.delete(article_id)
    if json:
        print_json({"deleted": article_id})
        return
    stdout().print(f"Deleted {one_line(article_id)}.")


def _published(article: Article) -> str:
    if article.published is None:
        return "undated"
    return f"{article.published_at or article.published} (from {article.published_from})"


def _all(catalog: Catalog) -> Iterator[StoredArticle]:
    cursor = None
    while True:
        page = catalog.articles(cursor=cursor, limit=_PAGE)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return
