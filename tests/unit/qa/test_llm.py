from __future__ import annotations

import pytest

from qa.errors import (
    DatelineError,
    ModelAuthError,
    ModelMissingError,
    ModelRateLimitError,
    ModelReplyError,
    ModelTimeoutError,
    ModelUnreachableError,
    SettingsError,
)
from qa.llm import ChatModel, ModelConfig
from qa.prompt import Message

ASK = [Message("user", "Who came?")]


@pytest.mark.parametrize(
    ("spec", "provider", "name"),
    [
        ("openai:gpt-5-mini", "openai", "gpt-5-mini"),
        ("ollama:qwen2.5:1.5b", "ollama", "qwen2.5:1.5b"),
        ("qwen2.5", "openai", "qwen2.5"),
    ],
)
def test_a_model_is_named_by_provider_and_name(spec: str, provider: str, name: str) -> None:
    config = ModelConfig(spec)
    assert (config.provider, config.name) == (provider, name)


def test_a_name_alone_needs_a_base_url() -> None:
    with pytest.raises(SettingsError, match="names no provider"):
        ChatModel(ModelConfig("qwen2.5"))
    ChatModel(ModelConfig("qwen2.5", base_url="http://127.0.0.1:1/v1"))


class _Response:
    def __init__(self, **headers: str) -> None:
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def _provider_error(kind: str, text: str = "told", **told: object) -> Exception:
    error: Exception = type(kind, (Exception,), {})(text)
    for name, value in told.items():
        setattr(error, name, value)
    return error


@pytest.mark.parametrize(
    ("error", "renamed"),
    [
        (TimeoutError(), ModelTimeoutError),
        (_provider_error("APITimeoutError"), ModelTimeoutError),
        (_provider_error("AuthenticationError", status_code=401), ModelAuthError),
        (_provider_error("PermissionDenied", status_code=403), ModelAuthError),
        (_provider_error("RateLimitError", status_code=429), ModelRateLimitError),
        (_provider_error("NotFoundError", status_code=404), ModelMissingError),
        (_provider_error("APIConnectionError"), ModelUnreachableError),
        (ConnectionRefusedError("refused"), ModelUnreachableError),
        (_provider_error("InternalServerError", status_code=500), ModelReplyError),
        (ValueError("no generations"), ModelReplyError),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else type(value).__name__,
)
async def test_every_providers_error_gets_our_name(error: Exception, renamed: type[DatelineError]) -> None:
    model = _failing(error)
    with pytest.raises(renamed) as caught:
        await anext(model.stream(ASK))
    assert type(caught.value) is renamed
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("1.5", 1.5),
        ("0", 0.0),
        ("", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("-3", None),
        ("²", None),
        ("inf", None),
    ],
)
async def test_retry_after_is_read_when_it_counts_seconds(header: str, seconds: float | None) -> None:
    model = _failing(_provider_error("RateLimitError", status_code=429, response=_Response(retry_after=header)))
    with pytest.raises(ModelRateLimitError) as caught:
        await anext(model.stream(ASK))
    assert caught.value.retry_after == seconds


async def test_an_unknown_provider_is_a_matter_of_settings() -> None:
    model = ChatModel(ModelConfig("nosuch:model"))
    with pytest.raises((SettingsError, ModelMissingError), match="nosuch"):
        await anext(model.stream(ASK))


async def test_a_provider_that_is_not_installed_is_named_with_the_way_to_install_it() -> None:
    model = ChatModel(ModelConfig("mistralai:small"))
    with pytest.raises(ModelMissingError, match="mistral") as caught:
        await anext(model.stream(ASK))
    assert "pip install" in caught.value.hint


async def test_a_missing_key_names_the_setting() -> None:
    model = ChatModel(ModelConfig("openai:gpt-5-mini"))
    with pytest.raises(ModelAuthError) as caught:
        await anext(model.stream(ASK))
    assert "DATELINE_MODEL_API_KEY" in caught.value.hint


def _failing(error: Exception) -> ChatModel:
    class Replies:
        async def __anext__(self) -> object:
            raise error

        async def aclose(self) -> None:
            """Nothing is open."""

    class Provider:
        def astream(self, _prompt: object) -> Replies:
            return Replies()

    model = ChatModel(ModelConfig("openai:scripted", retries=0))
    model._model = Provider()
    return model
