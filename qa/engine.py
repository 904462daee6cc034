"""One question through all of it: retrieve, answer, check. ``stream`` is the async core, ``answer`` folds it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from time import perf_counter

from qa.assembly import Assembly
from qa.claims import Claim, ClaimStream
from qa.errors import FilterError, QuestionError
from qa.library.home import Home
from qa.llm import ChatModel, ModelConfig
from qa.models import (
    EXTRACTIVE,
    Answer,
    Ask,
    DateRange,
    DoneEvent,
    Event,
    Filters,
    Passage,
    PassagesEvent,
    Retrieved,
    StatusEvent,
    Timings,
    Usage,
)
from qa.prompt import PROMPT_VERSION, build_messages
from qa.reader import ExtractiveReader
from qa.retrieve import Retriever, Weighting

DEFAULT_MODEL = "dateline"
"""What clients may call the configured model."""


class Engine:
    """Answers questions over an open home. One event loop, any number of questions at a time."""

    def __init__(self, home: Home) -> None:
        self._home = home
        settings = self._settings = home.settings
        self._retriever = Retriever(
            home,
            candidates=settings.candidates,
            per_article=settings.passages_per_article,
            weighting=Weighting(half_life=settings.half_life, floor=settings.age_floor),
        )
        self._reader = ExtractiveReader(home.embedder, abstain_below=settings.abstain_below)
        self._chat_models: dict[str, ChatModel] = {}
        if settings.model != EXTRACTIVE:
            self._chat_model(settings.model)

    def models(self) -> tuple[str, ...]:
        """The configured model, then the embedded reader."""
        return tuple(dict.fromkeys((self._settings.model, EXTRACTIVE)))

    def check(self, ask: Ask) -> None:
        """Raise at once what can be told without searching: ``QuestionError``, ``FilterError``."""
        if not ask.question.strip():
            raise QuestionError("the question is empty")
        try:
            "".join((ask.question, *(turn.content for turn in ask.history))).encode()
        except UnicodeEncodeError:
            raise QuestionError("the question holds lone surrogates, which are no characters") from None
        limit = self._settings.max_question_chars
        if len(ask.question) > limit:
            raise QuestionError(
                f"the question has {len(ask.question)} characters; at most {limit} are accepted",
                hint="Shorten it, or raise DATELINE_MAX_QUESTION_CHARS.",
            )
        if ask.top_k is not None and not 1 <= ask.top_k <= 50:
            raise QuestionError(f"top_k is {ask.top_k}; it may be 1 to 50")
        if ask.start and ask.end and ask.start > ask.end:
            raise FilterError(f"from ({ask.start}) is after to ({ask.end})")
        if ask.start and ask.as_of and ask.start > ask.as_of:
            raise FilterError(f"from ({ask.start}) is after the as-of date ({ask.as_of}): nothing can match")
        model = self._model_name(ask)
        if model != EXTRACTIVE and ":" not in model and model != self._settings.model:
            known = ", ".join(self.models())
            raise QuestionError(f"there is no model {model!r}", hint=f"Known here: {known}; or write PROVIDER:NAME.")

    def filters(self, ask: Ask) -> Filters:
        """What the question may see; the default as-of date is today in the configured time zone."""
        return Filters(
            as_of=ask.as_of or ask.default_as_of or self._settings.today(),
            as_of_given=ask.as_of is not None,
            start=ask.start,
            end=ask.end,
            sources=tuple(dict.fromkeys(ask.sources)),
        )

    async def search(self, ask: Ask, *, k: int) -> Retrieved:
        """The ``k`` best passages with the parts of their scores; no answer."""
        self.check(ask)
        return await asyncio.to_thread(self._retriever.retrieve, ask.question, self.filters(ask), k)

    async def answer(self, ask: Ask) -> Answer:
        """The whole answer."""
        async for event in self.stream(ask):
            if isinstance(event, DoneEvent):
                return event.answer
        raise AssertionError("a stream ends with its answer")

    async def stream(self, ask: Ask) -> AsyncGenerator[Event, None]:
        """The answer as it comes about: status, passages, then deltas with their citations, at last ``DoneEvent``.

        What :meth:`check` raises is raised before the first event. ``ModelError`` may be raised later.
        """
        self.check(ask)
        begun = perf_counter()
        filters = self.filters(ask)
        yield StatusEvent("retrieve")
        # Loading the embedding model is no part of retrieving: it happens once in a process.
        await asyncio.to_thread(self._home.warm)
        warm_at = perf_counter()
        k = ask.top_k or self._settings.top_k
        retrieved = await asyncio.to_thread(self._retriever.retrieve, ask.question, filters, k)
        passages = retrieved.passages
        yield PassagesEvent(passages)
        retrieved_at = perf_counter()
        yield StatusEvent("generate")
        run = _Run(ask, self._model_name(ask), passages, filters, self._home, self._reader)
        if not passages:
            for event in run.finish():
                yield event
        elif run.model == EXTRACTIVE:
            for event in await asyncio.to_thread(run.quote):
                yield event
        else:
            # Closed at once, not by the garbage collector, when the caller leaves: so is the model's connection.
            async with aclosing(run.generate(self._chat_model(run.model), self._settings.prompt_tokens)) as events:
                async for event in events:
                    yield event
        ended = perf_counter()
        timings = Timings(
            retrieve=_ms(retrieved_at - warm_at),
            generate=_ms(ended - retrieved_at - run.verifying),
            verify=_ms(run.verifying),
            total=_ms(ended - begun),
        )
        revision = await asyncio.to_thread(self._home.catalog.revision)
        yield DoneEvent(run.answer(timings, _answer_id(ask, filters, run.model, revision), retrieved))

    def _model_name(self, ask: Ask) -> str:
        return self._settings.model if ask.model in (None, DEFAULT_MODEL) else str(ask.model)

    def _chat_model(self, spec: str) -> ChatModel:
        if spec not in self._chat_models:
            settings = self._settings
            self._chat_models[spec] = ChatModel(
                ModelConfig(
                    spec=spec,
                    base_url=settings.model_base_url,
                    api_key=settings.model_api_key.get_secret_value() if settings.model_api_key else None,
                    timeout=settings.model_timeout,
                    retries=settings.model_retries,
                    temperature=settings.temperature,
                    max_output_tokens=settings.max_output_tokens,
                )
            )
        return self._chat_models[spec]


class _Run:
    """One question being answered."""

    def __init__(
        self, ask: Ask, model: str, passages: tuple[Passage, ...], filters: Filters, home: Home, reader: ExtractiveReader
    ) -> None:
        self.ask = ask
        self.model = model
        self.passages = passages
        self.filters = filters
        self.assembly = Assembly(passages)
        self._unsupported = home.settings.unsupported
        self._embedder = home.embedder
        self._reader = reader
        self.usage: Usage | None = None
        self.verifying = 0.0
        self.warnings: list[str] = []

    def quote(self) -> list[Event]:
        """Answer by quoting."""
        events: list[Event] = []
        for picked in self._reader.pick(self.ask.question, self.passages):
            events += self.assembly.add_quote(picked)
        return events + self.finish()

    def fall_back(self) -> list[Event]:
        """Answer by quoting, because nothing is left of what the model said; abstain where that finds nothing either."""
        self.warnings += self.assembly.warnings()
        self.assembly = Assembly(self.passages)
        events = self.quote()
        if not self.assembly.abstained:
            self.warnings.append("nothing of the model's reply could be kept; the answer is quoted from the articles instead")
        return events

    async def generate(self, model: ChatModel, budget: int) -> AsyncGenerator[Event, None]:
        """Answer by a chat model, sentence by checked sentence."""
        messages, shown = build_messages(
            self.ask.question, self.passages, as_of=self.filters.as_of, history=self.ask.history, budget=budget
        )
        if shown < len(self.passages):
            self.warnings.append(f"{len(self.passages) - shown} passages did not fit into the prompt")
        self.assembly = Assembly(
            self.passages[:shown], unsupported=self._unsupported, similarity=self._similarity
        )
        claims = ClaimStream()
        async with aclosing(model.stream(messages)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Usage):
                    self.usage = piece
                    continue
                for claim in claims.feed(piece):
                    for event in await asyncio.to_thread(self._verified, claim):
                        yield event
        for claim in claims.end():
            for event in await asyncio.to_thread(self._verified, claim):
                yield event
        lost = self.assembly.abstained and not self.assembly.declined
        for event in await asyncio.to_thread(self.fall_back) if lost else self.finish():
            yield event

    def finish(self) -> list[Event]:
        """Abstain when nothing was said."""
        return self.assembly.abstain() if self.assembly.abstained else []

    def _similarity(self, one: str, other: str) -> float:
        vectors = self._embedder.embed([one, other])
        return float(vectors[0] @ vectors[1])

    def _verified(self, claim: Claim) -> list[Event]:
        begun = perf_counter()
        events = self.assembly.add_claim(claim)
        self.verifying += perf_counter() - begun
        return events

    def answer(self, timings: Timings, answer_id: str, retrieved: Retrieved) -> Answer:
        """The finished answer."""
        return Answer(
            id=answer_id,
            question=self.ask.question,
            rewritten_question=retrieved.rewritten_question,
            as_of=self.filters.as_of,
            text=self.assembly.text,
            abstained=self.assembly.abstained,
            sentences=tuple(self.assembly.sentences),
            citations=tuple(self.assembly.citations),
            passages=self.passages,
            date_range=_asked_range(self.filters),
            model=self.model,
            usage=self.usage,
            timings_ms=timings,
            warnings=tuple(dict.fromkeys([*self.warnings, *self.assembly.warnings()])),
        )


def _asked_range(filters: Filters) -> DateRange | None:
    if filters.start is None and filters.end is None:
        return None
    return DateRange(start=filters.start, end=filters.end, reason="asked for by the caller")


def _answer_id(ask: Ask, filters: Filters, model: str, revision: int) -> str:
    told = [
        ask.question, [[turn.role, turn.content] for turn in ask.history],
        filters.as_of.isoformat(), filters.as_of_given,
        str(filters.start), str(filters.end), filters.sources, ask.top_k, model, PROMPT_VERSION, revision,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def _ms(seconds: float) -> float:
    return round(max(seconds, 0.0) * 1000, 2)
