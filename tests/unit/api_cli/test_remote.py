"""Every command against a service behaves as against a home."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.remote import Gathered, Job, Upload, uploads
from tests.unit.api.fakes import ANSWER, BRIDGE, FLOOD, FakeEngine
from tests.unit.api_cli.conftest import Run
from tests.unit.api_cli.job_server import JobServer, report


def test_articles_there_are_listed_shown_and_deleted(dateline: Run, url: str) -> None:
    ran = dateline("articles", "list", "--server", url)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "flood  2025-03-24  Courier  Four dead\ndesk/7  undated\n"
    listed = dateline("articles", "list", "--server", url, "--json").document
    assert [one["id"] for one in listed] == ["flood", "desk/7"]
    shown = dateline("articles", "show", "desk/7", "--server", url)
    assert BRIDGE.text in shown.out
    assert dateline("articles", "show", "flood", "--server", url, "--json").document["text"] == FLOOD.text
    assert dateline("articles", "delete", "desk/7", "--server", url).out == "Deleted desk/7.\n"
    for command in ("show", "delete"):
        gone = dateline("articles", command, "desk/7", "--server", url)
        assert (gone.code, gone.out) == (1, "")
        assert "desk/7" in gone.err


def test_the_status_of_a_service(dateline: Run, url: str) -> None:
    ran = dateline("status", "--server", url)
    assert (ran.code, ran.err) == (0, "")
    assert "articles: 2 in 3 versions" in ran.out
    assert "2025-03 1 ████" in ran.out
    assert f"DATELINE_SERVER_URL={url} (option)" in ran.out
    document = dateline("status", "--server", url, "--json").document
    assert (document["articles"], document["model"]) == (2, "openai:gpt-test")
    ran = dateline("status", "--check", "--server", url)
    assert ran.code == 2
    assert "look into a home" in ran.err


def test_a_key_goes_with_every_request(dateline: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.txt").write_text("A ferry sank.")
    with JobServer(key="s3cret") as service:
        ran = dateline("ingest", "a.txt", "--server", service.url)
        assert ran.code == 5
        assert "asks for a key: An API key is needed." in ran.err
        assert "DATELINE_SERVER_KEY" in ran.err
        monkeypatch.setenv("DATELINE_SERVER_KEY", "s3cret")
        assert dateline("ingest", "a.txt", "--server", service.url).code == 0
    monkeypatch.setenv("DATELINE_SERVER_KEY", "line\nfeed")
    assert dateline("status", "--server", "http://127.0.0.1:9").code == 2


def news(count: int) -> Path:
    folder = Path("news")
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:03}.txt").write_text(f"Ferry {number} sank.")
    (folder / ".hidden.txt").write_text("no")
    (folder / "picture.png").write_bytes(b"no")
    return folder


@pytest.mark.parametrize("silent", [False, True])
def test_files_folders_and_addresses_are_sent_and_their_jobs_waited_for(dateline: Run, silent: bool) -> None:
    Path("one.csv").write_text("body\nx\n")
    with JobServer(silent=silent) as service:
        ran = dateline(
            "ingest", str(news(60)), "one.csv", "https://a.example/1", "--feed", "https://a.example/rss",
            "--map", "text=body", "--restore", "--server", service.url, "--json",
        )  # fmt: skip
    assert (ran.code, ran.err) == (0, "")
    assert (ran.document["read"], ran.document["stored"], ran.document["elapsed"]) == (63, 63, 4.0)
    assert [len(one.files) for one in service.received] == [50, 11, 0, 0]
    assert service.received[0].files["007.txt"] == b"Ferry 7 sank."
    assert [one.fields for one in service.received[2:]] == [
        [("url", "https://a.example/1")],
        [("feed", "https://a.example/rss")],
    ]
    assert service.received[0].query == [("map", "text=body"), ("restore", "true")]
    assert bool(service.polls) is silent


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b'{"text": "a"}\n{"text": "b"}\n', "stdin.jsonl"),
        (b'[{"text": "a"}]', "stdin.json"),
        (b"<!doctype html><html><body>x</body></html>", "stdin.html"),
        (b"%PDF-1.4", "stdin.pdf"),
        (b"date: 2025-01-01\n\nA ferry sank.", "stdin.txt"),
    ],
)
def test_standard_input_is_sent_under_a_name_that_tells_its_format(dateline: Run, data: bytes, name: str) -> None:
    with JobServer() as service:
        assert dateline("ingest", "-", "--server", service.url, stdin=data).code == 0
    assert service.received[0].files == {name: data}


def test_what_the_job_could_not_read_is_told_as_ever(dateline: Run) -> None:
    Path("a.txt").write_text("x")
    Path("b.doc").write_text("x")
    failed = {**report(1), "failed": [{"where": "a.txt:3", "reason": "broken"}]}
    with JobServer({"state": "done", "report": failed}) as service:
        ran = dateline("ingest", "a.txt", "b.doc", "--server", service.url)
    assert ran.code == 3
    assert "Error: a.txt:3: broken\n" in ran.err
    assert "b.doc: unknown format" in ran.err
    assert ran.out.startswith("1 stored, 0 updated, 0 unchanged, 2 failed.")


def test_a_job_that_is_given_up_is_an_error(dateline: Run) -> None:
    Path("a.txt").write_text("x")
    lost = {"state": "failed", "error": {"code": "store", "message": "the disk is full"}}
    with JobServer(lost) as service:
        ran = dateline("ingest", "a.txt", "--server", service.url)
    assert (ran.code, ran.out) == (1, "")
    assert "the disk is full (store)" in ran.err


def test_reembedding_is_for_the_machine_that_has_the_home(dateline: Run) -> None:
    ran = dateline("ingest", "--reembed", "--server", "http://127.0.0.1:9")
    assert ran.code == 2
    assert "--reembed changes a home" in ran.err


def test_portions_hold_so_many_files_or_bytes(tmp_path: Path) -> None:
    large = [tmp_path / name for name in "abc"]
    for path in large:
        with path.open("wb") as file:
            file.truncate(30_000_000)
    assert list(uploads(large)) == [Upload(files=(path,)) for path in large]
    assert list(uploads([], ["u"] * 51, ["f"])) == [Upload(urls=("u",) * 50), Upload(urls=("u",)), Upload(feeds=("f",))]
    assert list(uploads([])) == []


def test_reports_are_one_report() -> None:
    gathered = Gathered()
    for read in (2, 3):
        gathered.add(Job(id="1", state="done", report=report(read)))
    assert gathered.report["stored"] == 5
    assert gathered.report["seconds"] == {"read": 1.0}
    assert gathered.report["failed"] == []


def test_questions_come_from_standard_input(dateline: Run, url: str, engine: FakeEngine) -> None:
    assert dateline("ask", "--server", url, stdin=" How many\n died? \n").out.startswith(ANSWER.text)
    assert dateline("ask", "-", "--server", url, stdin="Who?").code == 0
    assert [ask.question for ask in engine.asks] == ["How many\n died?", "Who?"]
    assert dateline("batch", "-", "-o", "a.jsonl", "--server", url, stdin="one\ntwo\n").code == 0
    assert [ask.question for ask in engine.asks[2:]] == ["one", "two"]
