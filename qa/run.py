"""One question being answered over its passages: by quoting, or by chat models in turn, each sentence checked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from time import perf_counter

from qa.assembly import Assembly, Unsupported
from qa.claims import Claim
from qa.errors import ModelError
from qa.events import Event, Finish
from qa.library.encoders import BUNDLED, Embedder
from qa.llm import ChatModel, Ending
from qa.models import EXTRACTIVE, Answer, Ask, Filters, Passage, Retrieved, Timings, Usage
from qa.reader import ExtractiveReader
from qa.reply import claims_of, warnings_of
from qa.roster import Chain, Roster
from qa.stopping import Stopping
from qa.understand import Understood

DEFAULT_MODEL = "dateline"
"""What clients may call the configured model."""


_FINISHES: Mapping[str, Finish] = {"length": "length", "cut": "length", "filtered": "content_filter"}


class Run:
    """One question being answered."""

    def __init__(
        self,
        ask: Ask,
        model: str,
        passages: tuple[Passage, ...],
        filters: Filters,
        understood: Understood,
        reader: ExtractiveReader,
        *,
        embedder: Embedder,
        unsupported: Unsupported,
    ) -> None:
        self.ask = ask
        self.model = model
        self.passages = passages
        self.filters = filters
        self.understood = understood
        self.assembly = Assembly(passages)
        self._reader = reader
        self._embedder = embedder
        self._unsupported = unsupported
        self.usage = understood.usage
        self.ended: Finish = "stop"
        self.degraded = False
        self._stopping = Stopping(ask.wishes.stop)
        self.verifying = 0.0
        self.refused = 0
        self.warnings: list[str] = []
        self.failures: list[str] = []

    async def events(self, roster: Roster) -> AsyncGenerator[Event, None]:
        """The answer as it comes about, to the first of the caller's stops. Raises the ``ModelError`` family."""
        async with aclosing(self._whole(roster)) as told:
            async for event in told:
                for one in self._stopping.feed(event):
                    yield one
                if self._stopping.hit:
                    # Nothing more is wanted: the model is not heard to its end.
                    self.ended = "stop"
                    return
        for event in self._stopping.end():
            yield event

    async def _whole(self, roster: Roster) -> AsyncGenerator[Event, None]:
        if not self.passages:
            for event in self.finish():
                yield event
        elif self.model == EXTRACTIVE:
            for event in await asyncio.to_thread(self.quote):
                yield event
        else:
            async with aclosing(self.generate(roster)) as told:
                async for event in told:
                    yield event

    def quote(self) -> list[Event]:
        """Answer by quoting."""
        picked = self._reader.pick(self.understood.question, self.passages)
        events = self.assembly.add_quotes(picked, max_tokens=self.ask.wishes.max_tokens)
        if self.assembly.shortened:
            self.ended = "length"
        return events + self.finish()

    def _fall_back(self) -> list[Event]:
        """Answer by quoting, because nothing is left of what the model said; abstain where that finds nothing."""
        self.degraded = True
        self.warnings += self.assembly.warnings()
        self.refused += self.assembly.refused
        self.assembly = Assembly(self.passages)
        events = self.quote()
        if not self.assembly.abstained:
            self.warnings.append(
                "nothing of the model's reply could be kept; the answer is quoted from the articles instead"
            )
        return events

    async def generate(self, roster: Roster) -> AsyncGenerator[Event, None]:
        """Answer by a chat model; by the next in its chain while nothing was said."""
        chain = roster.chain(self.model)
        first: ModelError | None = None
        for model in chain.models:
            # With nobody to follow there is no use in passing it over.
            if (model is not chain.models[-1] or chain.reader or self._open) and not model.breaker.admits():
                self.degraded = True
                self.failures.append(f"{model.config.spec} failed {model.breaker.in_a_row} times in a row")
                continue
            self.model = model.config.spec
            try:
                async with aclosing(self._told(model, roster)) as events:
                    async for event in events:
                        yield event
            except ModelError as error:
                if self.assembly.text:
                    for event in self._broken_off(error):
                        yield event
                    return
                first, self.degraded = first or error, True
                self.failures.append(str(error).rstrip("."))
            else:
                lost = self.assembly.abstained and not self.assembly.declined
                for event in await asyncio.to_thread(self._fall_back) if lost else self.finish():
                    yield event
                return
        if first is not None and not self._reader_follows(chain, first):
            raise first
        self.model, self.assembly = EXTRACTIVE, Assembly(self.passages)
        for event in await asyncio.to_thread(self.quote):
            yield event

    @property
    def _open(self) -> bool:
        """Whether the question leaves open who answers it."""
        return self.ask.model in (None, DEFAULT_MODEL)

    def _reader_follows(self, chain: Chain, error: ModelError) -> bool:
        return chain.reader or (self._open and (len(chain.models) > 1 or error.retryable))

    def _broken_off(self, error: ModelError) -> list[Event]:
        """End with what was said: it stays as it is, and nobody else goes on with it. Raises ``error`` otherwise."""
        if not self._open:
            raise error
        self.degraded = True
        self.warnings.append(f"the answer may be incomplete: {error}")
        return self.finish()

    async def _told(self, model: ChatModel, roster: Roster) -> AsyncGenerator[Event, None]:
        """What ``model`` says, sentence by checked sentence."""
        told = (model, self.ask, self.passages, self.filters.as_of)
        messages, shown = await asyncio.to_thread(roster.messages, *told)
        # What counts as near was found for the bundled model; others have scales of their own.
        alike = self._similarity if self._embedder.name == BUNDLED else None
        self.assembly = Assembly(self.passages[:shown], unsupported=self._unsupported, similarity=alike)
        async with aclosing(claims_of(model, messages, self.ask.wishes)) as claims:
            async for claim in claims:
                if isinstance(claim, Ending):
                    self.usage = claim.usage if self.usage is None else self.usage + (claim.usage or Usage())
                    self.ended = _FINISHES.get(claim.how, "stop")
                    self.warnings += warnings_of(claim, model, self.ask.wishes)
                    continue
                for event in await asyncio.to_thread(self._verified, claim):
                    yield event
        if shown < len(self.passages):
            self.warnings.append(f"{len(self.passages) - shown} passages did not fit into the prompt")

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
        told = self._stopping if self._stopping.hit else self.assembly
        return Answer(
            id=answer_id,
            question=self.ask.question,
            rewritten_question=retrieved.rewritten_question,
            as_of=self.filters.as_of,
            text=told.text,
            abstained=self.assembly.abstained,
            sentences=tuple(told.sentences),
            citations=tuple(told.citations),
            passages=self.passages,
            date_range=retrieved.date_range,
            model=self.model,
            usage=self.usage,
            timings_ms=timings,
            warnings=tuple(
                dict.fromkeys([*retrieved.notes, *self._stood_in(), *self.warnings, *self.assembly.warnings()])
            ),
        )

    def _stood_in(self) -> list[str]:
        """The warning that another answered than was asked."""
        who = "the embedded reader" if self.model == EXTRACTIVE else self.model
        return [f"{'; '.join(self.failures)}; {who} answered instead"] if self.failures else []
