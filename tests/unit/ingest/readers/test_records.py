"""JSON, tables and standard input: what names, orders and shapes they may come in."""

from __future__ import annotations

import gzip
import io
import json
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ingest.published import DateOrder
from ingest.readers import Item, ReadArticle, ReadFailure, ReadWarning, parse_map, read
from ingest.readers.json_file import read_json
from ingest.readers.jsonl import read_jsonl
from ingest.readers.page import read_page
from ingest.readers.parquet import read_parquet
from ingest.readers.pdf import read_pdf
from ingest.readers.plain import read_plain
from ingest.readers.stdin import sniff
from qa.errors import UsageError
from qa.models import Article

TODAY = date(2025, 7, 1)


def items(path: Path, content: str | bytes, fields: Mapping[str, str] | None = None) -> list[Item]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read([path], today=TODAY, fields=fields))


def articles(found: list[Item]) -> list[Article]:
    return [item.article for item in found if isinstance(item, ReadArticle)]


def failures(found: list[Item]) -> list[tuple[str, str]]:
    return [(item.where.rpartition("/")[2], item.reason) for item in found if isinstance(item, ReadFailure)]


class TestMap:
    def test_parse(self) -> None:
        assert parse_map(["text=body", " published = date=x "]) == {"text": "body", "published": "date=x"}
        assert parse_map([]) == {}

    @pytest.mark.parametrize(
        ("pairs", "message"),
        [(["text"], "which field"), (["text="], "which field"), (["body=text"], "no field 'body'"),
         (["text=a", "text=b"], "twice")],
    )  # fmt: skip
    def test_what_makes_no_sense_is_refused(self, pairs: list[str], message: str) -> None:
        with pytest.raises(UsageError, match=message):
            parse_map(pairs)

    @pytest.mark.parametrize(
        ("name", "content"),
        [("a.jsonl", '{"Body": "Long.", "text": "Short.", "when": "2025-01-02"}'),
         ("a.json", '{"Body": "Long.", "text": "Short.", "when": "2025-01-02"}'),
         ("a.csv", "text,BODY,When\nShort.,Long.,2025-01-02\n"),
         ("a.tsv", "text\tBODY\tWhen\nShort.\tLong.\t2025-01-02\n")],
    )  # fmt: skip
    def test_fields_are_found_under_the_names_given(self, tmp_path: Path, name: str, content: str) -> None:
        (article,) = articles(items(tmp_path / name, content, {"text": "Body", "published": "when"}))
        assert (article.text, article.published) == ("Long.", date(2025, 1, 2))

    def test_a_name_that_is_not_there_is_said(self, tmp_path: Path) -> None:
        assert failures(items(tmp_path / "a.jsonl", '{"text": "x"}', {"text": "body"})) == [
            ("a.jsonl:1", "field 'body' is missing")
        ]
        ((_, reason),) = failures(items(tmp_path / "a.csv", "text\nx\n", {"text": "body"}))
        assert "no column is named 'body'" in reason


class TestJson:
    @pytest.mark.parametrize(
        ("content", "texts"),
        [('[{"text": "a"}, {"text": "b"}]', "ab"), ('{"text": "a"}', "a"), ('{"text": "a"}\n{"text": "b"}\n', "ab"),
         (' [ ] ', ""), ('\ufeff[{"text":"a"}]', "a"), ('[{"text": "' + "é" * 200_000 + '"},{"text":"b"}]', None)],
    )  # fmt: skip
    def test_shapes(self, tmp_path: Path, content: str, texts: str | None) -> None:
        found = [article.text for article in articles(items(tmp_path / "a.json", content))]
        assert found == (["é" * 200_000, "b"] if texts is None else list(texts))

    def test_utf16(self, tmp_path: Path) -> None:
        assert articles(items(tmp_path / "a.json", '[{"text": "ä"}]'.encode("utf-16")))[0].text == "ä"

    def test_an_object_that_is_none_is_one_failure(self, tmp_path: Path) -> None:
        found = items(tmp_path / "a.json", '[{"text": "a"}, 7, {"title": "t"}, {"text": "b"}]')
        assert [article.text for article in articles(found)] == ["a", "b"]
        assert failures(found) == [("a.json#2", "not a JSON object"), ("a.json#3", "field 'text' is missing")]

    @pytest.mark.parametrize(
        ("content", "reason"),
        [('[{"text": "a"}, {"text": ', "not valid JSON"), ('[{"text": "a"}', "never closed"),
         ('[{"text": "a"} {"text": "b"}]', "comma is missing"), ('[{"text": "a"}] x', "follows the array"),
         ('[{"text": "a"}, ' + "[" * 100_000, "brackets too deep")],
    )  # fmt: skip
    def test_damage_ends_the_file(self, tmp_path: Path, content: str, reason: str) -> None:
        found = items(tmp_path / "a.json", content)
        assert [article.text for article in articles(found)] == ["a"]
        ((_, said),) = failures(found)
        assert reason in said
        assert "rest of the file was not read" in said

    def test_an_empty_file_is_said(self, tmp_path: Path) -> None:
        (warning,) = items(tmp_path / "a.json", " ")
        assert isinstance(warning, ReadWarning)


class TestParquet:
    def test_damaged(self, tmp_path: Path) -> None:
        ((_, reason),) = failures(items(tmp_path / "a.parquet", b"PAR1 nothing PAR1"))
        assert "not a Parquet file" in reason

    def test_without_the_extra_the_way_to_it_is_said(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        ((_, reason),) = failures(items(tmp_path / "a.parquet", b"PAR1"))
        assert "dateline[parquet]" in reason


class TestDateOrder:
    ROWS = "text,source,published\nA.,S,03/04/2025\nB.,S,{proof}\nC.,T,03/04/2025\n"

    def days(self, tmp_path: Path, proof: str, order: DateOrder = "auto") -> list[date | None]:
        path = tmp_path / "a.csv"
        path.write_text(self.ROWS.format(proof=proof))
        return [one.published for one in articles(list(read([path], today=TODAY, date_order=order)))]

    def test_the_sources_other_dates_decide_for_it_alone(self, tmp_path: Path) -> None:
        assert self.days(tmp_path, "25/04/2025") == [date(2025, 4, 3), date(2025, 4, 25), None]
        assert self.days(tmp_path, "04/25/2025") == [date(2025, 3, 4), date(2025, 4, 25), None]

    def test_evidence_against_itself_decides_nothing(self, tmp_path: Path) -> None:
        both = "25/04/2025\nD.,S,04/25/2025"
        assert self.days(tmp_path, both) == [None, date(2025, 4, 25), date(2025, 4, 25), None]

    def test_the_setting_decides_for_all(self, tmp_path: Path) -> None:
        assert self.days(tmp_path, "04/25/2025", "dmy") == [date(2025, 4, 3), date(2025, 4, 25), date(2025, 4, 3)]

    def test_a_header_goes_by_the_setting(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_text("date: 03/04/2025\n\nBody.")
        assert articles(list(read([path], today=TODAY, date_order="mdy")))[0].published == date(2025, 3, 4)


def test_entities_are_read_in_titles_and_kept_in_texts(tmp_path: Path) -> None:
    record = {
        "text": "A &amp; B",
        "title": "It&#8217;s R&D &amp; more",
        "authors": ["A&nbsp;B"],
        "source": "X &lt;Y&gt;",
    }
    (article,) = articles(items(tmp_path / "a.jsonl", json.dumps(record)))
    assert (article.text, article.title, article.authors) == ("A &amp; B", "It’s R&D & more", ("A B",))
    assert article.source == "X <Y>"


class TestStdin:
    @pytest.mark.parametrize(
        ("sample", "reader"),
        [
            (b' {"text": "a"}\n{"text": "b"}', read_jsonl),
            (b'{\n "text": "a"\n}', read_json),
            (b'[{"text": 1}]', read_json),
            (b"\n<!DOCTYPE html><p>x", read_page),
            (b"<?xml version='1.0'?><html>", read_page),
            (b"%PDF-1.4", read_pdf),
            (b"PAR1", read_parquet),
            (b"date 2025-01-01 Body", read_plain),
            (b"", read_plain),
            (b"\x00\xff", read_plain),
            (b"[Updated] The mayor", read_plain),
            (b"{sic} he wrote", read_plain),
            (b"< 5 degrees", read_plain),
            ('{"text": "' + "é" * 40_000, read_jsonl),
        ],
    )
    def test_sniffed(self, sample: bytes | str, reader: Any) -> None:
        assert sniff(sample.encode()[: 64 * 1024] if isinstance(sample, str) else sample) is reader

    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    def test_read(self, monkeypatch: pytest.MonkeyPatch, pack: Any) -> None:
        lines = b'{"body": "A.", "published": "03/04/2025"}\n{"body": "B.", "published": "25/04/2025"}\n'
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(pack(lines))))
        found = articles(list(read([Path("-")], today=TODAY, fields={"text": "body"})))
        assert [(one.text, one.published) for one in found] == [("A.", date(2025, 4, 3)), ("B.", date(2025, 4, 25))]


class TestPdf:
    @pytest.mark.parametrize("content", [b"", b"%PDF-1.4", b"%PDF-1.7\n" + b"\xff" * 2000, b"no pdf at all"])
    def test_broken(self, tmp_path: Path, content: bytes) -> None:
        ((_, reason),) = failures(items(tmp_path / "a.pdf", content))
        assert "not a PDF that can be read" in reason
