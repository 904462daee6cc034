"""What people read is never obeyed by a terminal, and JSON is one document whatever it holds."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cli.output import as_json, complain, note, one_line, safe, stdout, warn

HOSTILE = (
    "\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\ "
    "\x9b2Jgone \x07\x08\x00 \u202eabc\u2066"
)


def test_escape_sequences_go_whole() -> None:
    assert one_line(HOSTILE) == "red link gone abc"


@pytest.mark.parametrize("text", ["", "Straße “quoted” – שלום 日本語 🎉", "tab\tand\nline", "[bold]not markup[/bold]"])
def test_ordinary_text_stays(text: str) -> None:
    assert safe(text) == text


def test_windows_line_ends_become_line_feeds() -> None:
    assert safe("a\r\nb\rc") == "a\nbc"


@given(st.text())
def test_nothing_that_controls_is_left(text: str) -> None:
    left = {char for char in safe(text) if unicodedata.category(char) == "Cc"}
    assert left <= {"\n", "\t"}
    assert not left - {"\n"} or "\t" in text


@given(st.text(), st.sampled_from("\x1b\x9b\x07[]"))
def test_safe_text_is_safe_when_asked_again(text: str, extra: str) -> None:
    once = safe(extra + text)
    assert safe(once) == once


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner), max_leaves=5))
def test_json_is_the_same_value_and_controls_nothing(value: object) -> None:
    text = as_json(value)
    assert json.loads(text) == value
    assert not [char for char in text if unicodedata.category(char) in ("Cc", "Zl", "Zp", "Cs") and char != "\n"]


def test_json_keeps_ordinary_letters() -> None:
    assert as_json({"é": "“日本”"}) == '{\n  "é": "“日本”"\n}'


def test_messages_are_one_line_each_and_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    complain("it [red]broke[/red]\nin two\x1b[2J", "try [again]")
    warn("careful :smile:")
    note("by the way")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "Error: it [red]broke[/red] in two\nHint: try [again]\nWarning: careful :smile:\nby the way\n"


def test_long_lines_are_not_cut_when_piped(capsys: pytest.CaptureFixture[str]) -> None:
    stdout().print("word " * 100 + "[link=x]")
    assert capsys.readouterr().out == "word " * 100 + "[link=x]\n"
