"""The commands, as far as they need no home: what is printed where, and how they end."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import threading
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from api.cli.ingest import tell_reembedding
from api.cli.logs import log_to_stderr
from api.cli.show import heading, show_answer, show_hits
from ingest.reembed import ReembedReport
from qa.errors import ModelAuthError, ModelRateLimitError, ModelTimeoutError
from qa.events import DoneEvent, StatusEvent
from qa.journal import Journal, Terms
from qa.models import Ask, Filters, Hit, Retrieved
from qa.settings import Settings
from tests.unit.api.fakes import ABSTAINED, ANSWER, PASSAGE, FakeEngine, events_of
from tests.unit.api_cli.conftest import Run

EVIL = "\x1b[2J\x1b]0;owned\x07[bold]"


def answering(**changes: Any) -> list[Any]:
    return [StatusEvent("retrieve"), DoneEvent(ANSWER.model_copy(update=changes))]


def test_ask_prints_the_answer_and_its_citations(dateline: Run, url: str) -> None:
    ran = dateline("ask", "How many died?", "--server", url)
    assert ran.code == 0
    assert ran.out == (
        "Four people died “überall” [1]. A bridge comes [2] (see [1]).\n"
        "\n"
        "[1] 2025-03-24  Courier  Four dead\n"
        "    “The flood killed four people.”\n"
        "    article flood\n"
        "\n"
        "[2] undated\n"
        "    “A bridge will be built.”\n"
        "    https://news.example/bridge\n"
    )
    assert ran.err == "Warning: one marker was removed\n"


def test_ask_json_is_the_answer_of_the_contract_and_nothing_else(dateline: Run, url: str) -> None:
    ran = dateline("ask", "How many died?", "--server", url, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.document == ANSWER.to_json()


def test_ask_passes_every_option_on(dateline: Run, url: str, engine: FakeEngine) -> None:
    options = "--as-of 2025-04-01 --from 2025-03-01 --to 2025-03-31 --source A --source B --top-k 3 --model extractive"
    assert dateline("ask", "Who?", *options.split(), "--server", url).code == 0
    assert engine.asks == [
        Ask(
            "Who?",
            as_of=date(2025, 4, 1),
            start=date(2025, 3, 1),
            end=date(2025, 3, 31),
            sources=("A", "B"),
            top_k=3,
            model="extractive",
        )
    ]


def test_the_server_can_be_a_setting(dateline: Run, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATELINE_SERVER_URL", url)
    assert dateline("ask", "Who?").code == 0


def test_an_abstention_is_a_result(dateline: Run, url: str, engine: FakeEngine) -> None:
    engine.scripts.append(events_of(ABSTAINED))
    ran = dateline("ask", "Who won?", "--server", url)
    assert (ran.code, ran.out) == (0, "The articles do not say.\n")


def test_words_of_articles_and_models_are_shown_and_not_obeyed(dateline: Run, url: str, engine: FakeEngine) -> None:
    cited = ANSWER.citations[0].model_copy(
        update={"title": f"T{EVIL}", "source": f"S{EVIL}", "quote": f"a\n{EVIL}b", "url": f"http://x/{EVIL}"}
    )
    engine.scripts.append(answering(text=f"Hello {EVIL}", citations=(cited,), warnings=(f"w{EVIL}",)))
    ran = dateline("ask", "Who?", "--server", url)
    assert ran.out == ("Hello [bold]\n\n[1] 2025-03-24  S[bold]  T[bold]\n    “a [bold]b”\n    http://x/[bold]\n")
    assert ran.err == "Warning: w[bold]\n"


@pytest.mark.parametrize(
    ("error", "code", "hint"),
    [(ModelTimeoutError("no reply in 60 s"), 5, "DATELINE_MODEL_TIMEOUT"), (ModelAuthError("refused"), 5, "API_KEY")],
)
def test_a_failure_is_a_line_a_hint_and_a_code(
    dateline: Run, url: str, engine: FakeEngine, error: Exception, code: int, hint: str
) -> None:
    engine.scripts.append([StatusEvent("retrieve"), error])
    ran = dateline("ask", "Who?", "--server", url)
    assert (ran.code, ran.out) == (code, "")
    first, second = ran.err.splitlines()
    assert first == f"Error: {error}"
    assert second.startswith("Hint: ")
    assert hint in second


def test_remarks_on_citations_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    cited = ANSWER.citations[0].model_copy(
        update={"supported": False, "superseded_by": 2, "also_reported_by": ("A", "B")}
    )
    show_answer(Console(soft_wrap=True), ANSWER.model_copy(update={"citations": (cited,)}), text=False)
    shown = capsys.readouterr().out
    for remark in ("does not bear this out", "superseded by [2]", "also reported by A, B"):
        assert remark in shown


def test_what_was_searched_is_shown_where_it_is_not_what_was_typed(capsys: pytest.CaptureFixture[str]) -> None:
    for typed_as, shown in ((None, False), ("Who received\x1b[31m Lavrov?", True)):
        show_answer(Console(soft_wrap=True), ANSWER.model_copy(update={"rewritten_question": typed_as}), text=True)
        assert ("(searched as: Who received Lavrov?)" in capsys.readouterr().out) is shown


def test_a_heading_leaves_out_what_is_not_known() -> None:
    assert heading(None, None, "Title") == "undated  Title"
    assert heading(date(2025, 1, 2), "Wire", None) == "2025-01-02  Wire"


def test_search_lists_passages(dateline: Run, url: str, engine: FakeEngine) -> None:
    ran = dateline("search", "flood", "-k", "2", "--server", url)
    assert ran.code == 0
    assert ran.out.startswith("1. 0.900  2025-03-24  Courier  Four dead\n    The flood killed")
    assert "\n\n2. 0.900" in ran.out
    assert "rank" not in ran.out
    assert ran.err == "Warning: note\n"


def test_search_explains_scores(dateline: Run, url: str) -> None:
    ran = dateline("search", "flood", "--explain", "--server", url)
    assert "meaning: rank 1 (similarity 0.500); words: not found; fused 0.0200 x 0.80 (8 days old)" in ran.out


def test_search_json(dateline: Run, url: str) -> None:
    ran = dateline("search", "flood", "--top-k", "1", "--explain", "--json", "--server", url)
    assert [found["explain"]["dense_rank"] for found in ran.document["results"]] == [1]
    ran = dateline("search", "flood", "--json", "--server", url)
    assert {found["explain"] for found in ran.document["results"]} == {None}


def test_undated_passages_are_explained_too(capsys: pytest.CaptureFixture[str]) -> None:
    hit = Hit(PASSAGE, None, 4, None, 0.01, age_days=None, age_weight=0.3)
    show_hits(Console(soft_wrap=True), Retrieved((hit,), Filters(date(2025, 1, 1))), explain=True)
    assert "meaning: not found; words: rank 4; fused 0.0100 x 0.30 (undated)" in capsys.readouterr().out


def test_what_the_reranker_said_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    read = Hit(PASSAGE, 1, 1, 0.5, 0.5, age_days=8, age_weight=0.8, rerank_score=7.25, reranked=1.0)
    unread = replace(read, rerank_score=None, reranked=0.1)
    show_hits(Console(soft_wrap=True), Retrieved((read, unread), Filters(date(2025, 1, 1))), explain=True)
    shown = capsys.readouterr().out
    assert "fused 0.5000; reranked 1.0000 (score 7.25) x 0.80 (8 days old)" in shown
    assert "fused 0.5000; reranked 0.1000 (not read) x 0.80 (8 days old)" in shown


def test_finding_nothing_is_said_on_stderr(dateline: Run, url: str, engine: FakeEngine) -> None:
    async def nothing(ask: Ask, *, k: int) -> Retrieved:
        return Retrieved((), Filters(date(2025, 1, 1)))

    engine.search = nothing  # type: ignore[method-assign]
    ran = dateline("search", "zork", "--server", url)
    assert (ran.code, ran.out, ran.err) == (0, "", "Nothing found.\n")


USAGE = [
    (["ask"], "Missing argument 'QUESTION'."),
    (["ask", "x", "--as-of", "yesterday"], "'--as-of': 'yesterday' is not a date; write it as YYYY-MM-DD."),
    (["ask", "x", "--from", "20250101"], "'--from': '20250101' is not a date"),
    (["ask", "x", "--to", "2025-02-29"], "'--to': there is no day 2025-02-29."),
    (["ask", "x", "--from", "2025-02-02", "--to", "2025-02-01"], "--from 2025-02-02 is after --to 2025-02-01"),
    (["search", "x", "--from", "2025-02-02", "--as-of", "2025-02-01"], "--from 2025-02-02 is after --as-of 2025-02-01"),
    (["ask", "x", "--top-k", "0"], "'--top-k'"),
    (["ask", "x", "--nope"], "No such option: --nope"),
    (["nope"], "No such command 'nope'"),
    (["articles", "nope"], "No such command 'nope'"),
    (["ingest", "not-there.txt"], "not-there.txt"),
    (["ingest", ".", "--jobs", "0"], "'--jobs'"),
    (["ingest"], "name a path, a URL or a --feed."),
    (["ingest", "--discard"], "--discard goes with --reembed."),
    (["batch", "not-there.txt", "-o", "a.jsonl"], "not-there.txt"),
    (["ask", "x", "--server", "localhost"], "'localhost' is not the URL of a service"),
    (["serve", "--port", "99999"], "'--port'"),
    (["serve", "--host", "0.0.0.0"], "0.0.0.0"),
]


@pytest.mark.parametrize(("arguments", "message"), USAGE, ids=[" ".join(arguments) for arguments, _ in USAGE])
def test_wrong_usage_is_told_in_a_line_and_ends_with_2(dateline: Run, arguments: list[str], message: str) -> None:
    ran = dateline(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Error: ")
    assert message in ran.err.splitlines()[0]
    assert "Hint: " in ran.err
    assert not Path(".dateline").exists()


REEMBEDDED = ReembedReport(
    changed=True,
    model="new",
    model_before="old",
    backend="torch float32",
    backend_before="onnx-int8",
    chunks=24,
    embedded=16,
    recut=3,
    discarded=None,
    seconds=1.25,
)


@pytest.mark.parametrize(
    ("changes", "out", "err"),
    [
        (
            {},
            "Re-embedded: 24 passages with new by torch float32, before old by onnx-int8; 16 of them in this run,"
            " 1.2 s.\n3 versions of articles are cut into other passages than before.\n",
            "",
        ),
        (
            {"changed": False, "discarded": "third"},
            "Nothing to re-embed: the vectors are of new by torch float32, of passages as the settings say.\n",
            "A half-done re-embedding with third was given up.\n",
        ),
        (
            {"backend": "", "backend_before": "", "chunks": 0, "embedded": 0, "recut": 0},
            "Re-embedded: 0 passages with new, before old; 0 of them in this run, 1.2 s.\n",
            "",
        ),
    ],
)
def test_what_a_re_embedding_did_is_told(
    capsys: pytest.CaptureFixture[str], changes: dict[str, Any], out: str, err: str
) -> None:
    tell_reembedding(replace(REEMBEDDED, **changes))
    assert capsys.readouterr() == (out, err)


def test_a_setting_out_of_range_names_its_variable(dateline: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATELINE_TOP_K", "0")
    ran = dateline("ask", "x")
    assert ran.code == 2
    assert "DATELINE_TOP_K" in ran.err


@pytest.mark.parametrize(
    "command",
    [
        ["ask", "x"],
        ["search", "x"],
        ["status"],
        ["status", "--repair"],
        ["ingest", "--reembed"],
        ["articles", "list"],
        ["articles", "delete", "x"],
    ],
)
def test_without_a_home_commands_end_with_4_and_make_none(dateline: Run, command: list[str]) -> None:
    ran = dateline(*command, "--home", "nowhere")
    assert (ran.code, ran.out) == (4, "")
    assert "there is no collection in nowhere" in ran.err
    assert "dateline ingest" in ran.err
    assert not Path("nowhere").exists()


@pytest.mark.parametrize(
    "arguments",
    [["--home", "here", "ask", "x"], ["ask", "x", "--home", "here"], ["--home", "there", "ask", "x", "--home", "here"]],
)
def test_home_may_stand_before_or_after_the_command(dateline: Run, arguments: list[str]) -> None:
    assert "there is no collection in here" in dateline(*arguments).err


def test_no_service_ends_with_5(dateline: Run) -> None:
    ran = dateline("ask", "x", "--server", "http://127.0.0.1:9")
    assert (ran.code, ran.out) == (5, "")
    assert "http://127.0.0.1:9" in ran.err


def test_an_unknown_failure_is_a_line_too(dateline: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_options: object) -> None:
        raise ZeroDivisionError("division\nby zero")

    monkeypatch.setattr("qa.settings.load_settings", broken)
    ran = dateline("ask", "x")
    assert ran.code == 1
    assert ran.err == "Error: unexpected ZeroDivisionError: division by zero\nHint: Run again with --debug.\n"
    for arguments in (["--debug", "ask", "x"], ["ask", "x", "--debug"]):
        ran = dateline(*arguments)
        assert ran.code == 1
        assert "Traceback" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["ask"],
        ["search"],
        ["batch"],
        ["chat"],
        ["doctor"],
        ["ingest"],
        ["serve"],
        ["status"],
        ["articles"],
        ["articles", "list"],
        ["articles", "show"],
        ["articles", "delete"],
    ],
)
def test_every_help_has_examples(dateline: Run, arguments: list[str]) -> None:
    ran = dateline(*arguments, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert "Usage: dateline" in ran.out
    assert "$ dateline" in ran.out.split("Examples")[1]


def test_the_version_is_said(dateline: Run) -> None:
    ran = dateline("--version")
    assert ran.code == 0
    assert ran.out.startswith("dateline ")


def test_without_a_command_the_help_is_shown(dateline: Run) -> None:
    ran = dateline()
    assert ran.code == 2
    assert "ingest" in ran.out
    assert ran.err == ""


def batch_files(*questions: str) -> list[str]:
    Path("q.txt").write_text("\n".join(questions), encoding="utf-8")
    return ["batch", "q.txt", "-o", "a.jsonl"]


def answers() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("a.jsonl").read_text(encoding="utf-8").splitlines()]


def test_batch_answers_every_row(dateline: Run, url: str) -> None:
    ran = dateline(*batch_files("a", "b"), "--server", url)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "2 questions: 2 answered, 0 abstained, 0 failed, 0 not asked, 300 tokens. Answers are in a.jsonl\n"
    )
    assert [(row["id"], row["question"], row["error"]) for row in answers()] == [("1", "a", None), ("2", "b", None)]
    assert answers()[0]["answer"] == ANSWER.to_json()


def test_batch_again_asks_nobody(dateline: Run, url: str, engine: FakeEngine) -> None:
    command = [*batch_files("a", "b"), "--server", url]
    dateline(*command)
    before = Path("a.jsonl").read_bytes()
    ran = dateline(*command, "--json")
    assert ran.document["asked"] == 0
    assert len(engine.asks) == 2
    assert Path("a.jsonl").read_bytes() == before


def test_batch_rows_go_before_options(dateline: Run, url: str, engine: FakeEngine) -> None:
    Path("q.csv").write_text("question,as_of,source\na,2025-01-02,\nb,,Wire\n", encoding="utf-8")
    options = ["--as-of", "2025-04-01", "--source", "Courier", "--top-k", "2", "--concurrency", "1"]
    assert dateline("batch", "q.csv", "-o", "a.jsonl", *options, "--server", url).code == 0
    assert [(ask.as_of, ask.sources, ask.top_k, ask.model) for ask in engine.asks] == [
        (date(2025, 1, 2), ("Courier",), 2, "openai:gpt-test"),
        (date(2025, 4, 1), ("Wire",), 2, "openai:gpt-test"),
    ]


def test_batch_failures_are_listed_and_retried_when_told(dateline: Run, url: str, engine: FakeEngine) -> None:
    engine.scripts.append([ModelTimeoutError("no reply in 60 s")])
    command = [*batch_files("a", "b"), "--server", url, "--concurrency", "1"]
    ran = dateline(*command)
    assert ran.code == 3
    assert ran.err.splitlines()[0] == "1: no reply in 60 s (model_timeout)"
    assert "--retry-failed" in ran.err
    assert answers()[0]["error"] == {"code": "model_timeout", "message": "no reply in 60 s"}
    again = dateline(*command, "--json")
    assert again.code == 3
    assert again.document["failures"] == [{"id": "1", "code": "model_timeout", "message": "no reply in 60 s"}]
    assert dateline(*command, "--retry-failed").code == 0
    assert len(engine.asks) == 3
    assert [row["error"] for row in answers()] == [None, None]


def test_batch_dry_run_says_what_would_be_asked_and_writes_nothing(dateline: Run, url: str, engine: FakeEngine) -> None:
    dateline(*batch_files("a"), "--server", url)
    files = sorted(Path().iterdir())
    command = [*batch_files("a", "b"), "--server", url, "--dry-run"]
    assert dateline(*command).out == "2 questions: 1 have been asked, 1 would be asked now.\n2\n"
    assert dateline(*command, "--json").document["ids"] == ["2"]
    assert len(engine.asks) == 1
    assert sorted(Path().iterdir()) == files


def test_batch_says_that_it_goes_on_as_of_the_first_day(dateline: Run, url: str, engine: FakeEngine) -> None:
    dateline(*batch_files("a"), "--server", url)
    journal = Path("a.jsonl.journal")
    header, *rest = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join([json.dumps({**json.loads(header), "as_of": "2025-01-02"}) + "\n", *rest]))
    ran = dateline(*batch_files("b"), "--server", url)
    assert "Today is taken to be 2025-01-02" in ran.err
    assert engine.asks[-1].default_as_of == date(2025, 1, 2)


def test_batch_with_another_model_asks_again(dateline: Run, url: str, engine: FakeEngine) -> None:
    dateline(*batch_files("a"), "--server", url)
    ran = dateline(*batch_files("a"), "--server", url, "--model", "extractive")
    assert "asked again" in ran.err
    assert [ask.model for ask in engine.asks] == ["openai:gpt-test", "extractive"]


@pytest.mark.parametrize(
    ("questions", "output", "code", "message"),
    [
        ("q.txt", "a.doc", 2, ".jsonl"),
        ("q.txt", "no/a.jsonl", 2, "no directory"),
        ("q.jsonl", "q.jsonl", 2, "the file of questions"),
        ("q.xls", "a.jsonl", 2, ".txt, .csv, .tsv, .xlsx, .jsonl"),
        ("empty.txt", "a.jsonl", 1, "empty.txt: the file holds no questions"),
    ],
)
def test_batch_refuses_files_it_cannot_use(dateline: Run, questions: str, output: str, code: int, message: str) -> None:
    Path(questions).write_text("" if questions == "empty.txt" else '{"question": "a"}')
    ran = dateline("batch", questions, "-o", output)
    assert ran.code == code
    assert message in ran.err
    assert not list(Path().glob("*.journal*"))


def test_batch_without_home_or_service_leaves_nothing_behind(dateline: Run) -> None:
    assert dateline(*batch_files("a"), "--home", "nowhere").code == 4
    assert dateline(*batch_files("a"), "--server", "http://127.0.0.1:9").code == 5
    assert [path.name for path in Path().iterdir()] == ["q.txt"]


def test_a_batch_in_progress_is_not_joined(dateline: Run, url: str) -> None:
    command = [*batch_files("a"), "--server", url]
    with Journal.open(Path("a.jsonl.journal"), Terms(date(2025, 1, 1), "openai:gpt-test", "1")):
        ran = dateline(*command)
    assert ran.code == 1
    assert "another batch is writing to it" in ran.err
    assert dateline(*command).code == 0


def test_interrupting_a_batch_twice_drops_what_is_in_flight(dateline: Run, url: str, engine: FakeEngine) -> None:
    engine.scripts.extend([events_of(ANSWER), [30.0]])

    def interrupt() -> None:
        while len(engine.asks) < 2:
            time.sleep(0.01)
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)

    command = [*batch_files("a", "b", "c"), "--server", url, "--concurrency", "1"]
    impatient = threading.Thread(target=interrupt)
    impatient.start()
    ran = dateline(*command)
    impatient.join()
    assert ran.code == 130
    assert "interrupted with 2 questions still to be asked" in ran.err
    assert "1 answered, 0 abstained, 0 failed, 2 not asked" in ran.out
    assert [row["question"] for row in answers()] == ["a"]
    assert dateline(*command).code == 0
    assert [ask.question for ask in engine.asks] == ["a", "b", "b", "c"]


def test_many_failures_are_not_all_listed(dateline: Run, url: str, engine: FakeEngine) -> None:
    engine.scripts.extend([[ModelTimeoutError("late")] for _ in range(25)])
    ran = dateline(*batch_files(*map(str, range(25))), "--server", url)
    assert ran.code == 3
    assert ran.err.count("(model_timeout)") == 20
    assert "... and 5 more failures" in ran.err


def test_only_our_own_log_lines_are_shown_below_warnings(dateline: Run, capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr("warning")
    log_to_stderr("info")
    logging.getLogger("qa.engine").info("a \x1b[2Jline")
    logging.getLogger("qa.engine").debug("too much")
    logging.getLogger("httpx").info("not ours")
    assert capsys.readouterr().err == "INFO qa.engine: a line\n"


@pytest.mark.parametrize("command", ["ask", "batch", "serve"])
def test_the_defaults_in_the_help_are_those_of_the_settings(
    dateline: Run, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    named = re.findall(r"DATELINE_(\w+), else (\S+)\)", dateline(command, "--help").out)
    assert named
    for name, default in named:
        assert str(getattr(Settings(), name.lower())) == default


def test_batch_writes_other_formats_and_renders_them_later(dateline: Run, url: str, engine: FakeEngine) -> None:
    command = [*batch_files("a", "b"), "--server", url]
    assert dateline(*command).code == 0
    ran = dateline("batch", "a.jsonl", "--render", "-o", "a.html")
    assert (ran.code, ran.out) == (0, "2 rows of a.jsonl are written to a.html\n")
    assert dateline("batch", "a.jsonl", "--render", "-o", "a.csv", "--json").document == {"output": "a.csv", "rows": 2}
    assert len(engine.asks) == 2
    assert dateline("batch", "q.txt", "-o", "direct.html", "--server", url).code == 0
    for page in ("direct.html", "a.html"):
        assert "<h2>Answered (2)</h2>" in Path(page).read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["q.txt", "--render", "-o", "a.html"], "rendered from .jsonl"),
        (["q.jsonl", "--render", "--retry-failed", "-o", "a.html"], "--render asks nothing"),
        (["q.jsonl", "--render", "-o", "q.jsonl"], "the answers need another"),
        ([".", "-o", "a.jsonl"], "is a directory"),
    ],
)
def test_rendering_what_cannot_be_is_a_usage_error(dateline: Run, arguments: list[str], message: str) -> None:
    for name in ("q.txt", "q.jsonl"):
        Path(name).write_text("{}\n")
    ran = dateline("batch", *arguments)
    assert ran.code == 2
    assert message in ran.err


def test_a_budget_ends_a_batch_with_3_and_more_of_it_goes_on(dateline: Run, url: str, engine: FakeEngine) -> None:
    command = [*batch_files(*"abcdef"), "--server", url, "--concurrency", "1"]
    ran = dateline(*command, "--max-tokens", "300")
    assert ran.code == 3
    assert "stopped with 4 questions still to be asked: the budget is used up (300 of 300 tokens)" in ran.err
    assert "larger --max-cost or --max-tokens" in ran.err
    assert len(answers()) == 2
    assert dateline(*command, "--max-tokens", "100000").code == 0
    assert [ask.question for ask in engine.asks] == list("abcdef")


def test_a_budget_in_money_needs_prices(dateline: Run, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = dateline(*batch_files("a", "b", "c"), "--server", url, "--concurrency", "1", "--max-cost", "1")
    assert ran.code == 3
    assert "what the answers cost is not known" in ran.err
    ran = dateline(*batch_files("a"), "--model", "openai:x", "--max-cost", "1", "--home", "nowhere")
    assert ran.code == 2
    assert "--max-cost needs the price of openai:x" in ran.err


def test_a_model_that_refuses_for_good_stops_a_batch_and_says_what_to_do(
    dateline: Run, url: str, engine: FakeEngine
) -> None:
    engine.scripts.extend([events_of(ANSWER), [ModelAuthError("the key is refused")]])
    command = [*batch_files(*"abcd"), "--server", url, "--concurrency", "1"]
    ran = dateline(*command)
    assert ran.code == 5
    assert "stopped with 3 questions still to be asked: the key is refused" in ran.err
    assert "DATELINE_MODEL_API_KEY" in ran.err
    assert "Then run the same command again to go on." in ran.err
    assert [row["question"] for row in answers()] == ["a"]
    assert dateline(*command).code == 0
    assert [ask.question for ask in engine.asks] == ["a", "b", "b", "c", "d"]


def test_a_service_that_limits_a_batch_is_waited_for(dateline: Run, url: str, engine: FakeEngine) -> None:
    engine.scripts.append([ModelRateLimitError("busy", retry_after=1.0)])
    ran = dateline(*batch_files("a", "b"), "--server", url, "--concurrency", "1")
    assert (ran.code, ran.err) == (0, "")
    assert [ask.question for ask in engine.asks] == ["a", "a", "b"]
