"""What batches answered, in every format that people read: all of it is there, and none of it is obeyed."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from openpyxl import load_workbook

from api.files.answers import read_answers, write_answers
from api.files.markdown import escaped
from api.files.sheets import COLUMNS, harmless
from api.files.view import parts, shown, totals
from api.urls import web_url
from qa.batch import Result
from qa.errors import InputError
from qa.models import Cost, Usage
from tests.unit.api.fakes import ABSTAINED, ANSWER

EVIL = "=cmd|'/c calc'!A1 <script>alert(1)</script> [x](javascript:alert(1)) ![i](http://evil.example/i.png) <b a=\""
CITED = ANSWER.citations[0].model_copy(
    update={"title": EVIL, "source": EVIL, "quote": EVIL, "url": "javascript:alert(1)", "also_reported_by": (EVIL,)}
)
ATTACK = ANSWER.model_copy(update={"text": f"{EVIL} [1]", "citations": (CITED,), "warnings": (EVIL,)})
PRICED = ANSWER.model_copy(update={"usage": Usage(input_tokens=1000, output_tokens=20, cost=Cost(amount=0.5))})
ROWS = [
    Result("first", "How many died?", PRICED.to_json(), None, "k1"),
    Result(EVIL, EVIL, ATTACK.to_json(), None, "k2"),
    Result("unsaid", "Who won?", ABSTAINED.to_json(), None, "k3"),
    Result("broken", "And\x1b[2J then?", None, {"code": "model_timeout", "message": "late"}, "k4"),
]


def rendered(tmp_path: Path, suffix: str, rows: list[Result] = ROWS) -> bytes:
    path = tmp_path / f"a{suffix}"
    write_answers(path, rows)
    return path.read_bytes()


def test_jsonl_is_read_as_it_was_written(tmp_path: Path) -> None:
    rendered(tmp_path, ".jsonl", [*ROWS, Result("half", "\ud83d", None, {"code": "x", "message": "y"}, "k5")])
    assert [row.to_json() for row in read_answers(tmp_path / "a.jsonl")][:4] == [row.to_json() for row in ROWS]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "a.jsonl:2: this line is no row"),
        ("[]", "a.jsonl:2: this line is no row"),
        ('{"question": "x"}', "a.jsonl:2: this line is no row of answers: Field required"),
        ("[" * 100_000, "a.jsonl:2: this line is no row"),
    ],
)
def test_what_is_no_file_of_answers_names_the_line(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(ROWS[0].to_json()) + "\n" + line + "\n")
    with pytest.raises(InputError, match=re.escape(message)):
        read_answers(path)


def test_an_answer_of_another_form_names_the_row(tmp_path: Path) -> None:
    strange = Result("r7", "q", {**ANSWER.to_json(), "mood": "good"}, None, "k")
    with pytest.raises(InputError, match="row r7: the answer is not of a form that is known here: mood"):
        write_answers(tmp_path / "a.md", [strange])
    assert not (tmp_path / "a.md").exists()


def test_csv_has_a_row_for_each_question_and_no_formula(tmp_path: Path) -> None:
    text = rendered(tmp_path, ".csv").decode("utf-8-sig")
    read = list(csv.DictReader(io.StringIO(text, newline="")))
    assert tuple(read[0]) == COLUMNS
    assert [row["outcome"] for row in read] == ["answered", "answered", "abstained", "failed"]
    assert read[0]["answer"] == ANSWER.text
    assert read[0]["citations"].splitlines()[0] == "[1] 2025-03-24, Courier, Four dead: “The flood killed four people.”"
    assert (read[0]["input_tokens"], read[0]["cost"], read[0]["currency"]) == ("1000", "0.5", "USD")
    assert (read[3]["error_code"], read[3]["error"]) == ("model_timeout", "late")
    assert not [value for row in read for value in row.values() if value.startswith("=")]


@given(st.text())
def test_no_text_begins_as_a_formula_does(text: str) -> None:
    assert not harmless(text).lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))


@pytest.mark.parametrize("value", [None, 3, 0.5])
def test_numbers_stay_numbers(value: Any) -> None:
    assert harmless(value) == value


def test_a_workbook_holds_texts_and_no_formulas(tmp_path: Path) -> None:
    long = ANSWER.model_copy(update={"text": "x" * 40_000})
    rendered(tmp_path, ".xlsx", [*ROWS, Result("long", "q", long.to_json(), None, "k")])
    book = load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["Answers", "Citations", "Totals"]
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s", "n"}
    assert all(cell.quotePrefix for cell in cells if cell.data_type == "s")
    answers = list(book["Answers"].iter_rows(values_only=True))
    assert answers[0] == COLUMNS
    assert [row[2] for row in answers[1:5]] == ["answered", "answered", "abstained", "failed"]
    assert len(str(answers[5][3])) == 32_767
    assert answers[2][0] == EVIL
    links = [cell.hyperlink.target for cell in cells if cell.hyperlink]
    assert set(links) == {"https://news.example/bridge"}


class Page(HTMLParser):
    """The tags and the words of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def test_a_page_shows_everything_and_runs_nothing(tmp_path: Path) -> None:
    text = rendered(tmp_path, ".html").decode()
    page = Page(text)
    assert {tag for tag, _ in page.tags} <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "dl", "div", "dt", "dd", "section",
        "article", "small", "p", "a", "ol", "li", "blockquote", "footer",
    }  # fmt: skip
    assert {name for _, attributes in page.tags for name in attributes} <= {
        "lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "rel",
    }  # fmt: skip
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    for _, attributes in page.tags:
        href = attributes.get("href")
        assert href is None or href[1:] in ids or href == "https://news.example/bridge"
    assert EVIL in page.words
    assert "“The flood killed four people.”" in page.words
    assert "2025-03-24, Courier, Four dead" in page.words
    assert "\x1b" not in text
    assert "default-src 'none'" in text


@pytest.mark.parametrize("suffix", [".html", ".md"])
def test_failures_come_first_then_abstentions_then_answers(tmp_path: Path, suffix: str) -> None:
    text = rendered(tmp_path, suffix).decode()
    at = [text.index(title) for title in ("Failed (1)", "The articles do not say (1)", "Answered (2)")]
    assert at == sorted(at)
    for total in ("1,120 in, 50 out", "0.5000 USD"):
        assert total in text[: at[0]]


def test_markdown_shows_words_as_words(tmp_path: Path) -> None:
    html = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(rendered(tmp_path, ".md").decode())
    page = Page(html)
    assert {tag for tag, _ in page.tags} <= {"h1", "h2", "h3", "p", "em", "blockquote", "a"}
    assert {attributes["href"] for tag, attributes in page.tags if tag == "a"} == {"https://news.example/bridge"}
    assert " ".join(EVIL.split()) in page.words


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])))
def test_escaped_words_render_as_themselves(text: str) -> None:
    page = Page(MarkdownIt("commonmark").render(escaped(text)))
    assert {tag for tag, _ in page.tags} <= {"p"}
    assert " ".join(page.words.split()) == " ".join(text.split())


def test_totals_count_outcomes_tokens_and_money() -> None:
    counts = totals(shown(ROWS))
    assert (counts.rows, counts.answered, counts.abstained, counts.failed) == (4, 2, 1, 1)
    assert (counts.input_tokens, counts.output_tokens, counts.costs) == (1120, 50, (("USD", 0.5),))


def test_no_rows_are_a_file_in_every_format(tmp_path: Path) -> None:
    for suffix in (".csv", ".xlsx", ".md", ".html"):
        assert rendered(tmp_path, suffix, [])


def test_markers_are_found_where_there_is_a_citation() -> None:
    assert parts("a [1][2] [7] [99999999999]", ANSWER.citations) == [
        ("a ", None),
        ("[1]", 1),
        ("", None),
        ("[2]", 2),
        (" [7] [99999999999]", None),
    ]


@pytest.mark.parametrize(
    ("url", "leads"),
    [
        ("https://news.example/a?b=c#d", True),
        ("http://127.0.0.1:8000/x", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("file:///etc/passwd", False),
        ("https://", False),
        ("//news.example", False),
        ("https://a.example/\x1b]8;;", False),
        ("https://a.example/ b", False),
        ("http://[::1", False),
        ("", False),
        (None, False),
    ],
)
def test_only_pages_are_links(url: str | None, leads: bool) -> None:
    assert web_url(url) == (url if leads else None)
