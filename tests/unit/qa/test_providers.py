from __future__ import annotations

from typing import Any

import pytest
from langchain_core import exceptions

from qa.errors import (
    ModelAuthError,
    ModelError,
    ModelMissingError,
    ModelRateLimitError,
    ModelReplyError,
    ModelTimeoutError,
    ModelUnreachableError,
    SettingsError,
)
from qa.llm import ModelConfig, Piece, Sampling
from qa.models import Usage
from qa.prompt import Message
from qa.providers import ProviderBackend, _options, _wished, renamed, retry_after

ASK = [Message("user", "Who came?")]
OPENAI = ModelConfig("openai:scripted")
SAMPLING = Sampling(0.0, 800)


class _Response:
    def __init__(self, **headers: str) -> None:
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def _provider_error(kind: str, text: str = "told", **told: object) -> Exception:
    error: Exception = type(kind, (Exception,), {})(text)
    for name, value in told.items():
        setattr(error, name, value)
    return error


def _wrapped(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind", "passes"),
    [
        (TimeoutError(), ModelTimeoutError, True),
        (_provider_error("APITimeoutError"), ModelTimeoutError, True),
        (_wrapped(_provider_error("APITimeoutError"), _provider_error("ConnectTimeout")), ModelUnreachableError, True),
        (_provider_error("AuthenticationError", status_code=401), ModelAuthError, False),
        (_provider_error("PermissionDenied", status_code=403), ModelAuthError, False),
        (_provider_error("RateLimitError", status_code=429), ModelRateLimitError, True),
        (_provider_error("RateLimitError", status_code=429, code="insufficient_quota"), ModelRateLimitError, False),
        (_provider_error("NotFoundError", status_code=404), ModelMissingError, False),
        (_provider_error("APIConnectionError"), ModelUnreachableError, True),
        (ConnectionRefusedError("refused"), ModelUnreachableError, True),
        (_provider_error("InternalServerError", status_code=500), ModelReplyError, True),
        (_provider_error("BadRequestError", status_code=400), ModelReplyError, False),
        (ValueError("no generations"), ModelReplyError, True),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else type(value).__name__,
)
def test_every_providers_error_gets_our_name(error: Exception, kind: type[ModelError], passes: bool) -> None:
    told = renamed(error, OPENAI)
    assert (type(told), told.retryable) == (kind, passes)


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        (exceptions.ModelAuthenticationError, ModelAuthError),
        (exceptions.ModelPermissionDeniedError, ModelAuthError),
        (exceptions.ModelNotFoundError, ModelMissingError),
        (exceptions.ModelRateLimitError, ModelRateLimitError),
        (exceptions.ModelConnectionError, ModelUnreachableError),
        (exceptions.ModelTimeoutError, ModelTimeoutError),
        (exceptions.ModelAPIError, ModelReplyError),
    ],
)
def test_langchains_own_classes_are_known(kind: type[Exception], named: type[ModelError]) -> None:
    class OfAProvider(kind):  # type: ignore[misc, valid-type]
        """Without a status."""

    for error in (kind("told"), OfAProvider("told")):
        assert type(renamed(error, OPENAI)) is named


@pytest.mark.parametrize("kind", [exceptions.ModelInvalidRequestError, exceptions.ContextOverflowError])
def test_a_request_that_was_refused_is_not_repeated(kind: type[Exception]) -> None:
    assert not renamed(kind("told"), OPENAI).retryable


def test_what_has_a_name_of_ours_keeps_it() -> None:
    ours = ModelReplyError("told")
    assert renamed(ours, OPENAI) is ours


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "1.5"}, 1.5),
        ({"retry_after": "0"}, 0.0),
        ({"retry_after_ms": "250", "retry_after": "1"}, 0.25),
        ({"retry_after": "Wed, 21 Oct 2026 07:28:09 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 9.0),
        ({"retry_after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:29:00 GMT"}, 0.0),
        ({"retry_after": "Wed, 21 Oct 1998 07:28:00 GMT"}, 0.0),
        ({"retry_after": "Wed, 21 Oct 2026 07:28:09 -0000", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 9.0),
        ({"retry_after": ""}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "-3"}, None),
        ({"retry_after": "²"}, None),
        ({"retry_after": "inf"}, None),
        ({"retry_after": "Wed, 99 Oct 2026 07:28:00 GMT"}, None),
        ({}, None),
    ],
    ids=str,
)
def test_retry_after_is_read_in_seconds_and_as_a_date(headers: dict[str, str], seconds: float | None) -> None:
    error = _provider_error("RateLimitError", status_code=429, response=_Response(**headers))
    assert retry_after(error) == seconds
    told = renamed(error, OPENAI)
    assert isinstance(told, ModelRateLimitError)
    assert told.retry_after == seconds


def test_a_date_far_ahead_is_that_far_ahead() -> None:
    error = _provider_error("RateLimitError", response=_Response(retry_after="Wed, 21 Oct 2199 07:28:00 GMT"))
    assert (retry_after(error) or 0) > 365 * 24 * 3600


async def test_an_unknown_provider_is_a_matter_of_settings() -> None:
    with pytest.raises((SettingsError, ModelMissingError), match="nosuch"):
        await anext(ProviderBackend(ModelConfig("nosuch:model")).stream(ASK, SAMPLING))


async def test_a_provider_that_is_not_installed_is_named_with_the_way_to_install_it() -> None:
    with pytest.raises(ModelMissingError, match="mistral") as caught:
        await anext(ProviderBackend(ModelConfig("mistralai:small")).stream(ASK, SAMPLING))
    assert "pip install" in caught.value.hint


async def test_a_missing_key_names_the_setting() -> None:
    with pytest.raises(ModelAuthError) as caught:
        await anext(ProviderBackend(ModelConfig("openai:gpt-5-mini")).stream(ASK, SAMPLING))
    assert "DATELINE_MODEL_API_KEY" in caught.value.hint


def test_ollama_is_told_how_long_prompts_are() -> None:
    told = _options(ModelConfig("ollama:x", base_url="http://127.0.0.1:1", prompt_tokens=3000, max_output_tokens=500))
    assert (told["num_ctx"], told["num_predict"], told["base_url"]) == (3500, 500, "http://127.0.0.1:1")
    assert "max_tokens" not in told


class _Chunk:
    def __init__(self, text: str = "", metadata: dict[str, Any] | None = None, usage: dict[str, int] | None = None):
        self.text = text
        self.response_metadata = metadata or {}
        self.usage_metadata = usage


def test_what_one_question_wishes_is_said_in_each_providers_words() -> None:
    wished = Sampling(0.5, 90)
    openai = {"temperature": 0.5, "max_tokens": 90}
    assert _wished(ModelConfig("openai:x"), wished) == _wished(ModelConfig("anthropic:x"), wished) == openai
    assert _wished(ModelConfig("google_genai:x"), wished) == {"temperature": 0.5, "max_output_tokens": 90}
    # These replace all that Ollama was told, the length of its context too.
    ollama = ModelConfig("ollama:x", prompt_tokens=3000, max_output_tokens=500)
    assert _wished(ollama, wished) == {"options": {"temperature": 0.5, "num_predict": 90, "num_ctx": 3500}}
    assert _wished(ollama, Sampling(0.0, 500)) == {}


class _Chunks:
    """What a provider streams: chunks, and at the end perhaps an error."""

    def __init__(self, *chunks: _Chunk) -> None:
        self._chunks = list(chunks)
        self.closed = False

    def astream(self, _prompt: object, **_told: object) -> _Chunks:
        return self

    async def __anext__(self) -> _Chunk:
        if not self._chunks:
            raise StopAsyncIteration
        return self._chunks.pop(0)

    async def aclose(self) -> None:
        self.closed = True


def _streaming(spec: str, *chunks: _Chunk) -> tuple[ProviderBackend, _Chunks]:
    backend, told = ProviderBackend(ModelConfig(spec)), _Chunks(*chunks)
    backend._model = told
    return backend, told


@pytest.mark.parametrize(
    ("spec", "metadata", "reason"),
    [
        ("openai:x", {"finish_reason": "length"}, "length"),
        ("anthropic:x", {"stop_reason": "max_tokens"}, "max_tokens"),
        ("ollama:x", {"done_reason": "stop"}, "stop"),
        ("google_genai:x", {"finish_reason": "SAFETY"}, "safety"),
    ],
)
async def test_the_reason_for_ending_is_found_in_each_providers_words(
    spec: str, metadata: dict[str, Any], reason: str
) -> None:
    backend, told = _streaming(
        spec, _Chunk("So"), _Chunk(metadata=metadata, usage={"input_tokens": 3, "output_tokens": 1})
    )
    pieces = [piece async for piece in backend.stream(ASK, SAMPLING)]
    assert pieces == [Piece("So"), Piece("", reason, Usage(input_tokens=3, output_tokens=1))]
    assert told.closed


async def test_a_stream_without_an_end_was_cut() -> None:
    for spec in ("openai:x", "ollama:x", "anthropic:x", "google_genai:x"):
        backend, _ = _streaming(spec, _Chunk("So"))
        with pytest.raises(ModelReplyError, match="broke off"):
            _ = [piece async for piece in backend.stream(ASK, SAMPLING)]
    # Of others it is not known that they always say why they end.
    backend, _ = _streaming("mistralai:x", _Chunk("So"))
    assert [piece async for piece in backend.stream(ASK, SAMPLING)] == [Piece("So")]


async def test_leaving_early_closes_the_connection() -> None:
    backend, told = _streaming("openai:x", _Chunk("So"), _Chunk("what"))
    stream = backend.stream(ASK, SAMPLING)
    await anext(stream)
    await stream.aclose()
    assert told.closed
