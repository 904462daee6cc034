"""Evaluation sets as they are read, drafts as they are written, and the page and its plots."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from api.files.evaluation_page import page_of, write_page
from api.files.evaluation_sets import COLUMNS, read_evaluation_set, suggestions_csv
from api.files.plots import Axis, Bar, Series, axis_to, bar_plot, line_plot, share_axis
from ingest.clean import canonical_url
from qa.errors import InputError, UsageError
from qa.evaluation.items import Asked, Cited, Item
from qa.evaluation.rows import Figures, figures
from tests.unit.api.fakes import ANSWER, PASSAGE

EVIL = "<script>alert(1)</script><img src=x onerror=y>\"'&\x1b"


def written(path: Path, *lines: Any) -> Path:
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return path


def test_jsonl_is_read_as_the_contract_has_it(tmp_path: Path) -> None:
    full = {
        "id": 7, "question": "Who?", "as_of": "2025-03-24", "answers": ["A", "B"], "choices": ["A", "C"],
        "gold_urls": ["HTTPS://News.example/a?utm_source=x", "desk-7"], "lenient_urls": ["u"],
    }  # fmt: skip
    none = {"question": "Why?", "unanswerable": True, "answers": [], "choices": None}
    found = read_evaluation_set(written(tmp_path / "a.jsonl", full, none))
    gold = (canonical_url("https://news.example/a"), "desk-7")
    assert found == [
        Item("7", "Who?", date(2025, 3, 24), ("A", "B"), ("A", "C"), gold),
        Item("2", "Why?", unanswerable=True),
    ]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.jsonl", '{"question": "Q", "answers": ["a"]}\n{"answers": ["a"]}', r"a\.jsonl:2: question: is missing"),
        ("a.jsonl", '{"question": "Q", "answers": ["a"], "as_of": "May"}', r"a\.jsonl:1: as_of"),
        ("a.jsonl", '{"question": "Q"}', r"a\.jsonl:1: there are no answers"),
        ("a.jsonl", '{"question": "Q", "unanswerable": true, "answers": ["a"]}', "neither answers"),
        ("a.jsonl", "nonsense", r"a\.jsonl:1: this is not JSON"),
        ("a.jsonl", "", "no questions"),
        ("a.json", '{"a": 1}', "no list of questions"),
        ("a.csv", "accept,question,answers\nmaybe,Q,a\n", r"a\.csv:2: accept: 'maybe'"),
        ("a.csv", "accept,question,answers\n,Q,a\n", "no questions to ask"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, text: str, says: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=says):
        read_evaluation_set(path)


def test_ids_used_twice_and_unknown_kinds_are_refused(tmp_path: Path) -> None:
    twice = {"id": "a", "question": "Q", "answers": ["x"]}
    with pytest.raises(UsageError, match="'a' is at line 1 and again at line 2"):
        read_evaluation_set(written(tmp_path / "a.jsonl", twice, twice))
    with pytest.raises(UsageError, match=r"not from '\.xml'"):
        read_evaluation_set(tmp_path / "a.xml")


def test_drafts_come_back_once_they_are_accepted(tmp_path: Path) -> None:
    rows = [
        ["yes", "s1", "Who, then?", "2025-03-24", "A | B", "", "https://x.test/a", "", "name", "=cmd()"],
        ["", "s2", "No?", "", "A", "", "", "", "name", ""],
    ]
    path = tmp_path / "drafts.csv"
    text = suggestions_csv(rows)
    path.write_text(text, encoding="utf-8")
    assert text.splitlines()[0] == ",".join(COLUMNS)
    # A spreadsheet takes no cell for a formula.
    assert ", =cmd()" in text
    gold = (canonical_url("https://x.test/a"),)
    assert read_evaluation_set(path) == [
        Item("s1", "Who, then?", date(2025, 3, 24), ("A", "B"), gold=gold, kind="name")
    ]


def test_multihop_files_are_read(tmp_path: Path) -> None:
    told = [
        {
            "query": "Which company, says each of both, was fined?",
            "answer": "Acme", "question_type": "inference_query",
            "evidence_list": [
                {"title": "T", "author": "A", "url": "https://x.test/1", "source": "S", "category": "business",
                 "published_at": "2023-10-01T10:00:00+00:00", "fact": "Acme was fined."},
                {"title": "U", "url": "https://x.test/2", "fact": "The fine hit Acme."},
            ],
        },
        {"query": "What did nobody say?", "answer": "Insufficient information.", "question_type": "null_query",
         "evidence_list": []},
    ]  # fmt: skip
    path = tmp_path / "MultiHopRAG.json"
    path.write_text(json.dumps(told), encoding="utf-8")
    hops, null = read_evaluation_set(path)
    assert hops.evidence == ("Acme was fined.", "The fine hit Acme.")
    assert hops.gold == tuple(canonical_url(f"https://x.test/{n}") for n in (1, 2))
    assert (hops.answers, hops.kind) == (("Acme",), "inference_query")
    assert (null.unanswerable, null.answers, null.evidence) == (True, (), ())
    passages = [PASSAGE.model_copy(update={"text": text}) for text in ("Else.", "So it was: Acme was\nfined. Then.")]
    row, nothing = figures([hops, null], [Asked(passages=tuple(passages)), Asked()], 10, canonical_url, answers=True)
    assert (row["evidence.mrr@10"], row["evidence.hits@4"], row["evidence.map@10"]) == (0.5, 1.0, 0.25)
    assert nothing["evidence.mrr@10"] is None


# The page


@dataclass(frozen=True)
class Run:
    """What the page is made from."""

    items: tuple[Item, ...]
    asked: tuple[Asked, ...]
    rows: tuple[Figures, ...]
    dataset: str = f"set {EVIL}"
    depth: int = 10
    model: str = f"m {EVIL}"
    as_of: date = date(2025, 4, 1)
    retrieval_only: bool = False
    left: int = 0


def a_run(*, answers: bool = True) -> Run:
    passage = PASSAGE.model_copy(update={"text": f"four {EVIL}", "title": EVIL, "url": f"https://x.test/{EVIL}"})
    cited = ANSWER.citations[0].model_copy(update={"quote": EVIL, "title": EVIL, "source": EVIL})
    answer = ANSWER.model_copy(update={"text": f"four {EVIL}", "citations": (cited,)})
    items = (
        Item(f"i{EVIL}", f"How many {EVIL}?", date(2025, 4, 1), ("four",), gold=("flood",), kind=EVIL),
        Item("failed", "Who?", answers=("four",), gold=("flood",), kind="b"),
        Item("none", "When?", unanswerable=True, kind="b"),
    )
    asked = (
        Asked((passage,), answer if answers else None, None, 0.8, Cited(1, 1), (date(2025, 3, 24),), 3.0),
        Asked(error=("model", EVIL)),
        Asked(answer=ANSWER.model_copy(update={"abstained": True}) if answers else None, confidence=0.1, search_ms=1.0),
    )
    rows = tuple(figures(items, asked, 10, canonical_url, answers=answers))
    return Run(items, asked, rows, retrieval_only=not answers)


def markup_of(page: str) -> tuple[set[str], set[str]]:
    """The names of all tags and attributes."""
    tags: set[str] = set()
    attributes: set[str] = set()

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.add(tag)
            attributes.update(name for name, _ in attrs)

    Reader().feed(page)
    return tags, attributes


@pytest.mark.parametrize("answers", [True, False])
def test_the_page_shows_everything_and_obeys_nothing(tmp_path: Path, answers: bool) -> None:
    page = page_of(a_run(answers=answers))
    assert "<script" not in page
    assert "<img" not in page
    assert "\x1b" not in page
    assert page.count("&lt;script&gt;alert(1)") >= (8 if answers else 5)
    # It needs nothing from anywhere, and runs nothing.
    tags, attributes = markup_of(page)
    assert not tags & {"script", "link", "iframe", "object", "base", "form"}
    assert not {name for name in attributes if name in ("src", "href", "style") or name.startswith("on")}
    assert "url(" not in page.split("</style>")[0]
    assert page.count("<details") == 3
    assert page.count("<svg") == (4 if answers else 3)
    assert "1 of 3 questions failed, counted as failures in every figure" in page
    write_page(a_run(answers=answers), tmp_path / "out.html")
    assert (tmp_path / "out.html").read_text(encoding="utf-8") == page
    assert [path.name for path in tmp_path.iterdir()] == ["out.html"]


def test_plots_are_well_formed_and_escape_their_words() -> None:
    lines = [Series(f"a {EVIL[:-1]}", [(1, 0.0), (2, 1.0), (3, 5.0)]), Series("one", [(1, 0.5)])]
    drawn = line_plot("t <b>", Axis("x & y", 1, 3, (1, 2, 3)), share_axis("<i>"), lines)
    bars = bar_plot("t", "x", axis_to("ms", 830), [Bar("retrieve\np50", 830.0, "830"), Bar("<b>", 0.0)])
    for svg in (drawn, bars):
        root = ET.fromstring(svg)
        assert {one.tag.split("}")[1] for one in root.iter()} <= {
            "svg", "title", "line", "text", "polyline", "circle", "rect",
        }  # fmt: skip
    # What lies above the axis stays within the picture.
    (first, *_) = re.findall(r'points="([^"]+)"', drawn)
    assert min(float(point.split(",")[1]) for point in first.split()) >= 0
    assert axis_to("ms", 830).marks == (0, 500, 1000)
    assert axis_to("ms", 0).high > 0
