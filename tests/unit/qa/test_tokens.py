from __future__ import annotations

from pathlib import Path

import pytest
import tiktoken
import tiktoken.registry
from hypothesis import given
from hypothesis import strategies as st

from qa import tokens
from qa.tokens import estimate_tokens, openai_counter


@given(st.text(max_size=500), st.text(max_size=500))
def test_a_longer_text_is_never_estimated_shorter(one: str, other: str) -> None:
    assert estimate_tokens(one) <= estimate_tokens(one + other)
    assert estimate_tokens(one) >= 1


def test_other_scripts_take_more_tokens_a_letter() -> None:
    assert estimate_tokens("Россия") > estimate_tokens("Russia")
    assert estimate_tokens("俄罗斯") >= 2
    assert estimate_tokens("\ud800") >= 1


@pytest.mark.parametrize("model", ["gpt-5-mini", "gpt-4o", "gpt-3.5-turbo"])
def test_an_encoding_that_is_not_here_is_not_fetched(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where it were tried, the suite's guard against sockets would raise.
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    assert openai_counter(model) is None


def test_another_makers_model_has_no_counter_of_openais() -> None:
    assert openai_counter("qwen3") is None


def test_an_encoding_that_is_here_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    letters = tiktoken.Encoding(
        "o200k_base",
        pat_str=".",
        mergeable_ranks={bytes([byte]): byte for byte in range(256)},
        special_tokens={"<|endoftext|>": 256},
    )
    # Stands for the file that tiktoken keeps, which is too large to be here.
    monkeypatch.setitem(tiktoken.registry.ENCODINGS, "o200k_base", letters)
    monkeypatch.setattr(tokens, "_cached", lambda encoding: encoding == "o200k_base")
    count = openai_counter("gpt-5-mini")
    assert count is not None
    assert count("Who?") == 4
    # Text that spells a special token is counted like any other.
    assert count("<|endoftext|>") == 13


def test_where_tiktoken_keeps_its_files_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tiktoken.load import read_file_cached

    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("tiktoken.load.read_file", lambda _url: b"content")
    assert not tokens._cached("o200k_base")
    read_file_cached(tokens._ENCODING_URL.format("o200k_base"))
    assert tokens._cached("o200k_base")
    assert not tokens._cached("cl100k_base")
