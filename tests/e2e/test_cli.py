"""The ``dateline`` command as users run it: in a process of its own, on a real home."""

from __future__ import annotations

import json
import os
import pty
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.bench.batch import numbered, of
from tests.bench.batch_server import LimitedOpenAI
from tests.conftest import ROOT, SAMPLE
from tests.fakes import Reply, ScriptedOpenAI

COMMAND = [sys.executable, "-m", "api.cli"]
ARTICLES = ("2025-03-06-kestle-resigns.md", "2025-03-24-flood-four-dead.md", "2025-03-28-flood-toll-corrected.txt")
TOLL = "How many people died in the flood in Brannick?"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **more}


def dateline(*arguments: str | Path, **env: str) -> Ran:
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, encoding="utf-8", env=environment(**env), timeout=120
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@contextmanager
def started(*arguments: str | Path, **env: str) -> Iterator[subprocess.Popen[str]]:
    """The command while it runs; it is killed if it still does at the end."""
    with subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=environment(**env),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("e2e") / "home"
    ran = dateline("ingest", *(SAMPLE / "articles" / name for name in ARTICLES), "--home", home)
    assert ran.code == 0, ran.err
    assert ran.out.startswith("3 stored, 0 updated, 0 unchanged.")
    return home


@pytest.fixture
def home(made_home: Path, tmp_path: Path) -> Path:
    """A home with three articles, free to be changed."""
    return Path(shutil.copytree(made_home, tmp_path / "home"))


def test_what_is_ingested_twice_is_unchanged(home: Path) -> None:
    ran = dateline("ingest", SAMPLE / "articles" / ARTICLES[0], "--home", home, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert (ran.document["stored"], ran.document["unchanged"]) == (0, 1)
    ran = dateline("--home", home, "ingest", SAMPLE / "articles" / ARTICLES[0])
    assert ran.out.splitlines()[0] == "0 stored, 0 updated, 1 unchanged."


def test_broken_articles_are_named_while_the_rest_goes_in(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    path.write_text('{"text": "A ferry sank off Kelmouth.", "published": "2025-06-01"}\n{broken\n')
    ran = dateline("ingest", path, "--home", home)
    assert ran.code == 3
    assert ran.out.startswith("1 stored, 0 updated, 0 unchanged, 1 failed.")
    assert f"{path}" in ran.err
    path.write_text("{broken\n")
    assert dateline("ingest", path, "--home", home, "--json").code == 1


def test_copies_are_counted_and_an_hour_is_shown(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "wire.jsonl"
    text = " ".join(f"The council of Kelmouth heard speaker {n} on the new ferry." for n in range(9))
    records = [{"id": name, "text": text, "published": "2025-06-01T08:30:00+02:00"} for name in ("wire", "copy")]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    ran = dateline("ingest", path, "--home", home)
    assert ran.out.startswith("2 stored (1 of them copies of other articles), 0 updated, 0 unchanged.")
    shown = dateline("articles", "show", "copy", "--home", home)
    assert "published: 2025-06-01T08:30:00+02:00 (from field)" in shown.out
    document = dateline("articles", "show", "copy", "--home", home, "--json").document
    assert (document["published"], document["published_at"]) == ("2025-06-01", "2025-06-01T08:30:00+02:00")
    assert document["language"] == "en"


def test_several_processes_may_read(home: Path, tmp_path: Path) -> None:
    news = tmp_path / "news"
    news.mkdir()
    for n in range(5):
        story = "".join(
            f"<p>On day {n}{m} the ferry to Kelmouth was late again, and nobody knew why.</p>" for m in "abc"
        )
        (news / f"{n}.html").write_text(f"<html><body><article><h1>Ferry {n}</h1>{story}</article></body></html>")
    (news / "broken.pdf").write_bytes(b"%PDF-1.4")
    ran = dateline("ingest", news, "--jobs", "2", "--home", home, "--json")
    assert (ran.code, ran.document["stored"]) == (3, 5)
    assert [one["where"] for one in ran.document["failed"]] == [str(news / "broken.pdf")]


def test_an_answer_is_quoted_and_dated(home: Path) -> None:
    ran = dateline("ask", TOLL, "--as-of", "2025-03-25", "--home", home, "--json")
    assert (ran.code, ran.err) == (0, "")
    answer = ran.document
    assert not answer["abstained"]
    assert "four" in answer["text"].lower()
    shown = dateline("articles", "show", answer["citations"][0]["article_id"], "--json", "--home", home).document
    cited = answer["citations"][0]
    assert shown["text"][cited["start"] : cited["end"]] == cited["quote"]
    plain = dateline("ask", TOLL, "--as-of", "2025-03-25", "--home", home)
    assert plain.out.startswith(answer["text"] + "\n\n[1] 2025-03-24  Tamsel Valley News  Four dead")
    assert cited["url"] in plain.out


def test_what_was_not_yet_published_is_not_seen(home: Path) -> None:
    ran = dateline("ask", TOLL, "--as-of", "2025-03-20", "--home", home, "--json")
    assert ran.code == 0
    assert ran.document["abstained"]
    assert dateline("search", "flood", "--to", "2025-03-01", "--home", home).err == "Nothing found.\n"


def test_search_finds_by_source(home: Path) -> None:
    ran = dateline("search", "flood", "--source", "Varren Courier", "--json", "--home", home)
    assert {found["source"] for found in ran.document["results"]} == {"Varren Courier"}


def on_terminal(*arguments: str | Path, **env: str) -> tuple[int, str]:
    """Exit code and what a terminal of 80 columns showed, both streams."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=slave, stderr=slave, env=environment(TERM="xterm", **env)
    )
    os.close(slave)
    shown = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(master)
    return process.wait(60), shown.decode().replace("\r\n", "\n")


def test_a_terminal_sees_the_answer_come_and_then_its_citations(home: Path) -> None:
    text = "Kestle resigned on Wednesday evening.\x1b[s [1]"
    with ScriptedOpenAI(text) as server:
        env = {"DATELINE_MODEL_BASE_URL": server.base_url, "DATELINE_MODEL_API_KEY": "k"}
        code, shown = on_terminal("ask", "Who resigned?", "--model", "openai:x", "--home", home, **env)
    assert code == 0
    assert "Searching the articles" in shown
    assert "\x1b[s" not in shown
    shown = re.sub(r"\x1b\[[0-9]*m", "", shown)
    assert shown.index("Kestle resigned on Wednesday evening.") < shown.index("\n\n[1] 2025-03-06")
    code, shown = on_terminal("ingest", SAMPLE / "articles" / ARTICLES[0], "--home", home)
    assert code == 0
    assert "Ingesting" in shown


def test_an_article_that_was_corrected_is_shown_with_its_versions(tmp_path: Path) -> None:
    for day, toll in (("05", "Twelve"), ("06", "Fifteen")):
        news = tmp_path / f"{day}.txt"
        news.write_text(f"date 2024-03-{day}\nurl: https://a.example/f\n\n{toll} people died.", encoding="utf-8")
        assert dateline("ingest", news, "--home", tmp_path / "home").code == 0
    (listed,) = dateline("articles", "list", "--json", "--home", tmp_path / "home").document
    shown = dateline("articles", "show", listed["id"], "--home", tmp_path / "home").out
    assert "version: 2 of 2" in shown
    assert "  1  2024-03-05  valid until 2024-03-06\n  2  2024-03-06  valid from 2024-03-06\n\nFifteen" in shown
    early = dateline("articles", "show", listed["id"], "--as-of", "2024-03-05", "--home", tmp_path / "home").out
    assert early.endswith("\n\nTwelve people died.\n")


def test_articles_are_listed_shown_deleted_and_restored(home: Path) -> None:
    listed = dateline("articles", "list", "--json", "--home", home).document
    assert [article["published"] for article in listed] == ["2025-03-28", "2025-03-24", "2025-03-06"]
    assert "text" not in listed[0]
    ran = dateline("articles", "list", "--home", home)
    assert [line.split()[0] for line in ran.out.splitlines()] == [article["id"] for article in listed]
    kestle = listed[2]["id"]
    shown = dateline("articles", "show", kestle, "--home", home)
    assert "title: Transport minister Kestle resigns over shares" in shown.out
    assert "published: 2025-03-06 (from header)" in shown.out
    assert "language: en\n" in shown.out
    assert "“I should have declared it and I did not,”" in shown.out
    assert dateline("articles", "delete", kestle, "--home", home).out == f"Deleted {kestle}.\n"
    for command in ("show", "delete"):
        gone = dateline("articles", command, kestle, "--home", home)
        assert gone.code == 1
        assert kestle in gone.err
    again = dateline("ingest", SAMPLE / "articles" / ARTICLES[0], "--home", home)
    assert again.code == 0
    assert "1 deleted earlier, not restored" in again.out
    restored = dateline("ingest", SAMPLE / "articles" / ARTICLES[0], "--restore", "--home", home, "--json")
    assert restored.document["stored"] == 1
    assert dateline("articles", "show", kestle, "--json", "--home", home).document["id"] == kestle


def test_status_counts_and_checks(home: Path) -> None:
    status = dateline("status", "--json", "--home", home).document
    assert (status["articles"], status["backlog"], status["first"]) == (3, 0, "2025-03-06")
    assert (status["by_language"], status["check"]) == ({"en": 3}, None)
    ran = dateline("status", "--check", "--home", home)
    assert ran.code == 0
    assert "dates: 2025-03-06 to 2025-03-28" in ran.out
    assert "languages: en 3" in ran.out
    assert "agree" in ran.out


def test_status_finds_and_repairs_what_is_lost(home: Path) -> None:
    shutil.rmtree(home / "lexical")
    ran = dateline("status", "--check", "--json", "--home", home)
    assert ran.code == 1
    assert ran.document["check"]["problems"]
    assert dateline("status", "--repair", "--home", home).code == 0
    assert dateline("status", "--check", "--home", home).code == 0


def test_a_reader_that_leaves_early_is_no_failure(home: Path) -> None:
    with started("articles", "list", "--home", home) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(60) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_interrupting_a_question_ends_with_130(home: Path) -> None:
    with ScriptedOpenAI(Reply("late", delay=60)) as server:
        env = {"DATELINE_MODEL_BASE_URL": server.base_url, "DATELINE_MODEL_API_KEY": "k"}
        with started("ask", "Who resigned?", "--model", "openai:x", "--home", home, **env) as process:
            until(lambda: len(server.requests) == 1)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "Error: interrupted\n")


def test_a_home_held_by_a_service_is_asked_through_it(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with started("serve", "--port", str(port), "--home", home) as service:
        assert service.stderr is not None
        assert url in service.stderr.readline()
        for command in (["ask", TOLL], ["ingest", str(SAMPLE)]):
            ran = dateline(*command, "--home", home)
            assert ran.code == 4
            assert "dateline serve" in ran.err
            assert "--server" in ran.err
        asked = dateline("ask", TOLL, "--as-of", "2025-03-25", "--server", url, "--json")
        service.send_signal(signal.SIGINT)
        service.communicate(timeout=60)
    assert service.returncode == 0
    local = dateline("ask", TOLL, "--as-of", "2025-03-25", "--home", home, "--json")
    assert timeless(asked.document) == timeless(local.document)


def timeless(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer without what differs from run to run."""
    return {name: value for name, value in answer.items() if name != "timings_ms"}


def outcomes(path: Path) -> list[dict[str, Any]]:
    return [{**row, "answer": row["answer"] and timeless(row["answer"])} for row in lines(path)]


COUNT = 12


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.txt"
    path.write_text("\n".join(f"What happened to Kestle, {number}?" for number in range(COUNT)))
    return path


class SlowModel(ScriptedOpenAI):
    """Takes a while for each reply, and knows how often each question was asked."""

    def __init__(self, delay: float) -> None:
        super().__init__(*(Reply("Kestle resigned. [1]", delay=delay) for _ in range(4 * COUNT)))

    def __enter__(self) -> SlowModel:
        super().__enter__()
        return self

    def asked(self) -> list[int]:
        """The numbers of the questions, as often as they were asked."""
        said = [request["messages"][-1]["content"] for request in self.requests]
        return sorted(int(found[-1]) for text in said if (found := re.findall(r"Kestle, (\d+)\?", text)))

    def command(self, questions: Path, output: Path, home: Path) -> Sequence[str | Path]:
        return ("batch", questions, "-o", output, "--home", home, "--model", "openai:x", "--concurrency", "3")

    @property
    def env(self) -> dict[str, str]:
        return {"DATELINE_MODEL_BASE_URL": self.base_url, "DATELINE_MODEL_API_KEY": "k"}


def test_an_interrupted_batch_finishes_what_is_in_flight_and_goes_on(
    home: Path, questions: Path, tmp_path: Path
) -> None:
    output = tmp_path / "answers.jsonl"
    with SlowModel(0.3) as model:
        command = model.command(questions, output, home)
        with started(*command, **model.env) as process:
            until(lambda: len(model.requests) >= 4)
            process.send_signal(signal.SIGINT)
            _out, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "Finishing the questions in flight" in err
        assert "Run the same command again to go on." in err
        asked = model.asked()
        assert 4 <= len(lines(output)) < COUNT
        assert len(lines(output)) == len(asked)
        ran = dateline(*command, **model.env)
        assert (ran.code, len(lines(output))) == (0, COUNT)
        assert model.asked() == list(range(COUNT))


@pytest.mark.slow
def test_a_killed_batch_ends_like_one_that_was_not(home: Path, questions: Path, tmp_path: Path) -> None:
    output, undisturbed = tmp_path / "answers.jsonl", tmp_path / "undisturbed.jsonl"
    journal = tmp_path / "answers.jsonl.journal"
    with SlowModel(0.05) as model:
        assert dateline(*model.command(questions, undisturbed, home), **model.env).code == 0
        model.requests.clear()
        command, kills = model.command(questions, output, home), 0
        for recorded in (1, 6):
            with started(*command, **model.env) as process:
                until(lambda: journal.exists() and journal.read_bytes().count(b"\n") > recorded)  # noqa: B023
                process.kill()
                process.wait(60)
            kills += 1
            assert not output.exists()
        assert dateline(*command, **model.env).code == 0
        assert outcomes(output) == outcomes(undisturbed)
        # Only what was in flight at a kill is asked again.
        assert len(model.asked()) <= COUNT + 3 * kills
    before = output.read_bytes()
    assert dateline(*command).code == 0
    assert output.read_bytes() == before


@pytest.mark.slow
def test_a_batch_killed_at_any_moment_ends_like_one_that_was_not(home: Path, tmp_path: Path) -> None:
    questions = numbered(tmp_path / "questions.txt", 24)
    output, undisturbed = tmp_path / "answers.jsonl", tmp_path / "undisturbed.jsonl"
    chance = random.Random(7)
    with LimitedOpenAI(latency=0.2) as server:
        env = of(server)
        assert dateline("batch", questions, "-o", undisturbed, "--home", home, **env).code == 0
    with LimitedOpenAI(latency=0.2) as server:
        env = of(server)
        for _ in range(4):
            with started("batch", questions, "-o", output, "--home", home, **env) as process:
                time.sleep(chance.uniform(0.5, 5.0))
                process.kill()
                process.wait(60)
        assert dateline("batch", questions, "-o", output, "--home", home, **env).code == 0
        assert outcomes(output) == outcomes(undisturbed)
        # In flight at a kill are at most as many as are asked at a time.
        assert server.asked.total() <= 24 + 4 * 4


def test_a_batch_survives_what_servers_do(home: Path, tmp_path: Path) -> None:
    questions, output = numbered(tmp_path / "questions.txt", 60), tmp_path / "answers.jsonl"
    with LimitedOpenAI(refusals=0.1, hangs=0.04, errors=0.04) as server:
        env = {**of(server), "DATELINE_MODEL_FIRST_TIMEOUT": "1"}
        ran = dateline("batch", questions, "-o", output, "--home", home, "--concurrency", "8", **env)
    assert ran.code == 0, ran.err
    assert [row["error"] for row in lines(output)] == [None] * 60
    assert {"refused", "hung", "failed"} <= set(server.outcomes)
    assert server.asked_again == []


def test_a_quota_that_is_used_up_stops_a_batch_at_once(home: Path, tmp_path: Path) -> None:
    questions, output = numbered(tmp_path / "questions.txt", 40), tmp_path / "answers.jsonl"
    with LimitedOpenAI(quota=5, latency=0.05) as server:
        ran = dateline("batch", questions, "-o", output, "--home", home, "--concurrency", "3", **of(server))
    assert ran.code == 5
    assert "The quota is used up: raise it with the provider, or choose another model." in ran.err
    assert len(lines(output)) == 5
    assert len(server.requests) <= 8
    with LimitedOpenAI() as server:
        assert dateline("batch", questions, "-o", output, "--home", home, **of(server)).code == 0
        assert server.asked.total() == 35


def test_a_batch_keeps_to_the_requests_it_may_make(home: Path, tmp_path: Path) -> None:
    questions, output = numbered(tmp_path / "questions.txt", 12), tmp_path / "answers.jsonl"
    with LimitedOpenAI() as server:
        limits = ["--requests-per-minute", "120", "--concurrency", "12"]
        assert dateline("batch", questions, "-o", output, "--home", home, *limits, **of(server)).code == 0
        # Two at once, then two a second.
        assert server.times[-1] - server.times[0] >= 4.5


WARM = """
import json, sys
from api.cli import main
assert main() == 0
print(json.dumps(sorted(name for name in sys.modules if "." not in name)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments", [["ask", TOLL], ["search", TOLL], ["status"], ["articles", "list"]], ids=lambda words: words[0]
)
def test_what_a_question_does_not_need_is_not_loaded(home: Path, arguments: list[str]) -> None:
    command = [sys.executable, "-c", WARM, *arguments, "--home", str(home)]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment(), check=True)
    loaded = set(json.loads(ran.stderr.splitlines()[-1]))
    # Each takes a second or several to import; a question has three in all.
    assert not loaded & {"torch", "transformers", "sentence_transformers", "langchain", "openai", "fastapi", "openpyxl"}
    assert arguments[0] in ("ask", "search") or not loaded & {"onnxruntime", "tokenizers"}


def test_help_is_there_at_once() -> None:
    def seconds() -> float:
        before = os.times()
        # Not measured for coverage, which takes longer than all the rest.
        assert "Usage: dateline" in dateline("--help", COVERAGE_PROCESS_CONFIG="").out
        after = os.times()
        # Processor time: what other programs do meanwhile is not ours.
        return after.children_user + after.children_system - before.children_user - before.children_system

    assert min(seconds() for _ in range(5)) < 0.5


def test_results_survive_a_terminal_without_their_letters(home: Path) -> None:
    ran = dateline("articles", "list", "--home", home, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert ran.code == 0


@pytest.mark.parametrize(
    ("status", "named", "code", "err"),
    [
        (500, True, 5, "Error: openai:x failed: Error code: 500"),
        (500, False, 0, "; the embedded reader answered instead"),
        (401, False, 5, "Error: http://127.0.0.1"),
    ],
)
def test_a_model_that_fails_is_an_error_where_it_was_named_or_set_up_wrongly(
    home: Path, status: int, named: bool, code: int, err: str
) -> None:
    with ScriptedOpenAI(Reply(status=status)) as model:
        chosen = ["--model", "openai:x"] if named else []
        env = {"DATELINE_MODEL": "openai:x", "DATELINE_MODEL_BASE_URL": model.base_url, "DATELINE_MODEL_RETRIES": "0"}
        ran = dateline("ask", TOLL, "--as-of", "2025-03-25", "--home", home, *chosen, **env)
    assert ran.code == code, ran.err
    assert err in ran.err
    assert bool(ran.out) == (code == 0)


def test_a_prompt_that_cannot_work_is_refused_by_every_command(home: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("{dates} {abstention} {answer}")
    ran = dateline("status", "--home", home, DATELINE_PROMPT_FILE=str(tmp_path / "mine.txt"))
    assert ran.code == 2
    assert "DATELINE_PROMPT_FILE" in ran.err
    assert "mine.txt" in ran.err
    assert "{answer}" in ran.err
