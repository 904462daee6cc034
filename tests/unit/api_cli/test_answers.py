"""Answer files appear whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.files.answers import check_answers_path, write_answers
from qa.batch import Result
from qa.errors import InputError, UsageError

ROWS = [
    Result("1", "Wer sagt „ja“?\u2028", {"text": "x"}, None, "k1"),
    Result("b", "q", None, {"code": "model_timeout", "message": "late"}, "k2"),
]


def test_a_row_a_line_in_the_order_given(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("old")
    write_answers(path, ROWS)
    lines = path.read_text(encoding="utf-8").split("\n")
    assert [json.loads(line) for line in lines[:-1]] == [row.to_json() for row in ROWS]
    assert lines[-1] == ""
    assert "„ja“" in lines[0]


def test_no_rows_are_an_empty_file(tmp_path: Path) -> None:
    write_answers(tmp_path / "a.jsonl", [])
    assert (tmp_path / "a.jsonl").read_bytes() == b""


def test_a_failure_on_the_way_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("old")

    def torn() -> Iterator[Result]:
        yield ROWS[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_answers(path, torn())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.jsonl").write_text("old")
    link = tmp_path / "a.jsonl"
    link.symlink_to("real.jsonl")
    write_answers(link, ROWS)
    assert link.is_symlink()
    assert len((tmp_path / "real.jsonl").read_text().splitlines()) > 1


def test_others_may_read_it_as_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_answers(tmp_path / "a.jsonl", ROWS)
    finally:
        os.umask(before)
    assert (tmp_path / "a.jsonl").stat().st_mode & 0o777 == 0o644


def test_half_a_character_does_not_stop_the_file(tmp_path: Path) -> None:
    write_answers(tmp_path / "a.jsonl", [Result("1", "\ud83d", None, None, "k")])
    assert json.loads((tmp_path / "a.jsonl").read_text())["question"] == "\ud83d"


def test_a_folder_that_is_gone_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_answers(tmp_path / "gone" / "a.jsonl", ROWS)


@pytest.mark.parametrize(
    ("name", "message"), [("a.doc", r"\.jsonl"), ("a", r"\.jsonl"), ("no/a.jsonl", "no directory")]
)
def test_an_output_that_cannot_be_is_refused_at_once(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_answers_path(tmp_path / name)


def test_a_folder_is_no_output(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").mkdir()
    with pytest.raises(UsageError, match="directory"):
        check_answers_path(tmp_path / "a.jsonl")
