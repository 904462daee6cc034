"""Question files: what is read, what it is called, and what is said of what cannot be read."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from api.files.questions import STDIN, read_questions
from qa.batch import Row
from qa.errors import DatelineError, InputError, UsageError
from qa.models import Ask, Turn


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_text(text, encoding=encoding, newline="")
    return path


def test_txt_has_a_question_a_line_called_by_its_number(tmp_path: Path) -> None:
    path = write(tmp_path / "q.txt", "\ufeffWho won?\r\n\r\n  # not a comment \nLast\u2028one")
    assert read_questions(path) == [
        Row("1", Ask("Who won?")),
        Row("3", Ask("# not a comment")),
        Row("4", Ask("Last\u2028one")),
    ]


def test_csv_fields(tmp_path: Path) -> None:
    text = (
        "\ufeffID, Question ,as_of,from,to,source,article,model,top_k,answers\r\n"
        '7,"Who, exactly,\r\nwon?",2025-05-20,2025-05-01,2025-05-31,Coast Wire,a-7,extractive,3,"[""x""]"\r\n'
        ",Who lost?,,,,,,,,\r\n"
        "\r\n"
        "c,And then?\r\n"
    )
    full = Ask(
        "Who, exactly,\r\nwon?",
        as_of=date(2025, 5, 20),
        start=date(2025, 5, 1),
        end=date(2025, 5, 31),
        sources=("Coast Wire",),
        article="a-7",
        model="extractive",
        top_k=3,
    )
    rows = read_questions(write(tmp_path / "q.CSV", text))
    assert rows == [Row("7", full), Row("2", Ask("Who lost?")), Row("c", Ask("And then?"))]


def test_jsonl_fields_and_those_of_an_evaluation_set(tmp_path: Path) -> None:
    records: list[dict[str, Any]] = [
        {"id": 12, "question": "Who?", "as_of": "2025-05-20", "answers": ["x"], "unanswerable": False, "choices": None},
        {"question": "When?", "source": ["A", "B"], "top_k": 2, "from": None, "to": ""},
        {"question": "And?", "source": "A", "history": [{"role": "user", "content": "Who?"}]},
    ]
    path = write(tmp_path / "q.jsonl", "\n\n".join(map(json.dumps, records)))
    assert read_questions(path) == [
        Row("12", Ask("Who?", as_of=date(2025, 5, 20))),
        Row("3", Ask("When?", sources=("A", "B"), top_k=2)),
        Row("5", Ask("And?", sources=("A",), history=(Turn("user", "Who?"),))),
    ]


def test_tsv_and_what_other_spreadsheets_call_csv(tmp_path: Path) -> None:
    rows = [Row("a", Ask("Who, then?", as_of=date(2025, 5, 1))), Row("2", Ask("1; 2"))]
    text = "id\tquestion\tas_of\na\tWho, then?\t2025-05-01\n\t1; 2\t\n"
    assert read_questions(write(tmp_path / "q.tsv", text)) == rows
    text = 'id;question;as_of\na;Who, then?;2025-05-01\n;"1; 2";\n'
    assert read_questions(write(tmp_path / "q.csv", text)) == rows


def workbook(path: Path, *rows: list[Any]) -> Path:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    book.create_sheet("Second").append(["question"])
    book.save(path)
    return path


def test_xlsx_is_read_as_it_would_be_written_in_csv(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "q.xlsx",
        [],
        ["ID", "Question", "as_of", "from", "top_k", "model", "rating", None],
        [
            7,
            "Who won?",
            datetime(2025, 5, 20),  # noqa: DTZ001 - a workbook knows no time zones
            date(2025, 5, 1),
            3.0,
            "extractive",
            4.5,
            None,
        ],
        [None, None, None],
        ["b", "Who = whom?", "2025-05-21", None, 2],
    )
    assert read_questions(path) == [
        Row("7", Ask("Who won?", as_of=date(2025, 5, 20), start=date(2025, 5, 1), top_k=3, model="extractive")),
        Row("b", Ask("Who = whom?", as_of=date(2025, 5, 21), top_k=2)),
    ]


def test_rows_of_a_workbook_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    workbook(Path("q.xlsx"), ["question", "as_of"], ["Who?", "2025-05-01"], [], ["When?", "May"])
    with pytest.raises(InputError, match=r"q\.xlsx:4: as_of: a date is written"):
        read_questions(Path("q.xlsx"))
    workbook(Path("q.xlsx"), ["question"], ["Who?", "stray"])
    with pytest.raises(InputError, match=r"q\.xlsx:2: 2 fields, the header has 1"):
        read_questions(Path("q.xlsx"))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"question\nWho?\n"])
def test_what_is_no_workbook_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "q.xlsx"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"q\.xlsx: this is no workbook"):
        read_questions(path)


def test_a_workbook_whose_parts_are_missing_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "q.xlsx", "w") as empty:
        empty.writestr("hello.txt", "hello")
    with pytest.raises(InputError, match=r"q\.xlsx: this is no workbook"):
        read_questions(tmp_path / "q.xlsx")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("q.csv", "Frage,question\nWer?,not this\n"),
        ("q.tsv", "frage\tx\nWer?\t1\n"),
        ("q.jsonl", '{"Frage": "Wer?", "question": "not this"}'),
    ],
)
def test_the_column_of_questions_can_be_named(tmp_path: Path, name: str, text: str) -> None:
    assert read_questions(write(tmp_path / name, text), column="Frage") == [Row("1", Ask("Wer?"))]


def test_a_column_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no column 'frage' \(found: question\)") as raised:
        read_questions(write(tmp_path / "q.csv", "question\nWho?\n"), column="Frage")
    assert "--question-column" in raised.value.hint
    with pytest.raises(UsageError, match="a question a line"):
        read_questions(write(tmp_path / "q.txt", "Who?\n"), column="Frage")


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("Who?\n\nWhen?\n", None),
        ('\n{"question": "Who?"}\n{"question": "When?", "id": 3}\n', None),
        ("q;x\nWho?;1\nWhen?;2\n", "q"),
    ],
)
def test_standard_input_is_told_by_how_it_begins(
    monkeypatch: pytest.MonkeyPatch, text: str, column: str | None
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert [row.ask.question for row in read_questions(STDIN, column=column)] == ["Who?", "When?"]


def test_standard_input_is_called_so_in_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"question": 1}')))
    with pytest.raises(InputError, match=r"^standard input:1: question: "):
        read_questions(STDIN)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("q.csv", "question,as_of\nWho?,2025-5-1\n", "q.csv:2: as_of: a date is written YYYY-MM-DD"),
        ("q.csv", 'question,as_of\n"Who\nwon?",\nWhen?,2025-02-30\n', "q.csv:4: as_of: there is no day 2025-02-30"),
        ("q.csv", "question,from,to\nWho?,2025-05-02,2025-05-01\n", "q.csv:2: from 2025-05-02 is after to 2025-05-01"),
        ("q.csv", "question,top_k\nWho?,many\n", "q.csv:2: top_k: "),
        ("q.csv", "question,id\n,7\n", "q.csv:2: question: is missing"),
        ("q.csv", "text,id\nWho?,7\n", "q.csv:1: there is no column 'question' (found: text, id)"),
        ("q.csv", "question\nWho, me?\n", "q.csv:2: 2 fields, the header has 1"),
        ("q.csv", 'question\n"Who?\n', "q.csv:2: this is not CSV"),
        ("q.csv", "", "q.csv:1: there is no column 'question' (found: none)"),
        ("q.jsonl", '{"question": "a"}\n{"question": \n', "q.jsonl:2: this line is not JSON"),
        ("q.jsonl", "[" * 100_000, "q.jsonl:1: this line is not JSON that can be read"),
        ("q.jsonl", '["a"]', "q.jsonl:1: this line is not a JSON object"),
        ("q.jsonl", '{"question": 5}', "q.jsonl:1: question: "),
        ("q.jsonl", '{"question": "a", "as_of": 1700000000}', "q.jsonl:1: as_of: a date is written"),
        ("q.jsonl", '{"question": "a", "history": [{"role": "boss", "content": ""}]}', "q.jsonl:1: history.0.role: "),
        ("q.jsonl", '{"question": "a", "source": [1]}', "q.jsonl:1: source.0: "),
        ("q.jsonl", '{"id": "a"}', "q.jsonl:1: question: is missing"),
        ("q.txt", "\n \n", "q.txt: the file holds no questions"),
    ],
)
def test_what_cannot_be_read_is_named_by_file_line_and_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path(name), text)
    with pytest.raises(InputError) as raised:
        read_questions(Path(name))
    assert str(raised.value).startswith(message)


def test_another_encoding_is_named_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"q\.txt:2: this line is not UTF-8"):
        read_questions(write(tmp_path / "q.txt", "a\nüber\n", "latin-1"))


def test_an_id_used_twice_names_both_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "q.csv", "id,question\na,x\nb,y\na,z\n")
    with pytest.raises(UsageError, match="'a' is on line 2 and again on line 4"):
        read_questions(path)
    # A number given as an id can be that of another line.
    path = write(tmp_path / "q.jsonl", '{"question": "x"}\n{"question": "y", "id": 1}\n')
    with pytest.raises(UsageError, match="'1' is on line 1 and again on line 2"):
        read_questions(path)


@pytest.mark.parametrize("name", ["q.xls", "q", "q.json"])
def test_another_kind_of_file_is_told_what_is_known(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"\.txt, \.csv, \.tsv, \.xlsx, \.jsonl"):
        read_questions(write(tmp_path / name, "x"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_questions(tmp_path / "q.txt")


@given(data=st.binary(max_size=80), suffix=st.sampled_from([".txt", ".csv", ".tsv", ".jsonl"]))
def test_whatever_a_file_holds_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, suffix: str
) -> None:
    path = tmp_path_factory.mktemp("q") / f"q{suffix}"
    path.write_bytes((b"question\n" if suffix in (".csv", ".tsv") else b"") + data)
    refused, rows = "", []
    try:
        rows = read_questions(path)
    except DatelineError as error:
        refused = str(error)
    assert bool(rows) != (str(path) in refused)
    assert len({row.id for row in rows}) == len(rows)
