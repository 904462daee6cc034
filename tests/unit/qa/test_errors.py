from __future__ import annotations

import re

import pytest

from qa import errors
from qa.errors import DatelineError, HomeInUseError, InputError, ModelAuthError, ModelRateLimitError


def _all(base: type[DatelineError]) -> list[type[DatelineError]]:
    return [base, *(deeper for child in base.__subclasses__() for deeper in _all(child))]


FAMILY = [one for one in _all(DatelineError) if one.__module__ == errors.__name__]


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = re.findall(r"^( *(?:[│├└─ ]*))([A-Z]\w+Error)\b", errors.__doc__ or "", re.MULTILINE)
    depth = {name: (len(lead) - 4) // 4 for lead, name in drawn}
    assert depth == {one.__name__: len(one.__mro__) - DatelineError.__mro__.__len__() for one in FAMILY}


def test_codes_are_stable_names_of_their_own() -> None:
    codes = [one.code for one in FAMILY]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z_]+", code) for code in codes)


@pytest.mark.parametrize("kind", FAMILY, ids=lambda kind: kind.__name__)
def test_a_message_is_what_is_printed_and_a_hint_replaces_the_default(kind: type[DatelineError]) -> None:
    error = kind("something broke", hint="do this")
    assert str(error) == "something broke"
    assert error.message == "something broke"
    assert error.hint == "do this"
    assert kind("x", hint="").hint == ""


def test_hints_name_the_way_out() -> None:
    assert "--server" in HomeInUseError("held").hint
    assert "DATELINE_MODEL_API_KEY" in ModelAuthError("no").hint


def test_an_input_error_says_where() -> None:
    error = InputError("no text", where="news.jsonl:3")
    assert (str(error), error.where, error.reason) == ("news.jsonl:3: no text", "news.jsonl:3", "no text")
    assert str(InputError("no text")) == "no text"


def test_only_what_may_pass_is_worth_another_try() -> None:
    assert ModelRateLimitError("slow down", retry_after=2.5).retry_after == 2.5
    assert ModelRateLimitError.retryable
    assert not ModelAuthError.retryable
