from __future__ import annotations

import inspect
import json
from collections.abc import Iterator

import pytest

import api.errors as shapes
from api.errors import EXIT_CODES, HTTP_ERRORS, Failure, UnsupportedError, exit_code, failure_of
from qa import errors
from qa.errors import DatelineError, InputError, ModelRateLimitError


def _tree(kind: type[DatelineError] = DatelineError) -> Iterator[type[DatelineError]]:
    yield kind
    for child in kind.__subclasses__():
        # Tests of other modules make classes of their own.
        if child.__module__ in (errors.__name__, shapes.__name__):
            yield from _tree(child)


TREE = sorted(set(_tree()), key=lambda kind: kind.__name__)


def _make(kind: type[DatelineError]) -> DatelineError:
    needs_param = "param" in inspect.signature(kind).parameters
    return UnsupportedError("it failed", param="n") if needs_param else kind("it failed")


def test_the_tables_list_only_what_exists() -> None:
    assert len(TREE) > 20
    assert set(HTTP_ERRORS) <= set(TREE)
    assert set(EXIT_CODES) <= set(TREE)


@pytest.mark.parametrize("kind", TREE)
def test_every_error_has_a_status_of_its_own_choosing(kind: type[DatelineError]) -> None:
    assert kind in HTTP_ERRORS, "decide its HTTP status"
    failure = failure_of(_make(kind))
    assert (failure.status, failure.title) == HTTP_ERRORS[kind]
    assert 400 <= failure.status < 600
    assert failure.code == kind.code
    assert failure.kind == f"urn:dateline:error:{kind.code}"


@pytest.mark.parametrize("kind", TREE)
def test_every_error_has_an_exit_code_of_the_contract(kind: type[DatelineError]) -> None:
    expected = {
        **dict.fromkeys(["usage", "settings", "filter", "question", "unsupported_parameter", "model_not_found"], 2),
        **dict.fromkeys(["home", "home_in_use", "home_version", "embedding_mismatch"], 4),
        **dict.fromkeys(["store_unreachable", "model", "model_missing", "model_auth", "model_rate_limit"], 5),
        **dict.fromkeys(["model_timeout", "model_unreachable", "model_reply"], 5),
        **dict.fromkeys(["internal", "listen", "job_failed", "input", "not_found", "store", "vectors_damaged"], 1),
    }
    assert exit_code(_make(kind)) == expected[kind.code]


def test_exit_codes_of_what_is_no_error_of_ours() -> None:
    assert exit_code(KeyboardInterrupt()) == 130
    assert exit_code(ValueError("bug")) == 1


def test_a_new_error_counts_as_its_nearest_parent() -> None:
    class QuotaError(ModelRateLimitError):
        code = "quota"

    failure = failure_of(QuotaError("used up"))
    assert (failure.status, failure.code) == (503, "quota")
    assert exit_code(QuotaError("used up")) == 5


def test_a_problem_document_has_every_member_and_errors_only_when_there_are_some() -> None:
    problem = failure_of(InputError("no text", where="a.csv:3")).problem("r1")
    assert problem == {
        "type": "urn:dateline:error:input",
        "title": "Unreadable input",
        "status": 422,
        "detail": "a.csv:3: no text",
        "code": "input",
        "hint": None,
        "request_id": "r1",
    }
    failure = Failure(422, "Invalid request", "q: Field required", "validation", fields=(("q", "Field required"),))
    assert failure.problem("r1")["errors"] == [{"field": "q", "message": "Field required"}]


def test_openai_s_shape_carries_the_hint_in_the_message() -> None:
    failure = failure_of(UnsupportedError("n is not supported.", param="n", hint="Leave it out."))
    assert failure.openai() == {
        "error": {
            "message": "n is not supported. Leave it out.",
            "type": "invalid_request_error",
            "param": "n",
            "code": "unsupported_parameter",
        }
    }
    assert json.dumps(failure.openai())
    assert Failure(502, "", "It failed", "model").openai()["error"]["type"] == "api_error"
    assert Failure(422, "", "", "question").openai_status == 400
    assert Failure(404, "", "", "model_not_found").openai_status == 404


@pytest.mark.parametrize(("seconds", "header"), [(0.2, "1"), (7.4, "7"), (90, "90")])
def test_retry_after_is_in_whole_seconds(seconds: float, header: str) -> None:
    failure = failure_of(ModelRateLimitError("too many", retry_after=seconds))
    assert dict(failure.headers) == {"Retry-After": header}
