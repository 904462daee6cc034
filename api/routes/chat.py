"""``POST /chat``: a question in, an answer out, whole or as server-sent events."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.sse import ServerSentEvent

from api.errors import Failure
from api.handlers import request_id_of
from api.routes.problems import OF_MODELS, WITH_BODY, problems
from api.schemas import ChatRequest
from api.service import ServiceDep
from api.streaming import begun, sse_handler, unless_gone, with_failure
from qa.events import CitationEvent, DeltaEvent, DoneEvent, Event, PassagesEvent, SentenceEvent, StatusEvent
from qa.models import Answer

_EVENTS = """\
Server-sent events, in this order: `status` `{"stage"}` as each stage begins, `passages` `[Passage]`, then `delta`
`{"text"}`, `sentence` and `citation` as the answer grows, and `done` with the whole answer. All deltas joined are the
answer's text. A failure after the first event is a last event `error` with a problem document. Ids count from 1."""

router = APIRouter(tags=["questions"])


@router.post(
    "/chat",
    response_model=Answer,
    response_description="The answer.",
    responses={
        200: {"content": {"text/event-stream": {"schema": {"type": "string", "description": _EVENTS}}}},
        **problems(404, *WITH_BODY, *OF_MODELS),
    },
)
async def chat(request: Request, body: ChatRequest, service: ServiceDep) -> Answer | Response:
    """Ask a question.

    The answer comes whole, or as server-sent events with `"stream": true` or the header `Accept: text/event-stream`.
    """
    ask = body.to_ask(service.model(body.model))
    service.engine.check(ask)
    if not _wants_stream(body, request):
        return await unless_gone(request, service.engine.answer(ask))
    request.state.ask = ask
    return await _stream(request)


def _wants_stream(body: ChatRequest, request: Request) -> bool:
    if body.stream is not None:
        return body.stream
    return "text/event-stream" in request.headers.get("accept", "")


async def _events(request: Request, service: ServiceDep) -> AsyncIterator[AsyncGenerator[Event, None]]:
    async with begun(request, service.engine.stream(request.state.ask), until=Event) as events:
        yield events


async def _tell(
    request: Request, events: Annotated[AsyncGenerator[Event, None], Depends(_events)]
) -> AsyncIterator[ServerSentEvent]:
    number = 0
    async for event in with_failure(events, request.scope):
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
