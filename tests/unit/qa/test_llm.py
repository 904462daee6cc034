from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from time import monotonic
from typing import Any

import pytest

from qa.breaker import Breaker
from qa.errors import (
    ModelAuthError,
    ModelError,
    ModelRateLimitError,
    ModelReplyError,
    ModelTimeoutError,
    ModelUnreachableError,
    SettingsError,
)
from qa.llm import ChatModel, Ending, ModelConfig, Piece, Sampling
from qa.models import Cost, Usage
from qa.prices import Price
from qa.prompt import Message

ASK = [Message("user", "Who came?")]


class FakeBackend:
    """Plays a script for each call: pieces, errors to raise, numbers of seconds to wait. Counts calls and closings."""

    context: int | None = None

    def __init__(self, *scripts: Sequence[Piece | Exception | float]) -> None:
        self.scripts = deque(scripts)
        self.calls = 0
        self.closed = 0

    def turn(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    def count(self, text: str) -> int:
        return len(text)

    async def stream(self, _messages: Sequence[Message], _sampling: Sampling) -> AsyncGenerator[Piece, None]:
        self.calls += 1
        try:
            for step in self.scripts.popleft():
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, float):
                    await asyncio.sleep(step)
                else:
                    yield step
        finally:
            self.closed += 1


END = Piece(reason="stop")


def model_of(*scripts: Sequence[Piece | Exception | float], **told: Any) -> tuple[ChatModel, FakeBackend]:
    backend = FakeBackend(*scripts)
    return ChatModel(ModelConfig("openai:fake", **told), backend, Breaker(failures=2, cooldown=60)), backend


async def reply_of(model: ChatModel) -> tuple[str, Ending]:
    pieces = [piece async for piece in model.stream(ASK)]
    ending = pieces.pop()
    assert isinstance(ending, Ending)
    assert all(isinstance(piece, str) and piece for piece in pieces)
    return "".join(str(piece) for piece in pieces), ending


@pytest.mark.parametrize(
    ("spec", "provider", "name"),
    [("openai:gpt-5-mini", "openai", "gpt-5-mini"), ("ollama:qwen2.5:1.5b", "ollama", "qwen2.5:1.5b")],
)
def test_a_model_is_named_by_provider_and_name(spec: str, provider: str, name: str) -> None:
    config = ModelConfig(spec)
    assert (config.provider, config.name) == (provider, name)


def test_a_name_alone_needs_a_base_url() -> None:
    with pytest.raises(SettingsError, match="names no provider"):
        ModelConfig("qwen2.5")
    config = ModelConfig("qwen2.5", base_url="http://127.0.0.1:1/v1")
    assert (config.provider, config.name) == ("openai", "qwen2.5")


def test_a_provider_alone_names_no_model() -> None:
    with pytest.raises(SettingsError, match="names no model"):
        ModelConfig("openai:")


async def test_a_reply_is_handed_on_as_it_comes_with_what_it_took() -> None:
    model, backend = model_of(
        [
            Piece(),
            Piece("Lavrov "),
            Piece("came.", usage=Usage(input_tokens=9)),
            END,
            Piece(usage=Usage(output_tokens=4)),
        ]
    )
    text, ending = await reply_of(model)
    assert text == "Lavrov came."
    assert ending == Ending("complete", Usage(input_tokens=9, output_tokens=4))
    assert backend.closed == 1


async def test_what_is_not_told_is_not_invented() -> None:
    model, _ = model_of([Piece("Yes."), END], price=Price(1, 1))
    assert (await reply_of(model))[1].usage is None


async def test_a_reply_has_its_price() -> None:
    used = Usage(input_tokens=1_000_000, output_tokens=500_000)
    model, _ = model_of([Piece("Yes."), Piece(reason="stop", usage=used)], price=Price(0.25, 2.0, "EUR"))
    usage = (await reply_of(model))[1].usage
    assert usage is not None
    assert usage.cost == Cost(amount=1.25, currency="EUR")


@pytest.mark.parametrize(
    ("reason", "how"),
    [
        ("stop", "complete"),
        ("end_turn", "complete"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("content_filter", "filtered"),
        ("safety", "filtered"),
    ],
)
async def test_why_a_reply_ended_is_told(reason: str, how: str) -> None:
    model, _ = model_of([Piece("Yes."), Piece(reason=reason)])
    assert (await reply_of(model))[1].how == how


async def test_a_reply_without_end_is_cut() -> None:
    model, backend = model_of([Piece("x" * 70) for _ in range(1000)], max_reply_chars=200)
    text, ending = await reply_of(model)
    assert (len(text), ending.how) == (200, "cut")
    assert backend.closed == 1
    model, _ = model_of([Piece("x" * 200_000), END], max_reply_chars=200)
    assert len((await reply_of(model))[0]) == 200
    model, _ = model_of([Piece("x" * 200), END], max_reply_chars=200)
    assert (await reply_of(model))[1].how == "complete"


@pytest.mark.parametrize(
    ("script", "setting"),
    [
        ([9.0], "DATELINE_MODEL_FIRST_TIMEOUT"),
        # That it has begun to speak is told by words alone.
        ([Piece(), 9.0], "DATELINE_MODEL_FIRST_TIMEOUT"),
        ([Piece("So"), 9.0], "DATELINE_MODEL_IDLE_TIMEOUT"),
    ],
    ids=["nothing", "no words", "words and then nothing"],
)
async def test_silence_is_not_waited_for(script: list[Piece | float], setting: str) -> None:
    model, backend = model_of(script, first_timeout=0.1, idle_timeout=0.1, retries=0)
    begun = monotonic()
    with pytest.raises(ModelTimeoutError) as caught:
        await reply_of(model)
    assert monotonic() - begun < 3
    assert setting in caught.value.hint
    assert backend.closed == 1


async def test_a_drip_ends_at_the_deadline() -> None:
    drip = [part for _ in range(100) for part in (Piece("a"), 0.05)]
    model, _ = model_of(drip, timeout=0.3)
    begun = monotonic()
    with pytest.raises(ModelTimeoutError, match=r"no complete reply within 0\.3 s"):
        await reply_of(model)
    assert monotonic() - begun < 3


async def test_a_model_that_thinks_aloud_has_until_the_deadline() -> None:
    thoughts = [part for _ in range(8) for part in (Piece(), 0.05)]
    model, _ = model_of([*thoughts, Piece("So."), END], first_timeout=0.2, timeout=30)
    assert (await reply_of(model))[0] == "So."


@pytest.mark.parametrize("error", [ModelReplyError("500"), ModelUnreachableError("gone"), ModelTimeoutError("late")])
async def test_a_failure_that_passes_is_tried_again(error: ModelError) -> None:
    model, backend = model_of([error], [Piece(), error], [Piece("Yes."), END])
    assert (await reply_of(model))[0] == "Yes."
    assert (backend.calls, backend.closed) == (3, 3)


async def test_a_wait_that_is_asked_for_is_waited() -> None:
    model, _ = model_of([ModelRateLimitError("slow down", retry_after=0.4)], [Piece("Yes."), END])
    begun = monotonic()
    await reply_of(model)
    assert 0.4 <= monotonic() - begun < 5


async def test_a_wait_beyond_the_deadline_is_not() -> None:
    model, backend = model_of([ModelRateLimitError("slow down", retry_after=60)], timeout=30)
    begun = monotonic()
    with pytest.raises(ModelRateLimitError):
        await reply_of(model)
    assert monotonic() - begun < 3
    assert backend.calls == 1


@pytest.mark.parametrize(
    ("script", "retries"), [([ModelAuthError("no")], 2), ([Piece("So"), ModelReplyError("cut")], 2)], ids=str
)
async def test_what_cannot_help_is_not_tried_again(script: list[Piece | Exception], retries: int) -> None:
    model, backend = model_of(script, retries=retries)
    with pytest.raises(ModelError):
        await reply_of(model)
    assert backend.calls == 1


async def test_the_breaker_learns_what_became_of_each_question() -> None:
    failure = [ModelReplyError("500")]
    model, _ = model_of(failure, [Piece("Yes."), END], failure, failure, retries=0)
    for closed in (True, True, True, False):
        with suppress(ModelReplyError):
            await reply_of(model)
        assert model.breaker.closed == closed
    assert model.breaker.in_a_row == 2


async def test_a_refusal_says_nothing_of_the_next_question() -> None:
    model, _ = model_of(*([ModelAuthError("no")] for _ in range(5)))
    for _ in range(5):
        with pytest.raises(ModelAuthError):
            await reply_of(model)
    assert model.breaker.closed


async def test_leaving_early_stops_the_model() -> None:
    model, backend = model_of([Piece("So"), 60.0, END])
    stream = model.stream(ASK)
    assert await anext(stream) == "So"
    await stream.aclose()
    assert backend.closed == 1
    assert model.breaker.closed


def test_the_prompt_leaves_room_for_the_reply() -> None:
    model, backend = model_of(prompt_tokens=6000, max_output_tokens=800)
    assert model.budget() == 6000
    backend.context = 2048
    assert model.budget() == 1248
    backend.context = 512
    assert model.budget() == 0
