"""``dateline eval``: how good retrieval, answers and citations are on questions whose answers are known."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.options import (
    AsOfOption,
    DebugOption,
    HomeOption,
    JsonOption,
    ModelOption,
    ServerOption,
    examples,
    settings_for,
)
from qa.errors import UsageError

if TYPE_CHECKING:
    from datetime import date

    from qa.settings import Settings

EXAMPLES = examples(
    "dateline eval questions.jsonl --report out.html",
    "dateline eval questions.jsonl --retrieval-only --json > before.json",
    "dateline eval --compare before.json after.json",
    "dateline eval --suggest 50 -o questions.csv",
)

_OTHER = "Instead of evaluating"

DatasetArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="[DATASET]",
        exists=True,
        dir_okay=False,
        help="Evaluation set: .jsonl, .csv (as --suggest writes it), or MultiHop-RAG's .json.",
    ),
]
DepthOption = Annotated[int, typer.Option("-k", min=1, max=100, metavar="N", help="Passages searched and judged.")]
ReportOption = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", dir_okay=False, help="Write an HTML page with plots and every question."),
]
JudgeOption = Annotated[
    str | None,
    typer.Option(
        "--judge",
        metavar="NAME",
        help="Chat model (PROVIDER:NAME) that judges citations, instead of the check of support.",
    ),
]
JournalOption = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        metavar="FILE",
        dir_okay=False,
        help="Where what was asked is kept until the run is complete (default: DATASET.eval.journal).",
    ),
]
ConcurrencyOption = Annotated[
    int,
    typer.Option(
        "--concurrency", min=1, max=256, metavar="N", help="Questions asked at a time; with more than 1 they slow down."
    ),
]
CompareOption = Annotated[
    tuple[Path, Path] | None,
    typer.Option(
        "--compare",
        metavar="A.json B.json",
        rich_help_panel=_OTHER,
        help="Say what changed between two results of --json, and whether it is noise.",
    ),
]
SuggestOption = Annotated[
    int | None,
    typer.Option(
        "--suggest",
        min=1,
        max=10_000,
        metavar="N",
        rich_help_panel=_OTHER,
        help="Draft N questions about the collection, as CSV, for a person to accept or edit.",
    ),
]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "-o", "--output", metavar="FILE", dir_okay=False, rich_help_panel=_OTHER, help="Where drafts go (else stdout)."
    ),
]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be evaluated, and how."""

    dataset: Path
    depth: int
    retrieval_only: bool
    judge: str | None
    report: Path | None
    journal: Path
    concurrency: int
    as_of: date | None


def evaluate(
    dataset: DatasetArgument = None,
    k: DepthOption = 10,
    retrieval_only: Annotated[bool, typer.Option("--retrieval-only", help="Search, and ask for no answers.")] = False,
    report: ReportOption = None,
    judge: JudgeOption = None,
    concurrency: ConcurrencyOption = 1,
    journal: JournalOption = None,
    compare: CompareOption = None,
    suggest: SuggestOption = None,
    output: OutputOption = None,
    as_of: AsOfOption = None,
    model: ModelOption = None,
    server: ServerOption = None,
    json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Measure retrieval, answers, citations, abstaining and time on questions whose answers are known.

    An interrupted run is gone on with by the same command; one that is complete
    begins anew. Failures count as failures; they are asked again by the next run.
    """
    if sum(one is not None for one in (dataset, compare, suggest)) != 1:
        raise UsageError(
            "say what to do: DATASET, --compare A.json B.json or --suggest N", hint="See `dateline eval --help`."
        )
    if compare is not None:
        from api.cli.evaluate_compare import compare_files

        compare_files(*compare, json=json)
        return
    settings = settings_for(home, debug, server_url=server, model=model)
    if suggest is not None:
        from api.cli.evaluate_suggest import suggest_questions

        suggest_questions(suggest, output, settings, json=json)
        return
    assert dataset is not None
    kept = journal or dataset.with_name(f"{dataset.name}.eval.journal")
    _run(Wanted(dataset, k, retrieval_only, judge, report, kept, concurrency, as_of), settings, json)


def _run(wanted: Wanted, settings: Settings, json: bool) -> None:
    from api.cli.evaluate_job import EvaluationJob
    from api.cli.evaluate_show import show
    from api.cli.output import print_json, stdout

    result = asyncio.run(EvaluationJob(wanted, settings).run())
    if json:
        print_json(result.document)
    else:
        show(stdout(), result)
    result.complain()
    if result.code:
        raise typer.Exit(result.code)
