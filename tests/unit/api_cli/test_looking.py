"""What is told of settings, months, and the state of things."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from api.cli import checkup as module
from api.cli.batch_progress import Standing, duration, used
from api.cli.histogram import histogram
from api.cli.origins import origins
from api.cli.show import show_answer
from qa.budget import Spent
from qa.settings import load_settings
from tests.fakes import Reply, ScriptedOpenAI
from tests.unit.api.fakes import ANSWER
from tests.unit.api_cli.conftest import Run


def test_settings_say_where_they_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("DATELINE_TOP_K=3\nDATELINE_MODEL_API_KEY=secret\nDATELINE_CONCURRENCY=2\n")
    monkeypatch.setenv("DATELINE_CONCURRENCY", "9")
    monkeypatch.setenv("DATELINE_MODEL_BASE_URL", "http://me:secret@127.0.0.1/v1")
    monkeypatch.setenv("DATELINE_HALF_LIFE", "")
    given_ = {"home": Path("there"), "server_url": None}
    found = {one.variable: (one.value, one.source) for one in origins(load_settings(**given_), given_)}
    assert found["DATELINE_HOME"] == ("there", "option")
    assert found["DATELINE_CONCURRENCY"] == ("9", "environment")
    assert found["DATELINE_TOP_K"] == ("3", ".env")
    assert found["DATELINE_HALF_LIFE"] == ("30.0", "default")
    assert found["DATELINE_SERVER_URL"] == ("", "default")
    assert found["DATELINE_MODEL_BASE_URL"][0] == "http://***@127.0.0.1/v1"
    assert "secret" not in str(found)


def test_a_histogram_has_every_month_and_the_longest_bar_for_the_most() -> None:
    assert histogram({"2025-01": 40, "2024-11": 1}) == ["2024-11  1 █", "2024-12  0", "2025-01 40 " + "█" * 40]
    assert histogram({}) == []
    assert histogram({"2001-05": 3, "2025-01": 6})[0] == "2001 3 " + "█" * 20


@given(st.dictionaries(st.dates().map(lambda day: day.isoformat()[:7]), st.integers(1, 10**6), min_size=1))
def test_a_histogram_loses_no_article(by_month: dict[str, int]) -> None:
    lines = histogram(by_month)
    assert sum(int(line.split()[1]) for line in lines) == sum(by_month.values())
    assert all(len(line) < 70 for line in lines)


class Shown:
    """A meter that remembers."""

    def __init__(self, *, tells_time: bool) -> None:
        self.tells_time = tells_time
        self.notes: list[tuple[int, int | None, str]] = []

    def show(self, done: int, total: int | None, note: str = "") -> None:
        self.notes.append((done, total, note))


@pytest.mark.parametrize(
    ("tells_time", "last"),
    [
        (True, "1 abstained, 1 failed, 30.0 a minute, 1,500 tokens, 0.2500 USD"),
        (False, "1 abstained, 1 failed, 30.0 a minute, 14 s left, 1,500 tokens, 0.2500 USD"),
    ],
)
def test_a_batch_says_how_it_stands(tells_time: bool, last: str) -> None:
    now, spent = [0.0], Spent()
    meter = Shown(tells_time=tells_time)
    standing = Standing(meter, 10, spent, clock=lambda: now[0])  # type: ignore[arg-type]  # no context is entered
    spent.tokens, spent.costs = 1500, {"USD": 0.25}
    for outcome in ("answered", "abstained", "failed"):
        now[0] += 2
        standing.count(outcome)
    assert meter.notes[0] == (0, 10, "0 abstained, 0 failed")
    assert meter.notes[-1] == (3, 10, last)
    assert standing.done == 3


def test_times_are_told_roughly() -> None:
    assert [duration(seconds) for seconds in (0.2, 89, 600, 7200)] == ["0 s", "89 s", "10 min", "2.0 h"]
    assert used(Spent()) == ""


def test_a_terminal_that_knows_links_gets_them_for_web_pages_alone(capsys: pytest.CaptureFixture[str]) -> None:
    cited = (
        ANSWER.citations[1],
        ANSWER.citations[0].model_copy(update={"url": "file:///etc/passwd"}),
        ANSWER.citations[0].model_copy(update={"url": "https://x.example/\x1b]8;;http://evil.example\x07"}),
    )
    console = Console(soft_wrap=True, force_terminal=True, color_system="truecolor", markup=False)
    show_answer(console, ANSWER.model_copy(update={"citations": cited}), text=False)
    links = re.findall(r"\x1b\]8;[^;]*;([^\x1b]*)\x1b\\", capsys.readouterr().out)
    assert [link for link in links if link] == ["https://news.example/bridge"]


def test_the_doctor_names_what_is_wrong_and_what_to_do(dateline: Run) -> None:
    ran = dateline("doctor", "--home", "nowhere")
    assert ran.code == 1
    assert "ok      installation: Python" in ran.out
    assert "ok      embedding model: all-MiniLM-L6-v2, the published weights" in ran.out
    assert "failed  home: there is no collection in nowhere" in ran.out
    assert "dateline ingest" in ran.out


def test_the_doctor_tells_of_settings_that_make_no_sense(dateline: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATELINE_TOPK", "3")
    ran = dateline("doctor")
    assert ran.code == 1
    assert "failed  settings: environment: there is no setting DATELINE_TOPK" in ran.out
    assert "Did you mean DATELINE_TOP_K?" in ran.out


@pytest.mark.parametrize(
    ("reply", "told"),
    [(Reply("ready"), "ok      model: openai:x answered"), (Reply(status=401), "failed  model: http://127.0.0.1")],
)
def test_the_doctor_asks_the_model_one_question(
    dateline: Run, monkeypatch: pytest.MonkeyPatch, reply: Reply, told: str
) -> None:
    with ScriptedOpenAI(reply) as server:
        monkeypatch.setenv("DATELINE_MODEL_BASE_URL", server.base_url)
        monkeypatch.setenv("DATELINE_MODEL_API_KEY", "k3y")
        ran = dateline("doctor", "--model", "openai:x", "--home", "nowhere")
    assert told in ran.out
    assert "DATELINE_MODEL_API_KEY is set" in ran.out
    assert "k3y" not in ran.out
    assert len(server.requests) == 1


def test_the_doctor_misses_a_key(dateline: Run) -> None:
    ran = dateline("doctor", "--model", "anthropic:claude", "--home", "nowhere")
    assert "Set DATELINE_MODEL_API_KEY or ANTHROPIC_API_KEY." in ran.out


def test_the_doctor_looks_at_the_disk(dateline: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOW_DISK", 10**18)
    assert "warning disk: " in dateline("doctor", "--home", "nowhere").out


def test_the_doctor_speaks_to_a_service(dateline: Run, url: str) -> None:
    ran = dateline("doctor", "--server", url)
    assert ran.code == 0
    assert f"ok      service: {url}: 2 articles, model openai:gpt-test" in ran.out
    assert dateline("doctor", "--server", "http://127.0.0.1:9").code == 1
