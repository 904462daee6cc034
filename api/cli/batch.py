"""``dateline batch``: a file of questions in, a file of answers out, resumable."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
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
    from qa.models import Ask

EXAMPLES = examples(
    "dateline batch questions.csv -o answers.jsonl",
    "dateline batch questions.txt -o answers.jsonl --as-of 2025-05-31",
    "dateline batch questions.txt -o answers.jsonl --retry-failed",
)


QuestionsArgument = Annotated[
    Path,
    typer.Argument(
        metavar="QUESTIONS",
        exists=True,
        dir_okay=False,
        help="File of questions: .txt (one a line), .csv (column `question`) or .jsonl.",
    ),
]
OutputOption = Annotated[
    Path, typer.Option("-o", "--output", metavar="ANSWERS", help="File of answers to write: .jsonl.")
]
ConcurrencyOption = Annotated[
    int | None,
    typer.Option(
        "--concurrency",
        min=1,
        max=256,
        metavar="N",
        help="Questions asked at a time (default: DATELINE_CONCURRENCY, else 4).",
    ),
]


def batch(
    questions: QuestionsArgument,
    output: OutputOption,
    concurrency: ConcurrencyOption = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Ask again what failed before.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be asked.")] = False,
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
    """Answer every question of a file; a run that was stopped goes on.

    What is answered is kept beside the output, in ANSWERS.journal.
    No question in it is asked again; add questions and only those are asked.
    What a row says itself (as_of, from, to, source, article, model, top_k) goes
    before the options.
    """
    from api.cli.batch_job import Job
    from api.cli.output import one_line, print_json, stdout
    from api.files.answers import check_answers_path
    from api.files.questions import read_questions

    options = ask_of("", as_of=as_of, start=start, end=end, source=source, article=article, top_k=top_k, model=model)
    settings = settings_for(home, debug, server_url=server, model=model, concurrency=concurrency)
    check_answers_path(output)
    if output.exists() and output.samefile(questions):
        raise UsageError(f"{output} is the file of questions; the answers need another")
    rows = [replace(row, ask=_filled(row.ask, options)) for row in read_questions(questions)]
    job = Job(rows, output, settings, options.model, retry_failed)
    report = asyncio.run(job.look() if dry_run else job.run())
    if json:
        print_json(report.document)
    else:
        for line in report.lines:
            stdout().print(one_line(line))
    report.complain()
    if report.code:
        raise typer.Exit(report.code)


def _filled(ask: Ask, options: Ask) -> Ask:
    """The row's question, with the options where the row says nothing."""
    return replace(
        ask,
        as_of=ask.as_of or options.as_of,
        start=ask.start or options.start,
        end=ask.end or options.end,
        sources=ask.sources or options.sources,
        article=ask.article or options.article,
        top_k=ask.top_k or options.top_k,
        model=ask.model or options.model,
    )
