"""``POST /chat``: a question in, an answer out, whole or as server-sent events."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.sse import ServerSentEvent

from api.caching import Use, done, use_for
from api.errors import Failure
from api.handlers import request_id_of
from api.routes.problems import OF_MODELS, WITH_BODY, events, problems
from api.schemas import ChatRequest
from api.service import OwnerDep, Service, ServiceDep
from api.streaming import begun, sse_handler, unless_gone, with_failure
from qa.events import CitationEvent, DeltaEvent, DoneEvent, Event, PassagesEvent, SentenceEvent, StatusEvent
from qa.models import Answer, Ask

_EVENTS = """\
Server-sent events, in this order: `status` `{"stage"}` as each stage begins, `passages` `[Passage]`, then `delta`
`{"text"}`, `sentence` and `citation` as the answer grows, and `done` with the whole answer. All deltas joined are the
answer's text. A failure after the first event is a last event `error` with a problem document. Ids count from 1."""

_NAMES = ["status", "passages", "delta", "sentence", "citation", "done", "error"]

router = APIRouter(tags=["questions"])


@router.post(
    "/chat",
    response_model=Answer,
    response_description="The answer.",
    responses={
        200: {"content": events(_EVENTS, event={"enum": _NAMES}, id={"pattern": "^[0-9]+$"})},
        **problems(404, *WITH_BODY, *OF_MODELS),
    },
)
async def chat(
    request: Request, response: Response, body: ChatRequest, service: ServiceDep, owner: OwnerDep
) -> Answer | Response:
    """Ask a question.

    The answer comes whole, or as server-sent events with `"stream": true` or the header `Accept: text/event-stream`.
    One that was given before may be given again, as the header `Cache-Status` says, unless `Cache-Control: no-cache`
    asks for a new one.
    """
    ask = body.to_ask(service.model(body.model))
    service.engine.check(ask)
    asked = _Asked(ask, body.session_id, owner, use_for(request.headers.get("cache-control", "")))
    if _wants_stream(body, request):
        request.state.asked = asked
        return await _stream(request)
    told = await unless_gone(request, done(asked.events(service)))
    response.headers.update(asked.use.headers())
    return told.answer


@dataclass(frozen=True)
class _Asked:
    """A question, the session it belongs to (None: none) and whose that is, and its use of the cache."""

    ask: Ask
    session_id: str | None
    owner: str
    use: Use

    def events(self, service: Service) -> AsyncGenerator[Event, None]:
        """The answer as it comes about."""
        if self.session_id is None:
            return service.engine.stream(self.ask)
        return service.conversations.stream(self.owner, self.session_id, self.ask, service.engine.stream)


def _wants_stream(body: ChatRequest, request: Request) -> bool:
    if body.stream is not None:
        return body.stream
    return "text/event-stream" in request.headers.get("accept", "")


async def _events(
    request: Request, response: Response, service: ServiceDep
) -> AsyncIterator[AsyncGenerator[Event, None]]:
    asked: _Asked = request.state.asked
    async with begun(request, asked.events(service), until=Event) as told:
        response.headers.update(asked.use.headers())
        yield told


async def _tell(
    request: Request, told: Annotated[AsyncGenerator[Event, None], Depends(_events)]
) -> AsyncIterator[ServerSentEvent]:
    number = 0
    async for event in with_failure(told, request.scope):
        number += 1
        name, data = _written(event, request_id_of(request.scope))
        yield ServerSentEvent(event=name, id=str(number), raw_data=data)


_stream = sse_handler(_tell)


def _written(event: Event | Failure, request_id: str) -> tuple[str, str]:
    """Name and JSON data of an event."""
    match event:
        case StatusEvent(stage):
            return "status", json.dumps({"stage": stage})
        case PassagesEvent(passages):
            return "passages", json.dumps([passage.to_json() for passage in passages], ensure_ascii=False)
        case DeltaEvent(text):
            return "delta", json.dumps({"text": text}, ensure_ascii=False)
        case SentenceEvent(sentence):
            return "sentence", sentence.model_dump_json(by_alias=True)
        case CitationEvent(citation):
            return "citation", citation.model_dump_json(by_alias=True)
        case DoneEvent(answer):
            return "done", answer.model_dump_json(by_alias=True)
        case Failure():
            return "error", json.dumps(event.problem(request_id), ensure_ascii=False)
