"""Chat models behind one small face: a reply streams in, held to its time and length, tried again where that may help.

What computes the reply is a :class:`Backend`: :mod:`qa.providers` for other programs and machines,
:mod:`qa.local_model` for models within this process.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from typing import Literal, Protocol

from qa.breaker import Breaker
from qa.errors import ModelError, ModelTimeoutError, SettingsError
from qa.models import NO_WISHES, Usage, Wishes
from qa.pace import Pace, Patience, Tries
from qa.prices import Price
from qa.prompt import Message
from qa.tokens import estimate_tokens

IN_PROCESS = "huggingface"
"""The provider of models that run within this process."""

_log = logging.getLogger(__name__)

_LENGTH = frozenset({"length", "max_tokens", "max_output_tokens"})
_FILTERED = frozenset({"content_filter", "refusal", "safety", "recitation", "blocklist", "prohibited_content", "spii"})


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Which model and how. ``spec`` is ``PROVIDER:NAME``; a name alone will do with a ``base_url``.

    ``timeout`` is for the whole reply with its retries, ``first_timeout`` until its first words and ``idle_timeout``
    between two pieces of it, all in seconds; ``patient`` as :class:`qa.pace.Patience` has it. Raises ``SettingsError``
    at once when it cannot work at all.
    """

    spec: str
    base_url: str | None = None
    api_key: str | None = None
    timeout: float = 60.0
    connect_timeout: float = 5.0
    first_timeout: float = 30.0
    idle_timeout: float = 15.0
    retries: int = 2
    temperature: float = 0.0
    prompt_tokens: int = 6000
    max_output_tokens: int = 800
    max_reply_chars: int = 20_000
    price: Price | None = None
    patient: bool = False

    def __post_init__(self) -> None:
        named = self.provider and (":" in self.spec or self.base_url is not None)
        if not (named and self.name):
            raise SettingsError(
                f"{self.spec!r} names no {'model' if named else 'provider'}",
                hint="Write PROVIDER:NAME, e.g. openai:gpt-5-mini, or extractive.",
            )

    @property
    def provider(self) -> str:
        """The part before the colon; ``openai`` when a base URL is given and no provider."""
        provider, colon, _ = self.spec.partition(":")
        return provider if colon else "openai"

    @property
    def name(self) -> str:
        """The part after the colon (which may hold further colons)."""
        _, colon, name = self.spec.partition(":")
        return name if colon else self.spec


@dataclass(frozen=True, slots=True)
class Piece:
    """What came of a reply at one time: text, why it ended (as the provider puts it), tokens used since the last."""

    text: str = ""
    reason: str | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a reply ended, and what it took (None: not told).

    ``length``: at the model's limit. ``cut``: at ours, in characters. ``filtered``: the provider held the rest back.
    """

    how: Literal["complete", "length", "cut", "filtered"]
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """How one reply is made: the temperature, and its longest in tokens."""

    temperature: float
    max_tokens: int


class Backend(Protocol):
    """Computes replies. Errors are the ``ModelError`` family; ``SettingsError`` for what is set up wrongly."""

    @property
    def context(self) -> int | None:
        """The most tokens of prompt and reply together; None when not known."""

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Held while a reply is computed: waits for weights to be loaded, and for others where one must wait."""

    def count(self, text: str) -> int:
        """Tokens of ``text``. May take a while the first time."""

    def stream(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        """The reply; closed early, it stops computing."""


class ChatModel:
    """One chat model. ``breaker`` knows how it fared, ``pace`` how fast it may be asked."""

    def __init__(
        self, config: ModelConfig, backend: Backend, breaker: Breaker | None = None, pace: Pace | None = None
    ) -> None:
        self.config = config
        self.breaker = breaker or Breaker(failures=5, cooldown=30)
        self.pace = pace or Pace()
        self._backend = backend

    def count(self, text: str) -> int:
        """Tokens of ``text``. May take a while the first time."""
        return self._backend.count(text)

    def budget(self) -> int:
        """The longest prompt, in tokens: what is set, and what the model takes beside its longest reply."""
        limit = self.config.prompt_tokens
        if self._backend.context is None:
            return limit
        return min(limit, max(self._backend.context - self.config.max_output_tokens, 0))

    def sampling(self, wishes: Wishes) -> Sampling:
        """How a reply is made as ``wishes`` have it: never longer than is set."""
        config = self.config
        return Sampling(
            temperature=config.temperature if wishes.temperature is None else wishes.temperature,
            max_tokens=min(wishes.max_tokens or config.max_output_tokens, config.max_output_tokens),
        )

    async def stream(
        self, messages: Sequence[Message], wishes: Wishes = NO_WISHES
    ) -> AsyncGenerator[str | Ending, None]:
        """Pieces of the reply's text as they arrive, none of them empty, and at last its ``Ending``.

        Of ``wishes`` only those that :meth:`sampling` knows count here. A failure that may pass is tried again while no
        text has been received. Raises the ``ModelError`` family.
        """
        try:
            async with self._backend.turn(), aclosing(self._bounded(messages, self.sampling(wishes))) as pieces:
                async for piece in pieces:
                    yield piece
            self.breaker.succeeded()
        except ModelError as error:
            if error.retryable:
                self._failed()
            raise

    def _failed(self) -> None:
        admitted = self.breaker.closed
        self.breaker.failed()
        if admitted and not self.breaker.closed:
            _log.warning("%s failed %d times in a row", self.config.spec, self.breaker.in_a_row)

    async def _bounded(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[str | Ending, None]:
        """The reply, no longer than is accepted."""
        left = self.config.max_reply_chars
        reason, used = "", Usage()
        async with aclosing(self._with_retries(messages, sampling)) as pieces:
            async for piece in pieces:
                if text := piece.text[:left]:
                    yield text
                if len(piece.text) > left:
                    reason = "cut"
                    break
                left -= len(piece.text)
                reason = piece.reason or reason
                if piece.usage:
                    used = Usage(
                        input_tokens=used.input_tokens + piece.usage.input_tokens,
                        output_tokens=used.output_tokens + piece.usage.output_tokens,
                    )
        yield Ending(_how(reason), self._priced(used) if used != Usage() else None)

    def _priced(self, used: Usage) -> Usage:
        price = self.config.price
        return used.model_copy(update={"cost": price.cost(used)}) if price else used

    async def _with_retries(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        received = False
        patience = Patience(self.config.timeout, self.config.retries, self.config.patient)
        tries = Tries(patience, self.pace, self.config.spec, begun=lambda: received)
        prompt = sum(estimate_tokens(message.content) for message in messages) if self.pace.counts_tokens else 0
        async for attempt in tries.attempts():
            with attempt:
                async with (
                    tries.admitted(prompt) as (deadline, expected),
                    aclosing(self._once(messages, sampling, deadline)) as pieces,
                ):
                    async for piece in pieces:
                        received = received or bool(piece.text)
                        if piece.usage:
                            output = piece.usage.output_tokens
                            self.pace.settle(expected, piece.usage.input_tokens + output, output)
                            expected = 0.0
                        yield piece

    async def _once(
        self, messages: Sequence[Message], sampling: Sampling, deadline: float
    ) -> AsyncGenerator[Piece, None]:
        """The reply, held to its times. Pieces without text (a role, thoughts kept to itself) show that it is alive."""
        config = self.config
        now = asyncio.get_running_loop().time
        begun = False
        async with aclosing(self._backend.stream(messages, sampling)) as pieces:
            while True:
                limit = config.idle_timeout if begun else config.first_timeout
                until = now() + limit
                try:
                    async with asyncio.timeout_at(min(until, deadline)):
                        piece = await anext(pieces)
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    raise self._late(limit, begun=begun, total=until >= deadline) from None
                begun = begun or bool(piece.text)
                yield piece

    def _late(self, limit: float, *, begun: bool, total: bool) -> ModelTimeoutError:
        config = self.config
        if total:
            return ModelTimeoutError(f"{config.spec} gave no complete reply within {config.timeout:g} s")
        name = "DATELINE_MODEL_IDLE_TIMEOUT" if begun else "DATELINE_MODEL_FIRST_TIMEOUT"
        what = "fell silent in the middle of its reply for" if begun else "gave no first word within"
        return ModelTimeoutError(f"{config.spec} {what} {limit:g} s", hint=f"Try again, or raise {name} (seconds).")


def _how(reason: str) -> Literal["complete", "length", "cut", "filtered"]:
    if reason == "cut":
        return "cut"
    return "length" if reason in _LENGTH else "filtered" if reason in _FILTERED else "complete"
