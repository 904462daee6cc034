"""``dateline ask``: one question, one answer with its citations."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
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
    TopKOption,
    ask_of,
    examples,
    settings_for,
)
from qa.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from api.client import Asker
    from qa.models import Answer, Ask

EXAMPLES = examples(
    'dateline ask "Who resigned as harbour minister?"',
    'dateline ask "How many died in the flood?" --as-of 2025-03-24',
    'dateline ask "Was the strike called off?" --source "Coast Wire" --json',
    'dateline ask "Who is to pay for it?" --article u-0c1f6d2e9a4b7c8d9e0f1a2b',
    "dateline ask < question.txt",
)

_DOING = {"retrieve": "Searching the articles", "generate": "Writing the answer", "verify": "Checking the quotes"}


QuestionArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="QUESTION", show_default=False, help="The question, in quotes; - or nothing for standard input."
    ),
]


def ask(
    question: QuestionArgument = None,
    as_of: AsOfOption = None,
    start: FromOption = None,
    end: ToOption = None,
    source: SourceOption = None,
    article: ArticleOption = None,
    top_k: TopKOption = None,
    model: ModelOption = None,
    server: ServerOption = None,
    json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Answer a question from the articles, each claim with a quote that was checked.

    Without QUESTION it is read from standard input.

    Says so when the articles do not answer it; that is a result too, and no failure.
    """
    from api.cli.output import print_json, stdout, warn
    from api.cli.show import show_answer
    from api.client import asker_for

    query = ask_of(
        asked(question), as_of=as_of, start=start, end=end, source=source, article=article, top_k=top_k, model=model
    )
    settings = settings_for(home, debug, server_url=server, model=model)

    console = stdout()
    live = console.is_terminal and not json

    async def run() -> Answer:
        async with asker_for(settings) as asker:
            return await followed(asker, query, console if live else None)

    answer = asyncio.run(run())
    if json:
        print_json(answer.to_json())
        return
    show_answer(console, answer, text=not live)
    for warning in answer.warnings:
        warn(warning)


def asked(question: str | None) -> str:
    """The question as an argument, else from standard input. Raises a usage error where there is none."""
    if question not in (None, "-"):
        return str(question)
    text = "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read().strip()
    if not text:
        raise UsageError("Missing argument 'QUESTION'.", hint="See `dateline ask --help`.")
    return text


async def followed(asker: Asker, query: Ask, console: Console | None) -> Answer:
    """The whole answer; on the way its text is written to ``console``, and to a terminal's stderr what is going on."""
    from api.cli.output import safe, stderr
    from qa.errors import ModelReplyError
    from qa.events import DeltaEvent, DoneEvent, StatusEvent

    begun = False
    with stderr().status("Opening the collection") as waiting:
        await asker.ready()
        try:
            async with aclosing(asker.stream(query)) as events:
                async for event in events:
                    if isinstance(event, StatusEvent):
                        waiting.update(_DOING[event.stage])
                    elif isinstance(event, DeltaEvent) and console is not None:
                        waiting.stop()
                        console.out(safe(event.text), end="", highlight=False)
                        begun = True
                    elif isinstance(event, DoneEvent):
                        return event.answer
        finally:
            if begun and console is not None:
                # Whatever follows, an error too, begins on a line of its own.
                console.print()
    raise ModelReplyError("the answer broke off")
