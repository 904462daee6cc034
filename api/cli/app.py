"""The commands and what they share, put together. Command modules import what they need inside their commands."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from api.cli import articles, ask, batch, chat, doctor, evaluate, ingest, keys, search, serve, status
from api.cli.options import DebugOption, HomeOption, examples
from api.errors import INTERRUPTED


class _Commands(TyperGroup):
    """Lets two ends of a run through to where they are told, which Typer would give codes of its own."""

    def invoke(self, ctx: Any) -> Any:
        from api.cli.failures import hung_up
        from api.cli.output import complain

        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise typer.Exit(hung_up()) from None
        except KeyboardInterrupt:
            complain("interrupted")
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "dateline ingest news/", 'dateline ask "Who won the election?" --as-of 2025-05-20', "dateline serve"
    ),
)
app.command("ingest", epilog=ingest.EXAMPLES)(ingest.ingest)
app.command("ask", epilog=ask.EXAMPLES)(ask.ask)
app.command("chat", epilog=chat.EXAMPLES)(chat.chat)
app.command("search", epilog=search.EXAMPLES)(search.search)
app.command("batch", epilog=batch.EXAMPLES)(batch.batch)
app.command("eval", epilog=evaluate.EXAMPLES)(evaluate.evaluate)
app.command("serve", epilog=serve.EXAMPLES)(serve.serve)
app.add_typer(articles.app, name="articles")
app.add_typer(keys.app, name="keys")
app.command("status", epilog=status.EXAMPLES)(status.status)
app.command("doctor", epilog=doctor.EXAMPLES)(doctor.doctor)


def _version(wanted: bool) -> None:
    if wanted:
        try:
            number = version("dateline")
        except PackageNotFoundError:
            number = "(not installed)"
        typer.echo(f"dateline {number}")
        raise typer.Exit


@app.callback()
def _root(
    home: HomeOption = None,
    debug: DebugOption = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Answers questions over dated news articles, with citations that can be checked."""
