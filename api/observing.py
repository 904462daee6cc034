"""An engine that is watched: what it does is measured, traced and, where wanted, written to the audit log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import Status, StatusCode, Tracer

from api.audit import AuditLog
from api.measures import Measures
from api.request_context import caller, request_id
from api.tracing import Traced
from qa.errors import DatelineError
from qa.events import DeltaEvent, DoneEvent, Event, PassagesEvent
from qa.models import Answer, Ask, Passage, Retrieved

if TYPE_CHECKING:
    from api.service import Answering


def code_of(error: BaseException) -> str:
    """The name under which a failure is counted; ``left`` for a caller that went away."""
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        return "left"
    return error.code if isinstance(error, DatelineError) else "internal"


@dataclass
class _Seen:
    """What a caller was shown of an answer so far."""

    passages: tuple[Passage, ...] = ()
    pieces: list[str] = field(default_factory=list)
    answer: Answer | None = None


class Observed:
    """See :class:`api.service.Answering`. Passes everything on as it is."""

    def __init__(self, engine: Answering, measures: Measures, tracer: Tracer, audit: AuditLog | None = None) -> None:
        self._engine = engine
        self._measures = measures
        self._tracer = tracer
        self._audit = audit

    @property
    def prompt_version(self) -> str:
        """The engine's."""
        return self._engine.prompt_version

    def models(self) -> tuple[str, ...]:
        """The engine's."""
        return self._engine.models()

    def check(self, ask: Ask) -> None:
        """The engine's."""
        self._engine.check(ask)

    def warm(self) -> None:
        """The engine's."""
        self._engine.warm()

    async def answer(self, ask: Ask) -> Answer:
        """The whole answer."""
        async with aclosing(self.stream(ask)) as events:
            async for event in events:
                if isinstance(event, DoneEvent):
                    return event.answer
        raise AssertionError("a stream ends with its answer")

    async def stream(self, ask: Ask) -> AsyncGenerator[Event, None]:
        """The engine's events."""
        seen, traced, failure = _Seen(), Traced(self._tracer, request_id.get()), "left"
        try:
            async with aclosing(self._engine.stream(ask)) as events:
                async for event in events:
                    self._see(event, seen, traced)
                    if isinstance(event, DoneEvent):
                        failure = ""
                    yield event
        except BaseException as error:
            failure = failure and code_of(error)
            raise
        finally:
            traced.end(failure or None)
            if failure:
                self._measures.failure(failure)
            self._write(ask, "chat", failure, seen)

    async def search(self, ask: Ask, *, k: int) -> Retrieved:
        """The engine's passages."""
        with self._searching(ask):
            began = perf_counter()
            found = await self._engine.search(ask, k=k)
            self._measures.search(perf_counter() - began)
        self._write(ask, "search", "", _Seen(passages=found.passages))
        return found

    def _see(self, event: Event, seen: _Seen, traced: Traced) -> None:
        traced.event(event)
        match event:
            case PassagesEvent(passages):
                seen.passages = passages
            case DeltaEvent(text):
                seen.pieces.append(text)
            case DoneEvent(answer=answer, refused=refused):
                seen.answer = answer
                self._measures.answer(answer, refused=refused)
            case _:
                pass

    @contextmanager
    def _searching(self, ask: Ask) -> Iterator[None]:
        span = self._tracer.start_span("search", attributes={"dateline.request_id": request_id.get()})
        try:
            yield
        except BaseException as error:
            code = code_of(error)
            span.set_status(Status(StatusCode.ERROR, code))
            self._measures.failure(code)
            self._write(ask, "search", code, _Seen())
            raise
        finally:
            span.end()

    def _write(self, ask: Ask, kind: str, failure: str, seen: _Seen) -> None:
        """A line of the audit log. In this thread: it is short, and must be written even when the task is cancelled."""
        if self._audit is None:
            return
        entry: dict[str, Any] = {
            "request_id": request_id.get(),
            "caller": caller.get(),
            "kind": kind,
            "question": ask.question,
            "history": [{"role": turn.role, "content": turn.content} for turn in ask.history],
            "as_of": _day(ask.as_of),
            "from": _day(ask.start),
            "to": _day(ask.end),
            "sources": list(ask.sources),
            "article": ask.article,
            "passages": _shown(seen.passages),
            "error": failure or None,
        }
        if kind == "chat":
            answer = seen.answer
            entry["answer_id"] = answer.id if answer else None
            entry["model"] = answer.model if answer else ask.model
            entry["text"] = answer.text if answer else "".join(seen.pieces)
            entry["abstained"] = answer.abstained if answer else None
            entry["citations"] = answer.to_json()["citations"] if answer else []
        if not self._audit.write(entry):
            self._measures.unwritten()


def _shown(passages: Sequence[Passage]) -> list[dict[str, Any]]:
    kept = {"chunk_id", "article_id", "start", "end", "text", "published", "title", "url", "source"}
    return [passage.model_dump(mode="json", include=kept) for passage in passages]


def _day(day: object) -> str | None:
    return None if day is None else str(day)
