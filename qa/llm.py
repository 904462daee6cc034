"""Chat models behind one small face: any provider LangChain knows, or any OpenAI-compatible server.

The one boundary where providers' errors are renamed. LangChain is imported when the first question is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

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
from qa.models import Usage
from qa.prompt import Message


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Which model and how. ``spec`` is ``PROVIDER:NAME``; ``timeout`` is for the whole reply, in seconds."""

    spec: str
    base_url: str | None = None
    api_key: str | None = None
    timeout: float = 60.0
    retries: int = 2
    temperature: float = 0.0
    max_output_tokens: int = 800

    @property
    def provider(self) -> str:
        """The part before the colon; ``openai`` when a base URL is given and no provider."""
        provider, colon, _ = self.spec.partition(":")
        return provider if colon else "openai"

    @property
    def name(self) -> str:
        """The part after the colon (which may hold further colons)."""
        return self.spec.partition(":")[2] or self.spec


class ChatModel:
    """One chat model. Raises ``SettingsError`` at once when it cannot be configured at all."""

    def __init__(self, config: ModelConfig) -> None:
        if ":" not in config.spec and config.base_url is None:
            raise SettingsError(
                f"DATELINE_MODEL: {config.spec!r} names no provider",
                hint="Write PROVIDER:NAME, e.g. openai:gpt-5-mini, or extractive.",
            )
        self.config = config
        self._model: Any = None

    async def stream(self, messages: Sequence[Message]) -> AsyncGenerator[str | Usage, None]:
        """Pieces of the reply's text as they arrive, and at the end the ``Usage`` when the provider tells.

        A failure that may pass is tried again while nothing has been received. Raises the ``ModelError`` family.
        """
        deadline = asyncio.get_running_loop().time() + self.config.timeout
        async for piece in self._with_retries(messages, deadline):
            yield piece

    async def _with_retries(self, messages: Sequence[Message], deadline: float) -> AsyncGenerator[str | Usage, None]:
        from tenacity import (
            AsyncRetrying,
            RetryCallState,
            retry_if_exception,
            wait_exponential,
            wait_random,
        )

        received = False
        backoff = wait_exponential(multiplier=0.5, max=10) + wait_random(0, 0.5)

        def may_pass(error: BaseException) -> bool:
            return isinstance(error, ModelError) and error.retryable and not received and not _refused(error)

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            told = error.retry_after if isinstance(error, ModelRateLimitError) else None
            return told if told is not None else backoff(state)

        def out_of_time(state: RetryCallState) -> bool:
            return asyncio.get_running_loop().time() + state.upcoming_sleep >= deadline

        attempts = AsyncRetrying(
            retry=retry_if_exception(may_pass),
            wait=wait,
            stop=lambda state: state.attempt_number > self.config.retries or out_of_time(state),
            reraise=True,
        )
        async for attempt in attempts:
            with attempt:
                async for piece in self._once(messages, deadline):
                    received = True
                    yield piece

    async def _once(self, messages: Sequence[Message], deadline: float) -> AsyncGenerator[str | Usage, None]:
        model = self._open()
        prompt = [(message.role, message.content) for message in messages]
        used = Usage()
        finished = self.config.provider != "openai"  # others name the reason for ending in ways of their own
        chunks = model.astream(prompt)
        try:
            while True:
                try:
                    async with asyncio.timeout_at(deadline):
                        chunk = await anext(chunks)
                except StopAsyncIteration:
                    break
                except asyncio.CancelledError:
                    raise
                except Exception as error:  # noqa: BLE001  every provider brings its own; they are renamed here
                    self._raise_renamed(error)
                finished = finished or bool(chunk.response_metadata.get("finish_reason"))
                if told := chunk.usage_metadata:
                    used = Usage(
                        input_tokens=used.input_tokens + told["input_tokens"],
                        output_tokens=used.output_tokens + told["output_tokens"],
                    )
                if text := chunk.text:
                    yield str(text)
        finally:
            await chunks.aclose()
        if not finished:
            # A connection closed half-way looks like an end: only the model can say that it has finished.
            raise ModelReplyError(f"{self.config.spec} broke off in the middle of its reply", hint="Try again.")
        if used != Usage():
            yield used

    def _open(self) -> Any:
        if self._model is None:
            from langchain.chat_models import init_chat_model

            config = self.config
            options: dict[str, Any] = {
                "temperature": config.temperature,
                "max_tokens": config.max_output_tokens,
                "timeout": config.timeout,
                "max_retries": 0,  # tenacity retries, above, and honours Retry-After
            }
            if config.base_url:
                options["base_url"] = config.base_url
            if config.api_key:
                options["api_key"] = config.api_key
            elif config.base_url and config.provider == "openai":
                options["api_key"] = (
                    _environment_key() or "none"
                )  # local servers ask for none, the client insists on one
            if config.provider == "openai":
                options |= {"stream_usage": True, "use_responses_api": False}
            try:
                self._model = init_chat_model(config.name, model_provider=config.provider, **options)
            except ImportError as error:
                raise ModelMissingError(
                    f"DATELINE_MODEL={config.spec} needs a package that is not installed: {error}",
                    hint=f"Run `pip install 'dateline[{config.provider}]'` (or the package named above).",
                ) from error
            except Exception as error:  # noqa: BLE001  providers check settings each in their own way
                self._raise_renamed(error, opening=True)
        return self._model

    def _raise_renamed(self, error: Exception, *, opening: bool = False) -> NoReturn:
        """Raise the ``ModelError`` that says what ``error`` means."""
        kind, status = type(error).__name__, getattr(error, "status_code", None)
        reason = " ".join(str(error).split())[:300]
        where = self.config.base_url or self.config.provider
        if isinstance(error, TimeoutError) or "Timeout" in kind:
            raise ModelTimeoutError(
                f"{self.config.spec} gave no complete reply within {self.config.timeout:g} s"
            ) from error
        if status in (401, 403) or (opening and "api_key" in reason.lower()):
            raise ModelAuthError(f"{where} refused the key for {self.config.spec}: {reason}") from error
        if status == 429:
            raise ModelRateLimitError(
                f"{where} is limiting requests: {reason}", retry_after=_retry_after(error)
            ) from error
        if status == 404:
            raise ModelMissingError(
                f"{where} knows no model {self.config.name!r}: {reason}",
                hint="Check DATELINE_MODEL and DATELINE_MODEL_BASE_URL.",
            ) from error
        if "Connect" in kind or isinstance(error, ConnectionError):
            raise ModelUnreachableError(f"{where} cannot be reached: {reason}") from error
        if opening:
            raise SettingsError(f"DATELINE_MODEL={self.config.spec} cannot be used: {reason}") from error
        raise ModelReplyError(f"{self.config.spec} failed: {reason}", hint="See the provider's message.") from error


def _environment_key() -> str | None:
    import os

    return os.environ.get("OPENAI_API_KEY")


def _refused(error: ModelError) -> bool:
    """Whether the provider found fault with the request itself: the same one would be refused again."""
    status = getattr(error.__cause__, "status_code", None)
    return isinstance(status, int) and 400 <= status < 500 and status not in {408, 409, 425, 429}


def _retry_after(error: Exception) -> float | None:
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    value = headers.get("retry-after", "")
    # The header may also be a date; then our own back-off serves.
    return float(value) if value.replace(".", "", 1).isdecimal() else None
