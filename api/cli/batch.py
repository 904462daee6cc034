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
    from api.cli.batch_job import Report
    from qa.models import Ask

EXAMPLES = examples(
    "dateline batch questions.csv -o answers.jsonl",
    "dateline batch desk.xlsx --question-column Frage -o answers.xlsx",
    "dateline batch questions.txt -o report.html --as-of 2025-05-31",
    "dateline batch questions.txt -o answers.jsonl --model openai:gpt-5-mini --requests-per-minute 500 --max-cost 2",
    "dateline batch questions.txt -o answers.jsonl --retry-failed",
    "dateline batch answers.jsonl --render -o report.html",
    'echo "Who resigned?" | dateline batch - -o answers.jsonl',
)

_LIMITS = "Limits"


def _readable(path: Path) -> Path:
    """``path``; a usage error for one that is not there. Typer's own check takes ``-`` for a file's name."""
    if str(path) != "-" and not path.exists():
        raise typer.BadParameter(f"file '{path}' does not exist.")
    if path.is_dir():
        raise typer.BadParameter(f"file '{path}' is a directory.")
    return path


QuestionsArgument = Annotated[
    Path,
    typer.Argument(
        metavar="QUESTIONS",
        callback=_readable,
        help="File of questions: .txt (one a line), .csv, .tsv, .xlsx (column `question`) or .jsonl; or - for"
        " standard input.",
    ),
]
OutputOption = Annotated[
    Path,
    typer.Option(
        "-o", "--output", metavar="ANSWERS", help="File of answers to write: .jsonl, .csv, .xlsx, .md or .html."
    ),
]
ColumnOption = Annotated[
    str | None,
    typer.Option("--question-column", metavar="NAME", help="Column or field of the questions (default: question)."),
]
RenderOption = Annotated[
    bool,
    typer.Option("--render", help="Ask nothing: QUESTIONS is a .jsonl of answers, to be written in another format."),
]
ConcurrencyOption = Annotated[
    int | None,
    typer.Option(
        "--concurrency",
        min=1,
        max=256,
        metavar="N",
        rich_help_panel=_LIMITS,
        help="Questions asked at a time (default: DATELINE_CONCURRENCY, else 4).",
    ),
]
RequestsOption = Annotated[
    float | None,
    typer.Option(
        "--requests-per-minute",
        min=0.01,
        metavar="N",
        rich_help_panel=_LIMITS,
        help="Most requests made of a model in a minute (default: DATELINE_REQUESTS_PER_MINUTE).",
    ),
]
TokensOption = Annotated[
    int | None,
    typer.Option(
        "--tokens-per-minute",
        min=1,
        metavar="N",
        rich_help_panel=_LIMITS,
        help="Most tokens sent to and had from a model in a minute (default: DATELINE_TOKENS_PER_MINUTE).",
    ),
]
MaxCostOption = Annotated[
    float | None,
    typer.Option(
        "--max-cost",
        min=0,
        metavar="AMOUNT",
        rich_help_panel=_LIMITS,
        help="Stop when all runs of this batch have cost so much, by the prices of DATELINE_PRICES.",
    ),
]
MaxTokensOption = Annotated[
    int | None,
    typer.Option(
        "--max-tokens",
        min=0,
        metavar="N",
        rich_help_panel=_LIMITS,
        help="Stop when all runs of this batch have taken so many tokens.",
    ),
]


def batch(
    questions: QuestionsArgument,
    output: OutputOption,
    column: ColumnOption = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Ask again what failed before.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be asked.")] = False,
    render: RenderOption = False,
    concurrency: ConcurrencyOption = None,
    requests_per_minute: RequestsOption = None,
    tokens_per_minute: TokensOption = None,
    max_cost: MaxCostOption = None,
    max_tokens: MaxTokensOption = None,
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

    Ctrl-C finishes the questions in flight and writes what there is.
    """
    from api.cli.batch_job import Job
    from api.files.questions import read_questions
    from qa.budget import Budget

    options = ask_of("", as_of=as_of, start=start, end=end, source=source, article=article, top_k=top_k, model=model)
    pace = {"requests_per_minute": requests_per_minute, "tokens_per_minute": tokens_per_minute}
    settings = settings_for(home, debug, server_url=server, model=model, concurrency=concurrency, **pace)
    _check_output(output, questions)
    if render:
        _render(questions, output, json=json, asking=retry_failed or dry_run)
        return
    rows = [replace(row, ask=_filled(row.ask, options)) for row in read_questions(questions, column=column)]
    job = Job(rows, output, settings, options.model, retry_failed, Budget(max_cost, max_tokens))
    _tell(asyncio.run(job.look() if dry_run else job.run()), json=json)


def _check_output(output: Path, questions: Path) -> None:
    from api.files.answers import check_answers_path
    from api.files.questions import STDIN

    check_answers_path(output)
    if questions != STDIN and output.exists() and output.samefile(questions):
        raise UsageError(f"{output} is the file of questions; the answers need another")


def _tell(report: Report, *, json: bool) -> None:
    from api.cli.output import one_line, print_json, stdout

    if json:
        print_json(report.document)
    else:
        for line in report.lines:
            stdout().print(one_line(line))
    report.complain()
    if report.code:
        raise typer.Exit(report.code)


def _render(answers: Path, output: Path, *, json: bool, asking: bool) -> None:
    """Write answers that there are in another format."""
    from api.cli.output import one_line, print_json, stdout
    from api.files.answers import read_answers, write_answers

    if asking:
        raise UsageError("--render asks nothing: it does not go with --retry-failed and --dry-run")
    if answers.suffix.lower() != ".jsonl":
        raise UsageError(f"{answers}: answers are rendered from .jsonl", hint="Name the output of an earlier batch.")
    rows = read_answers(answers)
    write_answers(output, rows)
    if json:
        print_json({"output": str(output), "rows": len(rows)})
        return
    stdout().print(one_line(f"{len(rows)} rows of {answers} are written to {output}"))


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
