"""Chat models of other programs and machines, through LangChain: any provider it knows, any OpenAI-compatible server.

The one boundary where providers' errors are renamed. LangChain is imported when the first question is asked.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

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
from qa.llm import ModelConfig, Piece, Sampling
from qa.models import Usage
from qa.prompt import Message
from qa.tokens import Counter, estimate_tokens, openai_counter

_LONGEST_REASON = 300
_SAY_WHY_THEY_END = frozenset({"anthropic", "google_genai", "ollama", "openai"})
"""Providers whose every complete reply ends with a reason."""
_PASSING = frozenset({408, 409, 425})
"""Refusals that have to do with the moment, and not with the request."""
_STATUS_OF = {
    "ModelAuthenticationError": 401,
    "ModelPermissionDeniedError": 403,
    "ModelNotFoundError": 404,
    "ModelRateLimitError": 429,
    "ModelInvalidRequestError": 400,
    "ContextOverflowError": 400,
}
"""LangChain's classes of errors, which providers derive theirs from."""


class ProviderBackend:
    """One model of one provider."""

    context: int | None = None

    def __init__(self, config: ModelConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._model: Any = None
        self._count: Counter | None = None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Any number at a time. Importing the provider's package takes seconds, which are not the model's."""
        if self._model is None:
            await asyncio.to_thread(self._opened)
        yield

    def count(self, text: str) -> int:
        """Tokens of ``text``: counted for OpenAI's models where tiktoken has their encoding at hand, else estimated.

        LangChain's own ``get_num_tokens`` fetches a tokenizer, or asks the provider: neither is wanted here.
        """
        if self._count is None:
            ours = openai_counter(self._config.name) if self._config.provider == "openai" else None
            self._count = ours or estimate_tokens
        return self._count(text)

    async def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        """The reply piece by piece. Raises the ``ModelError`` family, and ``SettingsError``."""
        told = [(message.role, message.content) for message in messages]
        chunks = self._opened().astream(told, **_wished(self._config, sampling))
        finished = self._config.provider not in _SAY_WHY_THEY_END
        try:
            while True:
                try:
                    chunk = await anext(chunks)
                except StopAsyncIteration:
                    break
                except Exception as error:  # every provider brings its own
                    raise renamed(error, self._config) from error
                reason = _reason(chunk.response_metadata)
                finished = finished or reason is not None
                yield Piece(str(chunk.text or ""), reason, _usage(chunk.usage_metadata))
        finally:
            await chunks.aclose()
        if not finished:
            # A connection closed half-way looks like an end: only the model can say that it has finished.
            raise ModelReplyError(f"{self._config.spec} broke off in the middle of its reply", hint="Try again.")

    def _opened(self) -> Any:
        with self._lock:
            if self._model is None:
                self._model = _open(self._config)
            return self._model


def _open(config: ModelConfig) -> Any:
    from langchain.chat_models import init_chat_model

    try:
        return init_chat_model(config.name, model_provider=config.provider, **_options(config))
    except ImportError as error:
        raise ModelMissingError(
            f"{config.spec} needs a package that is not installed: {error}",
            hint=f"Run `pip install 'dateline[{config.provider}]'` (or the package named above).",
        ) from error
    except Exception as error:  # providers check settings each in their own way
        raise renamed(error, config, opening=True) from error


def _options(config: ModelConfig) -> dict[str, Any]:
    """What ``init_chat_model`` is told, in each provider's own words."""
    options: dict[str, Any] = {"temperature": config.temperature}
    if config.base_url:
        options["base_url"] = config.base_url
    if config.api_key:
        options["api_key"] = config.api_key
    elif config.base_url and config.provider == "openai":
        # Local servers ask for no key, the client insists on one.
        options["api_key"] = os.environ.get("OPENAI_API_KEY") or "none"
    if config.provider == "ollama":
        return options | {
            "num_predict": config.max_output_tokens,
            # Ollama cuts a prompt to its own default without a word.
            "num_ctx": config.prompt_tokens + config.max_output_tokens,
            "client_kwargs": {"timeout": (config.connect_timeout, config.timeout)},
        }
    options |= {
        "max_tokens": config.max_output_tokens,
        "timeout": config.timeout,
        "max_retries": 0,  # ChatModel retries, and honours Retry-After
    }
    if config.provider == "openai":
        options |= {
            "stream_usage": True,
            "use_responses_api": False,
            # Ours does. Theirs is asyncio.wait_for, which before Python 3.12 loses a cancellation that comes together
            # with a chunk: the caller gone, the model is heard to its end.
            "stream_chunk_timeout": None,
            "timeout": (config.connect_timeout, config.timeout),
        }
    return options


def _wished(config: ModelConfig, sampling: Sampling) -> dict[str, Any]:
    """What is said with one request that :func:`_options` has not said, in each provider's own words."""
    if sampling == Sampling(config.temperature, config.max_output_tokens):
        return {}
    if config.provider == "ollama":
        # These take the place of all that the model was made with.
        length = {"num_predict": sampling.max_tokens, "num_ctx": config.prompt_tokens + config.max_output_tokens}
        return {"options": {"temperature": sampling.temperature, **length}}
    name = "max_output_tokens" if config.provider == "google_genai" else "max_tokens"
    return {"temperature": sampling.temperature, name: sampling.max_tokens}


def _reason(metadata: Mapping[str, Any]) -> str | None:
    """Why the reply ended, as the provider puts it, in lower case; None while it has not."""
    told = metadata.get("finish_reason") or metadata.get("stop_reason") or metadata.get("done_reason")
    return str(told).lower() if told else None


def _usage(told: Mapping[str, Any] | None) -> Usage | None:
    if not told:
        return None
    return Usage(input_tokens=told["input_tokens"], output_tokens=told["output_tokens"])


def renamed(error: Exception, config: ModelConfig, *, opening: bool = False) -> DatelineError:
    """The ``ModelError`` that says what a provider's ``error`` means.

    Not retryable where the provider found fault with the request itself, or a quota is used up. ``opening``: nothing
    was asked yet, it arose from the settings; what is not known is then a ``SettingsError``.
    """
    if isinstance(error, DatelineError):
        return error
    status = _status(error)
    kinds = " ".join(one.__name__ for one in type(error).__mro__)
    reason = " ".join(str(error).split())[:_LONGEST_REASON]
    where = config.base_url or config.provider
    if _timed_out_connecting(error):
        return ModelUnreachableError(f"{where} cannot be reached within {config.connect_timeout:g} s")
    if "Timeout" in kinds:
        return ModelTimeoutError(f"{config.spec} gave no complete reply within {config.timeout:g} s")
    if status in (401, 403) or (opening and "api_key" in reason.lower()):
        return ModelAuthError(f"{where} refused the key for {config.spec}: {reason}")
    if status == 429:
        return _limited(error, where, reason)
    if status == 404:
        hint = "Check DATELINE_MODEL and DATELINE_MODEL_BASE_URL."
        return ModelMissingError(f"{where} knows no model {config.name!r}: {reason}", hint=hint)
    if "Connect" in kinds:
        return ModelUnreachableError(f"{where} cannot be reached: {reason}")
    if opening:
        return SettingsError(f"{config.spec} cannot be used: {reason}")
    failed = ModelReplyError(f"{config.spec} failed: {reason}", hint="See the provider's message.")
    failed.retryable = not (status and 400 <= status < 500 and status not in _PASSING)
    return failed


def _limited(error: Exception, where: str, reason: str) -> ModelRateLimitError:
    seconds = retry_after(error)
    wait = "" if seconds is None else f" (for {seconds:.0f} s)"
    limited = ModelRateLimitError(f"{where} is limiting requests{wait}: {reason}", retry_after=seconds)
    if getattr(error, "code", None) == "insufficient_quota":
        limited.retryable = False
        limited.hint = "The quota is used up: raise it with the provider, or choose another model."
    return limited


def _status(error: Exception) -> int | None:
    """The HTTP status, as the error has it or as LangChain's class of it implies."""
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return status
    return next((_STATUS_OF[one.__name__] for one in type(error).__mro__ if one.__name__ in _STATUS_OF), None)


def _timed_out_connecting(error: BaseException | None) -> bool:
    """Whether time ran out before there was a connection; clients wrap that in a timeout of their own."""
    while error is not None:
        if type(error).__name__ == "ConnectTimeout":
            return True
        error = error.__cause__
    return False


def retry_after(error: Exception) -> float | None:
    """How long the provider asks to be left alone, in seconds; None when it does not say, or not readably.

    Retry-After counts seconds or names a date (RFC 9110, 10.2.3), which is held against the server's own clock where
    it tells that; OpenAI also sends it in milliseconds.
    """
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    if (milliseconds := _number(headers.get("retry-after-ms", ""))) is not None:
        return milliseconds / 1000
    told = headers.get("retry-after", "")
    if (seconds := _number(told)) is not None:
        return seconds
    until = _date(told)
    if until is None:
        return None
    return max(0.0, (until - (_date(headers.get("date", "")) or datetime.now(UTC))).total_seconds())


def _number(text: str) -> float | None:
    return float(text) if text.isascii() and text.replace(".", "", 1).isdecimal() else None


def _date(text: str) -> datetime | None:
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
