from __future__ import annotations

import gzip
import json
import os
import tracemalloc
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.clean import MAX_TEXT
from ingest.readers import Item, ReadArticle, ReadFailure, ReadWarning, read
from ingest.readers.records import split_authors
from qa.models import Article
from tests.conftest import SAMPLE

TODAY = date(2025, 7, 1)


def items(*paths: Path) -> list[Item]:
    return list(read(paths, today=TODAY))


def articles(*paths: Path) -> list[Article]:
    found = items(*paths)
    assert all(isinstance(item, ReadArticle) for item in found), found
    return [item.article for item in found if isinstance(item, ReadArticle)]


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def jsonl(path: Path, *records: object) -> Path:
    return write(path, "".join(json.dumps(record) + "\n" for record in records))


class TestPlain:
    def test_header_and_body(self, tmp_path: Path) -> None:
        path = write(
            tmp_path / "a.txt",
            "Date: April 17, 2025\r\nURL: https://www.a.example/x\r\nAuthor: A B; C D\r\n\r\n Body \r\n\r\nEnd\r\n",
        )
        (article,) = articles(path)
        assert article.text == "Body \n\nEnd"
        assert (article.published, article.published_from) == (date(2025, 4, 17), "header")
        assert (article.url, article.source, article.authors) == (
            "https://www.a.example/x",
            "a.example",
            ("A B", "C D"),
        )
        assert article.id.startswith("u-")
        assert article.title is None

    def test_an_hour_in_the_header_is_kept(self, tmp_path: Path) -> None:
        (article,) = articles(write(tmp_path / "a.txt", "date: April 17, 2025 10:30 PM EDT\n\nBody."))
        assert (article.published, article.published_at) == (date(2025, 4, 17), "2025-04-17T22:30:00-04:00")

    def test_no_header(self, tmp_path: Path) -> None:
        (article,) = articles(write(tmp_path / "a.md", "# Heading\n\nDate palms are dying."))
        assert article.text == "# Heading\n\nDate palms are dying."
        assert (article.published, article.published_from) == (None, None)

    def test_gz(self, tmp_path: Path) -> None:
        (article,) = articles(write(tmp_path / "A.TXT.GZ", gzip.compress(b"date 2025-01-02 Body.")))
        assert (article.text, article.published) == ("Body.", date(2025, 1, 2))

    def test_a_date_that_cannot_be_trusted_leaves_it_undated_and_says_so(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.txt", "date 03/04/2025 Body.")
        warning, found = items(path)
        assert isinstance(warning, ReadWarning)
        assert warning.where == str(path)
        assert "published" in warning.reason
        assert "3/4" in warning.reason
        assert isinstance(found, ReadArticle)
        assert (found.article.text, found.article.published) == ("Body.", None)

    def test_an_old_code_page_is_read_and_said(self, tmp_path: Path) -> None:
        text = "El señor Muñoz habló en Córdoba sobre la situación económica del país."
        warning, found = items(write(tmp_path / "a.txt", text.encode("cp1252")))
        assert isinstance(warning, ReadWarning)
        assert "cp1252" in warning.reason
        assert isinstance(found, ReadArticle)
        assert found.article.text == text

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "no text"),
            (b" \n\t", "no text"),
            (b"date: 2025-01-01\n", "no text"),
            (b"\xef\xbb\xbf", "no text"),
            (b"\x7fELF\x02\x01\x01\x00\xff\xfe", "binary"),
            (b"x" * (MAX_TEXT + 1), "5,000,001 characters"),
            (b"x" * (4 * MAX_TEXT + 100_000), "larger than an article"),
        ],
        ids=["empty", "blank", "header only", "mark only", "binary", "long", "huge"],
    )
    def test_no_article(self, tmp_path: Path, content: bytes, reason: str) -> None:
        path = write(tmp_path / "a.txt", content)
        (failure,) = items(path)
        assert isinstance(failure, ReadFailure)
        assert failure.where == str(path)
        assert reason in failure.reason

    def test_the_sample_news_reads_without_a_word(self) -> None:
        found = articles(SAMPLE / "articles")
        assert len(found) >= 14
        assert [article.title for article in found if article.published is None] == ["The iron bridge: a short history"]
        assert len({article.id for article in found}) == len(found)


class TestJsonl:
    def test_all_fields(self, tmp_path: Path) -> None:
        record = {
            "id": 7, "text": " Body.\r\nEnd. ", "title": " A \n title ", "url": " https://a.example/1 ",
            "published": "2025-02-20T23:00:00-08:00",
            "source": "Coastwire", "authors": ["Petra Maale", " ", "Petra Maale", "Lena Brandt"], "other": {"x": 1},
        }  # fmt: skip
        (article,) = articles(jsonl(tmp_path / "a.jsonl", record))
        assert article.text == "Body.\nEnd."
        assert article.title == "A title"
        assert article.url == "https://a.example/1"
        assert (article.published, article.published_from) == (date(2025, 2, 20), "field")
        assert article.source == "Coastwire"
        assert article.authors == ("Petra Maale", "Lena Brandt")

    def test_own_id_without_url(self, tmp_path: Path) -> None:
        first, second = articles(
            jsonl(tmp_path / "a.jsonl", {"id": 7, "text": "x"}, {"id": "b-1", "text": "x", "url": None})
        )
        assert (first.id, second.id) == ("7", "b-1")

    def test_what_is_broken_is_named_and_the_rest_goes_in(self, tmp_path: Path) -> None:
        lines = ['{"text": "first"}', "", "{broken", "[1]", '{"title": "t"}', '{"text": 5}', '{"text": " "}',
                 '{"text": null}', "[" * 100_000, f'{{"text": "x", "id": {"9" * 5000}}}',
                 '{"text": "last"}']  # fmt: skip
        path = write(tmp_path / "a.jsonl", "\n".join(lines))
        found = items(path)
        assert [item.article.text for item in found if isinstance(item, ReadArticle)] == ["first", "last"]
        failures = {item.where: item.reason for item in found if isinstance(item, ReadFailure)}
        assert list(failures) == [f"{path}:{line}" for line in (3, 4, 5, 6, 7, 8, 9, 10)]
        assert "not valid JSON" in failures[f"{path}:3"]
        assert "not a JSON object" in failures[f"{path}:4"]
        assert "'text' is missing" in failures[f"{path}:5"]
        assert "'text': expected text, found a number" in failures[f"{path}:6"]
        assert failures[f"{path}:7"] == failures[f"{path}:8"] == "no text"

    def test_a_value_that_makes_no_sense_is_left_out_with_a_warning(self, tmp_path: Path) -> None:
        record = {"text": "x", "title": ["t"], "url": "javascript:alert(1)", "published": "soon", "authors": [1, "A B"],
                  "source": "s" * 3000, "id": True}  # fmt: skip
        path = jsonl(tmp_path / "a.jsonl", record)
        *warnings, found = items(path)
        assert isinstance(found, ReadArticle)
        article = found.article
        assert (article.title, article.url, article.published, article.source) == (None, None, None, None)
        assert article.authors == ("A B",)
        assert {warning.where for warning in warnings} == {f"{path}:1"}
        said = " ".join(warning.reason for warning in warnings if isinstance(warning, ReadWarning))
        assert all(f"'{field}'" in said for field in ("title", "url", "published", "authors", "source", "id"))

    def test_lone_surrogates_and_nul_become_replacement_characters(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.jsonl", r'{"text": "a\ud800b\u0000c \ud83d\ude00", "title": "\udfff"}')
        (article,) = articles(path)
        assert article.text == "a\ufffdb\ufffdc 😀"
        assert article.title == "\ufffd"

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
    def test_marked_unicode(self, tmp_path: Path, encoding: str) -> None:
        path = write(tmp_path / "a.jsonl", '{"text": "Zoë"}\n{"text": "東京"}\n'.encode(encoding))
        assert [article.text for article in articles(path)] == ["Zoë", "東京"]

    def test_one_line_in_another_encoding(self, tmp_path: Path) -> None:
        spanish = "El señor Muñoz habló en Córdoba sobre la situación económica del país."
        path = write(tmp_path / "a.jsonl", b'{"text": "ok"}\n' * 20_000 + f'{{"text": "{spanish}"}}\n'.encode("cp1252"))
        *_, warning, found = items(path)
        assert isinstance(warning, ReadWarning)
        assert warning.where == f"{path}:20001"
        assert isinstance(found, ReadArticle)
        assert found.article.text == spanish

    def test_an_empty_file_says_so(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.jsonl", "\n")
        assert items(path) == [ReadWarning(str(path), "holds no articles")]

    def test_a_damaged_gz_keeps_what_came_before(self, tmp_path: Path) -> None:
        whole = gzip.compress(
            b"".join(json.dumps({"text": os.urandom(40).hex()}).encode() + b"\n" for _ in range(20_000))
        )
        path = write(tmp_path / "a.jsonl.gz", whole[: len(whole) // 2])
        *found, last = items(path)
        assert len(found) > 1000
        assert isinstance(last, ReadFailure)
        assert last.where == str(path)
        (failure,) = items(write(tmp_path / "b.jsonl.gz", b"not gzip"))
        assert isinstance(failure, ReadFailure)

    def test_memory_does_not_grow_with_the_file_or_the_line(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl.gz"
        with gzip.open(path, "wt", compresslevel=1) as file:
            for number in range(5_000):
                file.write(json.dumps({"text": f"{number} " + "word " * 1000}) + "\n")
            for _ in range(60):
                file.write("x" * 1_000_000)
        tracemalloc.start()
        failures = [item for item in read([path], today=TODAY) if isinstance(item, ReadFailure)]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert [failure.where for failure in failures] == [f"{path}:5001"]
        assert "longer than" in failures[0].reason
        assert peak < 150_000_000


class TestCsv:
    @pytest.mark.parametrize("mark", [",", ";", "\t"])
    def test_columns_by_name_whatever_the_delimiter(self, tmp_path: Path, mark: str) -> None:
        rows = [
            ["Title", " TEXT ", "published", "authors"],
            ['"A, B; C"', '"One\r\n\r\nTwo, ""quoted"""', "2025-01-02", '"Brandt, Lena"'],
        ]
        path = write(tmp_path / "a.csv", "\ufeff" + "\r\n".join(mark.join(row) for row in rows))
        (article,) = articles(path)
        assert article.text == 'One\n\nTwo, "quoted"'
        assert article.title == "A, B; C"
        assert article.published == date(2025, 1, 2)
        assert article.authors == ("Brandt, Lena",)

    def test_rows_are_named_by_the_line_they_begin_on(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.csv", 'text,title\n"a\nb",t\n\nx,y,z\n ,t\nc,t\n')
        found = items(path)
        assert [item.where for item in found] == [f"{path}:{line}" for line in (2, 5, 6, 7)]
        assert [type(item) for item in found] == [ReadArticle, ReadFailure, ReadFailure, ReadArticle]
        assert isinstance(found[1], ReadFailure)
        assert "3 values for 2 columns" in found[1].reason

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ("title,body\na,b\n", "no column is named 'text'; the first row has: title, body"),
            ("", "no text"),
            ("text,text\na,b\n", "two columns"),
        ],
    )
    def test_a_file_without_its_text_is_one_failure(self, tmp_path: Path, content: str, reason: str) -> None:
        path = write(tmp_path / "a.csv", content)
        (failure,) = items(path)
        assert isinstance(failure, ReadFailure)
        assert (failure.where, reason in failure.reason) == (str(path), True)

    def test_a_header_alone_says_so(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.csv", "text,title\n")
        assert items(path) == [ReadWarning(str(path), "holds no articles")]

    def test_a_quote_never_closed_does_not_swallow_the_rest_in_silence(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.csv", 'text,title\ngood,t\n"open,t\nnext,t\n')
        good, failure = items(path)
        assert isinstance(good, ReadArticle)
        assert isinstance(failure, ReadFailure)
        assert failure.where == f"{path}:3"
        assert "never closed" in failure.reason

    def test_a_last_row_over_several_lines_is_fine(self, tmp_path: Path) -> None:
        assert [one.text for one in articles(write(tmp_path / "a.csv", 'text\n"a\nb"'))] == ["a\nb"]

    def test_an_over_long_line_ends_the_file_with_a_failure(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.csv", "text\ngood\n" + "x" * (MAX_TEXT + 100_000) + "\nlast\n")
        good, failure = items(path)
        assert isinstance(good, ReadArticle)
        assert isinstance(failure, ReadFailure)
        assert failure.where == f"{path}:3"

    def test_an_over_long_value_of_many_lines_does_too(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.csv", 'text\n"' + "line\n" * (MAX_TEXT // 4))
        (failure,) = items(path)
        assert isinstance(failure, ReadFailure)
        assert "rest of the file was not read" in failure.reason


class TestFolders:
    def test_all_in_order_but_hidden_and_unknown_files(self, tmp_path: Path) -> None:
        for name in ("b.txt", "a/z.md", "a/c.txt", ".hidden.txt", ".git/x.txt", "image.png", "notes.txt~"):
            write(tmp_path / name, name)
        assert [article.text for article in articles(tmp_path)] == ["b.txt", "a/c.txt", "a/z.md"]

    def test_what_is_named_must_be_readable(self, tmp_path: Path) -> None:
        paths = [
            tmp_path / "missing.txt",
            write(tmp_path / "x.docx", "x"),
            write(tmp_path / "README", "x"),
            tmp_path / ("n" * 300),
        ]
        found = items(*paths)
        assert [item.where for item in found] == [str(path) for path in paths]
        reasons = [item.reason for item in found if isinstance(item, ReadFailure)]
        assert reasons[0] == "there is no such file or folder"
        assert ".jsonl" in reasons[1]
        assert "no suffix" in reasons[2]

    def test_pipes_and_broken_links_are_failures(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.txt")
        (tmp_path / "link.txt").symlink_to(tmp_path / "gone.txt")
        assert [type(item) for item in items(tmp_path)] == [ReadFailure, ReadFailure]

    def test_a_name_that_is_no_text_can_be_shown(self, tmp_path: Path) -> None:
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.txt"))
        write(path, "")
        (failure,) = items(tmp_path)
        assert failure.where.encode().endswith(b"\\xff.txt")


def test_authors_in_one_string() -> None:
    assert split_authors("Brandt, Lena; Maale, Petra") == ("Brandt, Lena", "Maale, Petra")
    assert split_authors("Lena Brandt, Petra Maale") == ("Lena Brandt", "Petra Maale")
    assert split_authors("Brandt, Lena") == ("Brandt, Lena",)
    assert split_authors(" ") == ()


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    suffix=st.sampled_from([".txt", ".md", ".jsonl", ".csv", ".txt.gz", ".jsonl.gz"]),
    content=st.binary(max_size=300) | st.text().map(str.encode),
)
def test_no_file_is_without_a_verdict(tmp_path: Path, suffix: str, content: bytes) -> None:
    assert items(write(tmp_path / f"fuzz{suffix}", content))


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    record=st.dictionaries(
        st.sampled_from(["text", "title", "url", "published", "source", "authors", "id"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text() | st.integers()),
    )
)
def test_no_record_is_without_a_verdict(tmp_path: Path, record: dict[str, object]) -> None:
    found = items(jsonl(tmp_path / "fuzz.jsonl", record))
    assert isinstance(found[-1], ReadArticle | ReadFailure)
    for item in found:
        if isinstance(item, ReadArticle):
            assert item.article.fingerprint
            assert item.article.text == item.article.text.strip() != ""
