"""``/v1``: OpenAI's chat completions and model list, for clients written for them."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.sse import ServerSentEvent

from api.caching import Use, done, use_for
from api.errors import Failure
from api.openai_schemas import (
    AssistantMessage,
    ChatCompletion,
    ChatCompletionRequest,
    Choice,
    Model,
    ModelList,
    OpenAIError,
    Usage,
    cited,
    refuse_unsupported,
)
from api.routes.problems import events
from api.service import DATELINE, ServiceDep
from api.streaming import begun, sse_handler, unless_gone, with_failure
from qa.events import DeltaEvent, DoneEvent, Event
from qa.models import Ask

_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": OpenAIError, "description": HTTPStatus(status).phrase}
    for status in (400, 401, 403, 404, 408, 413, 415, 421, 429, 500, 502, 503, 504)
}
# FastAPI would describe a 422 of its own where there is input; here what is invalid is a 400, as with OpenAI.
_ERRORS_OF_INPUT = _ERRORS | {"default": {"model": OpenAIError, "description": "Error"}}
_CHUNKS = "Server-sent events, each a `chat.completion.chunk`; the last one is `[DONE]`."

router = APIRouter(prefix="/v1", tags=["OpenAI-compatible"])


@dataclass(frozen=True)
class _Completion:
    """One completion being made. ``model`` is the name it is answered under."""

    id: str
    created: int
    model: str
    ask: Ask
    base_url: str
    include_usage: bool
    use: Use

    def chunk(self, delta: dict[str, Any] | None, finish_reason: str | None = None, **more: Any) -> str:
        """A chunk of the stream as JSON; ``delta`` None leaves ``choices`` empty."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        chunk = {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": [] if delta is None else [choice],
        }
        if self.include_usage:
            chunk["usage"] = None
        return json.dumps(chunk | more, ensure_ascii=False)


@router.post(
    "/chat/completions",
    response_model=ChatCompletion,
    response_description="The answer.",
    responses={
        200: {"content": events(_CHUNKS)},
        **_ERRORS_OF_INPUT,
    },
)
async def create_completion(
    request: Request, response: Response, body: ChatCompletionRequest, service: ServiceDep
) -> ChatCompletion | Response:
    """Answer the last user message, as a chat completion.

    The message (and, in a stream, the last delta) also carries `citations`, `annotations`, `abstained`, `warnings` and
    `rewritten_question`: what was searched, where it is not what was typed. Parameters that are not listed are accepted
    and not used. One that was given before may be given again, as the header `Cache-Status` says, unless
    `Cache-Control: no-cache` asks for a new one.
    """
    refuse_unsupported(body)
    model = service.model(body.model)
    completion = _Completion(
        id=f"chatcmpl-{uuid.uuid4().hex}",
        created=int(time.time()),
        model=model or service.engine.models()[0],
        ask=body.to_ask(model),
        base_url=str(request.base_url),
        include_usage=body.stream_options is not None and body.stream_options.include_usage,
        use=use_for(request.headers.get("cache-control", "")),
    )
    service.engine.check(completion.ask)
    if body.stream:
        request.state.completion = completion
        return await _stream(request)
    told = await unless_gone(request, done(service.engine.stream(completion.ask)))
    response.headers.update(completion.use.headers())
    return _whole(completion, told)


@router.get("/models", responses=_ERRORS)
async def list_models(service: ServiceDep) -> ModelList:
    """List the models: `dateline` (the configured one), its own name, those that follow it when it fails, and
    `extractive` (quotes only)."""
    names = dict.fromkeys((DATELINE, *service.engine.models()))
    return ModelList(data=[Model(id=name, created=service.started) for name in names])


# Names of models hold colons, and some slashes.
@router.get("/models/{model_id:path}", responses=_ERRORS_OF_INPUT)
async def get_model(model_id: str, service: ServiceDep) -> Model:
    """Show one of the models that are listed."""
    service.model(model_id)
    return Model(id=model_id, created=service.started)


def _whole(completion: _Completion, told: DoneEvent) -> ChatCompletion:
    answer = told.answer
    message = AssistantMessage(content=answer.text, **dict(cited(answer, completion.base_url)))
    return ChatCompletion(
        id=completion.id,
        created=completion.created,
        model=completion.model,
        choices=[Choice(message=message, finish_reason=told.finish)],
        usage=Usage.of(answer),
    )


async def _events(
    request: Request, response: Response, service: ServiceDep
) -> AsyncIterator[AsyncGenerator[Event, None]]:
    # Up to the first words, so that a model that fails is a status, which OpenAI's clients handle much better than an
    # error within a stream.
    completion: _Completion = request.state.completion
    async with begun(request, service.engine.stream(completion.ask), until=DeltaEvent) as told:
        response.headers.update(completion.use.headers())
        yield told


async def _tell(
    request: Request, told: Annotated[AsyncGenerator[Event, None], Depends(_events)]
) -> AsyncIterator[ServerSentEvent]:
    completion: _Completion = request.state.completion
    yield ServerSentEvent(raw_data=completion.chunk({"role": "assistant", "content": ""}))
    async for event in with_failure(told, request.scope):
        match event:
            case DeltaEvent(text):
                yield ServerSentEvent(raw_data=completion.chunk({"content": text}))
            case DoneEvent(answer=answer, finish=finish):
                extra = cited(answer, completion.base_url).model_dump(mode="json")
                yield ServerSentEvent(raw_data=completion.chunk(extra, finish))
                if completion.include_usage:
                    usage = Usage.of(answer)
                    spent = usage.model_dump() if usage else None
                    yield ServerSentEvent(raw_data=completion.chunk(None, usage=spent))
                yield ServerSentEvent(raw_data="[DONE]")
            case Failure():
                yield ServerSentEvent(raw_data=json.dumps(event.openai(), ensure_ascii=False))
            case _:
                pass  # OpenAI's stream has no place for stages, passages and verdicts


_stream = sse_handler(_tell)
